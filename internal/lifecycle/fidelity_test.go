package lifecycle_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}

// late are the VMs whose failure's moment is lost: see cloneFailedAt.
var late = map[string]bool{}

// letter is one of vmpooler's own dead letters.
type letter struct {
	Queue string `json:"queue"`
	Entry struct {
		VM         string    `json:"vm"`
		Pool       string    `json:"pool"`
		ErrorClass string    `json:"error_class"`
		Message    string    `json:"error_message"`
		FailedAt   time.Time `json:"failed_at"`
		RequestID  string    `json:"request_id"`
		PoolAlias  string    `json:"pool_alias"`
	} `json:"entry"`
}

func letters(t *testing.T, file string) (out []letter) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(testredis.File(file))); ; {
		var l letter
		if err := d.Decode(&l); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
}

// readHashes reads every VM's hash, one by one: this is the test's truth, not
// the exporter's way. A replay gives TTLs from its own moment on, so the times
// of expiry are the recording's.
func readHashes(t *testing.T, c *redis.Client, tr *testredis.Trace) (hashes []lifecycle.Hash) {
	t.Helper()
	expiry := map[string]time.Time{}
	for _, w := range tr.Writes {
		if w.Command[0] == "expire" {
			seconds, err := time.ParseDuration(w.Command[2] + "s")
			if err != nil {
				t.Fatal(err)
			}
			expiry[w.Command[1]] = tr.At(w.T).Add(seconds)
		}
	}
	for it := c.Scan(t.Context(), 0, vmpooler.VMKey("*"), 1000).Iterator(); it.Next(t.Context()); {
		vm, _ := vmpooler.VMFromKey(it.Val())
		var expires time.Time
		if c.PTTL(t.Context(), it.Val()).Val() > 0 {
			expires = expiry[it.Val()]
		}
		hashes = append(hashes, lifecycle.NewHash(vm, c.HGetAll(t.Context(), it.Val()).Val(), expires))
	}
	return hashes
}

// An exporter that is started only after a run finds its failures in the hashes
// that are left.
func TestFailuresAreFoundInTheHashesThatAreLeft(t *testing.T) {
	for _, run := range []struct {
		name              string
		trace             *testredis.Trace
		end               float64
		truth             string
		timeouts          map[string]time.Duration
		recall, precision float64
	}{
		{"the ordinary run", testredis.Capture(), 480, "capture/dlq.jsonl", nil, 0.98, 0.98},
		{"the hard run", testredis.CaptureHard(), 442, "capture-hard/dlq.jsonl", map[string]time.Duration{
			"redhat-9-x86_64": 2 * time.Minute, "windows-2022-x86_64": 3 * time.Minute, "sles-15-ppc64le": 2 * time.Minute,
		}, 0.94, 0.98},
	} {
		t.Run(run.name, func(t *testing.T) {
			c := server.Client(t)
			if err := run.trace.Replay(t.Context(), c, run.end, 0); err != nil {
				t.Fatal(err)
			}
			rules := lifecycle.Rules{DataTTL: 168 * time.Hour, Timeout: func(pool string) time.Duration {
				if d, ok := run.timeouts[pool]; ok {
					return d
				}
				return time.Minute
			}}
			found := map[string]lifecycle.Failure{}
			for _, h := range readHashes(t, c, run.trace) {
				if f, ok := rules.Judge(h); ok {
					found[f.Kind.Queue()+" "+f.VM] = f
					if f.Kind == lifecycle.CloneFailed && !h.Destroy.IsZero() {
						t.Logf("%s was found and destroyed after its failure: its time is the latest possible", f.VM)
						late[f.VM] = true
					}
				}
			}
			report(t, found, letters(t, run.truth), run.recall, run.precision)
		})
	}
}

// report compares and prints what was found, missed and extra, by queue.
func report(t *testing.T, found map[string]lifecycle.Failure, truth []letter, recall, precision float64) {
	t.Helper()
	hits := map[string]int{}
	all := map[string]int{}
	missed := 0
	for _, l := range truth {
		all[l.Queue]++
		f, ok := found[l.Queue+" "+l.Entry.VM]
		if !ok {
			missed++
			continue
		}
		hits[l.Queue]++
		delete(found, l.Queue+" "+l.Entry.VM)
		if d := differs(f, l); d != "" {
			t.Errorf("%s %s: %s", l.Queue, l.Entry.VM, d)
		}
	}
	hit := len(truth) - missed
	gotRecall, gotPrecision := float64(hit)/float64(len(truth)), float64(hit)/float64(hit+len(found))
	t.Logf("recall %.1f %%, precision %.1f %%; found %v of %v, missed %d, extra %d", 100*gotRecall, 100*gotPrecision, hits, all, missed, len(found))
	for name := range found {
		t.Logf("extra: %s", name)
	}
	if gotRecall < recall || gotPrecision < precision {
		t.Errorf("recall %.3f (at least %.3f), precision %.3f (at least %.3f)", gotRecall, recall, gotPrecision, precision)
	}
}

// differs says in which field a failure is not vmpooler's.
func differs(f lifecycle.Failure, l letter) string {
	e := l.Entry
	class := e.ErrorClass
	if f.Kind == lifecycle.Unreachable {
		class = lifecycle.ClassUnreachable // vmpooler leaves no class in Redis
	}
	for _, x := range []struct{ field, want, got string }{
		{"pool", e.Pool, f.Pool},
		{"class", class, f.Class},
		{"request", e.RequestID, f.RequestID},
		{"alias", e.PoolAlias, f.PoolAlias},
	} {
		if x.want != x.got {
			return fmt.Sprintf("%s %q, vmpooler has %q", x.field, x.got, x.want)
		}
	}
	d := e.FailedAt.Sub(f.At) // how much later vmpooler noticed
	least, most := -2*time.Second, 2*time.Second
	switch {
	case late[f.VM]:
		least = -time.Minute
	case f.Kind == lifecycle.TimedOut: // at its next look after the timeout
		most = time.Minute
	}
	if d < least || d > most {
		return fmt.Sprintf("failed at %v, vmpooler has %v", f.At, e.FailedAt)
	}
	return ""
}
