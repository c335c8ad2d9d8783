package explain

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// secret stands in for every user's token.
const secret = "planted4rtoken7zz9secret"

// Every VM and every request of a recorded run can be explained at its end: where it
// is, in order, with what comes next, and without a token.
func TestEveryVMAndRequestOfTheCapturesIsExplained(t *testing.T) {
	for name, tr := range map[string]*testredis.Trace{"ordinary": testredis.Capture(), "hard": testredis.CaptureHard()} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			last := tr.Writes[len(tr.Writes)-1].T
			if err := tr.Replay(t.Context(), c, last, 0); err != nil {
				t.Fatal(err)
			}
			if name == "hard" {
				if err := testredis.CaptureHardOwn().Replay(t.Context(), c, last, 0); err != nil {
					t.Fatal(err)
				}
			}
			vms, requests := namesIn(tr)
			if len(vms) < 600 || len(requests) < 80 {
				t.Fatalf("%d VMs and %d requests are no capture", len(vms), len(requests))
			}
			d := deps(t, c, tr.At(last))
			nothing := plant(t, c)
			said := make(map[string]int)
			for _, vm := range vms {
				r, err := VM(t.Context(), d, vm)
				check(t, r, err)
				if !r.Known && len(nothing[vmpooler.VMKey(vm)]) > 0 {
					t.Errorf("%s has a hash and is not known", vm)
				}
				said[opening(r.Next)]++
			}
			for _, id := range requests {
				r, err := Request(t.Context(), d, id)
				check(t, r, err)
				said["request: "+opening(r.Next)]++
			}
			for _, next := range slices.Sorted(keysOf(said)) {
				t.Logf("%4d× %s", said[next], next)
			}
		})
	}
}

func keysOf(m map[string]int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// opening is as much of what comes next as is the same for many.
func opening(next string) string {
	words := strings.Fields(next)
	return strings.Join(words[:min(len(words), 6)], " ")
}

// check is what holds of every report.
func check(t *testing.T, r *Report, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if r.Known != (r.Next != "") {
		t.Errorf("%s: known is %v, next %q", r.Name, r.Known, r.Next)
	}
	if !slices.IsSortedFunc(r.Events, func(a, b Event) int { return a.At.Compare(b.At) }) {
		t.Errorf("%s: events out of order: %v", r.Name, r.Events)
	}
	for _, e := range r.Events {
		if e.At.IsZero() || e.At.Location() != time.UTC || e.What == "" || strings.HasSuffix(e.What, ".") {
			t.Errorf("%s: %+v", r.Name, e)
		}
	}
	for _, text := range append([]string{r.Next}, r.Warnings...) {
		if text != "" && (!strings.HasSuffix(text, ".") || strings.HasSuffix(text, "..") || strings.Contains(text, "%!") || strings.Contains(text, "  ")) {
			t.Errorf("%s: no sentence: %q", r.Name, text)
		}
	}
	doc, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(doc), secret) {
		t.Errorf("%s: the token is told: %s", r.Name, doc)
	}
	if strings.Contains(string(doc), "null") {
		t.Errorf("%s: null: %s", r.Name, doc)
	}
}

// namesIn are the VMs that were ever in a queue or had a hash, and the requests.
func namesIn(tr *testredis.Trace) (vms, requests []string) {
	seenVM, seenRequest := make(map[string]int), make(map[string]int)
	for _, w := range tr.Writes {
		if len(w.Command) < 2 {
			continue
		}
		if vm, ok := vmpooler.VMFromKey(w.Command[1]); ok {
			seenVM[vm]++
		}
		if id, ok := vmpooler.RequestFromKey(w.Command[1]); ok {
			seenRequest[id]++
		}
		if _, _, ok := vmpooler.QueueFromKey(w.Command[1]); ok && w.Command[0] == "sadd" {
			seenVM[w.Command[2]]++
		}
	}
	return slices.Sorted(keysOf(seenVM)), slices.Sorted(keysOf(seenRequest))
}

// plant puts the secret in the place of a token into every hash, and returns the
// fields of each.
func plant(t *testing.T, c *redis.Client) map[string]map[string]string {
	t.Helper()
	all := make(map[string]map[string]string)
	for _, pattern := range []string{vmpooler.VMKey("*"), vmpooler.RequestKey("*")} {
		for _, key := range c.Keys(t.Context(), pattern).Val() {
			all[key] = c.HGetAll(t.Context(), key).Val()
			if err := c.HSet(t.Context(), key, vmpooler.FieldToken, secret).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// deps are for a Redis in which it is now.
func deps(t *testing.T, c *redis.Client, now time.Time) Deps {
	t.Helper()
	s, err := config.Load(config.Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return Deps{
		Client: c, Settings: s,
		Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return now }}),
	}
}
