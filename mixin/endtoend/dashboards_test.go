package endtoend

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// executeDashboards puts every query of every dashboard, for all pools and for one,
// and holds what is empty against the list of what may be.
func (p prometheus) executeDashboards(t *testing.T) {
	t.Helper()
	var asked []query // for all pools
	for _, d := range readDashboards(t) {
		until(t, 20*time.Second, d.UID+"'s variables have values", func() error {
			_, empty, err := p.variables(t.Context(), d, true)
			if err == nil && slices.ContainsFunc(empty, func(name string) bool { return emptyVariables[name] == "" }) {
				err = fmt.Errorf("no values: %s", strings.Join(empty, ", "))
			}
			return err
		})
		for _, all := range []bool{true, false} {
			values, _, err := p.variables(t.Context(), d, all)
			if err != nil {
				t.Fatal(err)
			}
			queries, err := d.queries(now, values)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range queries {
				if _, err := p.ask(t.Context(), now, q, time.Now()); err != nil {
					t.Error(err)
				}
			}
			if all {
				asked = append(asked, queries...)
			}
		}
	}
	p.drawEach(t, asked)
	p.reportSlowest(t, asked)
}

// drawEach waits until no query is empty that should not be, and says which of the
// list are not empty at all.
func (p prometheus) drawEach(t *testing.T, queries []query) {
	t.Helper()
	left := slices.DeleteFunc(slices.Clone(queries), func(q query) bool {
		_, listed := mayBeEmpty[q.key]
		return listed
	})
	until(t, 40*time.Second, "no panel is empty that should not be", func() error {
		var errs []error
		left = slices.DeleteFunc(left, func(q query) bool {
			n, err := p.ask(t.Context(), now, q, time.Now())
			if err == nil && n == 0 {
				err = fmt.Errorf("%s is empty:\n%s", q.key, q.expr)
			}
			errs = append(errs, err)
			return err == nil
		})
		return errors.Join(errs...)
	})
	for key, reason := range mayBeEmpty {
		i := slices.IndexFunc(queries, func(q query) bool { return q.key == key })
		if i < 0 {
			t.Errorf("mayBeEmpty: there is no query %q", key)
			continue
		}
		if n, err := p.ask(t.Context(), now, queries[i], time.Now()); err != nil || n > 0 && !reason.sometimes {
			t.Errorf("mayBeEmpty: %s has %d series (%v), and %q is stale", key, n, err, reason.why)
		}
	}
}

// reportSlowest names the slowest query in the log. It is of a minute of data:
// BenchmarkPanels asks for a day.
func (p prometheus) reportSlowest(t *testing.T, queries []query) {
	t.Helper()
	var slowest query
	var longest time.Duration
	for _, q := range queries {
		began := time.Now()
		if _, err := p.ask(t.Context(), now, q, began); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > longest {
			slowest, longest = q, took
		}
	}
	t.Logf("%d queries; the slowest is %s: %.1f ms", len(queries), slowest.key, float64(longest.Microseconds())/1000)
}
