package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// shown is an answer as a golden file has it: what was asked, the status, the headers
// that matter, and the body with line breaks.
func shown(method, path string, code int, header http.Header, body []byte) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n\n%d %s\n", method, path, code, http.StatusText(code))
	for _, name := range []string{"Allow", "Cache-Control", "Content-Type", "ETag", "Retry-After", "X-Content-Type-Options"} {
		if v := header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.WriteByte('\n')
	if header.Get("Content-Type") != "application/json" {
		b.Write(body)
	} else if err := json.Indent(&b, body, "", "  "); err != nil {
		fmt.Fprintf(&b, "%v: %s", err, body)
	}
	return b.String()
}

func TestAnswersAreTheGoldens(t *testing.T) {
	c := server.Client(t)
	fill(t, c)
	off, on := newSite(t, c, nil), newSite(t, c, withPurge)
	other := newSite(t, c, func(o *Options, l *live.Options) {
		withPurge(o, l)
		o.Leads = func() bool { return false }
	})
	first, err := dlq.List(t.Context(), c, dlq.Filter{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		site   *site
		method string
		path   string
	}{
		{"health", off, "GET", "/api/v1/queue/health"},
		{"dlq", off, "GET", "/api/v1/queue/dlq"},
		{"dlq_page", off, "GET", "/api/v1/queue/dlq?limit=2"},
		{"dlq_next_page", off, "GET", "/api/v1/queue/dlq?limit=2&cursor=" + first.NextCursor},
		{"dlq_filtered", off, "GET", "/api/v1/queue/dlq?queue=pending&pool=debian&vm=pix-b&request_id=r1&error=LATE&since=3h&until=2026-11-23T08:00:00Z&order=oldest&limit=1000"},
		{"dlq_nothing", off, "GET", "/api/v1/queue/dlq?pool=none"},
		{"dlq_stats", off, "GET", "/api/v1/queue/dlq/stats"},
		{"dlq_stats_limit", off, "GET", "/api/v1/queue/dlq/stats?limit=1&since=1d"},
		{"dlq_stats_last_page", off, "GET", "/api/v1/queue/dlq/stats?limit=3&cursor=3"},
		{"dlq_entry", off, "GET", "/api/v1/queue/dlq/" + first.Records[0].ID},
		{"dlq_entry_none", off, "GET", "/api/v1/queue/dlq/clone-0000"},
		{"dlq_export", off, "GET", "/api/v1/queue/dlq/export?queue=clone"},
		{"vm", off, "GET", "/api/v1/queue/vm/pix-a"},
		{"vm_none", off, "GET", "/api/v1/queue/vm/pix-none"},
		{"request", off, "GET", "/api/v1/queue/request/r1"},
		{"request_none", off, "GET", "/api/v1/queue/request/r%2F%3Cb%3E"},
		{"purge_off", off, "GET", "/api/v1/queue/purge"},
		{"purge", on, "GET", "/api/v1/queue/purge?limit=2"},
		{"purge_of_another", other, "GET", "/api/v1/queue/purge?limit=1"},
		{"purge_next_page", on, "GET", "/api/v1/queue/purge?cursor=7FQJDU74IWHH.2"},
		{"purge_other_plan", on, "GET", "/api/v1/queue/purge?cursor=AAAAAAAAAAAA.2"},
		{"purge_history", off, "GET", "/api/v1/queue/purge/history"},
		{"purge_history_page", off, "GET", "/api/v1/queue/purge/history?limit=1"},
		{"purge_history_filtered", off, "GET", "/api/v1/queue/purge/history?pool=debian&vm=pix-x&plan_id=7FQJDU74IWHH&cursor=3-0"},
		{"unknown_parameter", off, "GET", "/api/v1/queue/dlq?pol=debian"},
		{"no_such_call", off, "GET", "/api/v2/queue"},
		{"wrong_method", off, "PUT", "/api/v1/queue/dlq"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := tc.site.do(tc.method, tc.path)
			golden(t, tc.name+".txt", shown(tc.method, tc.path, w.Code, w.Header(), w.Body.Bytes()))
		})
	}
	// A file without a case is of a case that has gone.
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) != 32 {
		t.Errorf("%d golden files: %v", len(files), err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-golden +got; -update writes it anew):\n%s", path, d)
	}
}

// No answer of any route holds a secret, whatever went wrong.
func TestNoAnswerHoldsASecret(t *testing.T) {
	c := server.Client(t)
	fill(t, c)
	s := newSite(t, c, withPurge)
	first, err := dlq.List(t.Context(), c, dlq.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, rt := range (&api{}).routes() {
		switch {
		case strings.HasSuffix(rt.pattern, "/dlq/{id}"):
			for i := range first.Records {
				paths = append(paths, strings.Replace(rt.pattern, "{id}", first.Records[i].ID, 1))
			}
		case strings.HasSuffix(rt.pattern, "{id}"):
			paths = append(paths, strings.Replace(rt.pattern, "{id}", "r1", 1))
		case strings.HasSuffix(rt.pattern, "{vm}"):
			paths = append(paths, strings.Replace(rt.pattern, "{vm}", "pix-0", 1), strings.Replace(rt.pattern, "{vm}", "panic", 1))
		default:
			paths = append(paths, rt.pattern)
		}
	}
	if !slices.ContainsFunc(first.Records, func(r dlq.Record) bool { return r.Err != nil }) {
		t.Fatal("no unreadable entry")
	}
	for _, path := range paths {
		w := s.get(path)
		if strings.Contains(w.Body.String(), secret) || strings.Contains(fmt.Sprint(w.Header()), secret) {
			t.Errorf("%s: %s", path, w.Body)
		}
		if w.Body.Len() == 0 {
			t.Errorf("%s: nothing", path)
		}
	}
}
