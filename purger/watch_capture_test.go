package purger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// In the hard run one provider lists nothing for six seconds, from 300.8 s on. It is
// a cliff within a second or two, until the pool has filled again; nothing else is one: no reset or resized pool, no
// restart, no eleven VMs deleted by hand, none of the users' returns.
func TestTheCliffsOfTheRecordedRunsAreThoseOfTheirProviders(t *testing.T) {
	for name, run := range map[string]struct {
		trace *testredis.Trace
		end   int
		want  string
	}{
		"the ordinary run": {testredis.Capture(), 480, ""},
		"the hard run":     {testredis.CaptureHard(), 442, "debian-12-x86_64 from 302 to 331"},
	} {
		t.Run(name, func(t *testing.T) {
			c, second := server.Client(t), 0
			now := func() time.Time { return run.trace.At(float64(second)) }
			w := NewWatch()
			recorder := dlq.NewRecorder(vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: now}), nil, dlq.RecorderOptions{
				Interval: time.Second, Deadline: time.Minute, Logger: log.NewNopLogger(),
				Rules:  lifecycle.Rules{DataTTL: 168 * time.Hour, Timeout: func(string) time.Duration { return time.Minute }},
				Events: dlq.NewEvents(prometheus.NewRegistry()), Looked: w.Look,
			})
			first, last := map[string]int{}, map[string]int{}
			before := -1.0
			for ; second <= run.end; second++ {
				if err := testredis.Apply(t.Context(), c, run.trace.Between(before, float64(second)), 0); err != nil {
					t.Fatal(err)
				}
				before = float64(second)
				if err := recorder.Record(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, check := range w.Checks() {
					if !check.Holds() {
						continue
					}
					if _, ok := first[check.Pool]; !ok {
						first[check.Pool] = second
					}
					last[check.Pool] = second
				}
			}
			var got []string
			for pool, at := range first {
				got = append(got, fmt.Sprintf("%s from %d to %d", pool, at, last[pool]))
			}
			if strings.Join(got, "; ") != run.want {
				t.Errorf("%q, not %q", got, run.want)
			}
		})
	}
}
