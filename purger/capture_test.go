package purger

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// At every checkpoint of the recorded run the plan is that of vmpooler's own code,
// but for the metadata that expires by itself: vmpooler's purge takes every hash of
// a destroyed VM for an orphan and gives it a TTL of an hour, again and again, so
// that it never goes (contract 3.2 and 3.3).
func TestThePlanIsVmpoolersOwnLessWhatExpires(t *testing.T) {
	var file struct {
		Checkpoints []struct {
			T     float64 `json:"t"`
			Now   int64   `json:"now"`
			Purge struct {
				Ages map[string]int      `json:"ages"`
				Plan map[string][]string `json:"plan"`
				// WithoutTTL are those of plan.orphaned that nothing will remove.
				WithoutTTL []string `json:"plan_orphaned_without_ttl"`
			} `json:"purge"`
		} `json:"checkpoints"`
	}
	if err := json.Unmarshal(testredis.File("capture/checkpoints.json"), &file); err != nil {
		t.Fatal(err)
	}
	trace, total, wrong := testredis.Capture(), 0, 0
	for _, cp := range file.Checkpoints {
		t.Run(fmt.Sprint(cp.T), func(t *testing.T) {
			c := server.Client(t)
			if err := trace.Replay(t.Context(), c, cp.T, 0); err != nil {
				t.Fatal(err)
			}
			now := time.Unix(cp.Now, 0)
			reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return now }})
			source := Source{Reader: reader, Client: c, Orphans: true}
			st, err := source.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			seconds := func(name string) time.Duration { return time.Duration(cp.Purge.Ages[name]) * time.Second }
			plan := Make(Input{State: st}, Settings{
				Targets:       map[Target]bool{Pending: true, Ready: true, Orphaned: true},
				MaxPendingAge: seconds("max_pending_age"), MaxReadyAge: seconds("max_ready_age"),
				MaxOrphanedAge: seconds("max_orphaned_age"), Limits: DefaultLimits(),
			})
			got := map[string][]string{"pending": {}, "ready": {}, "orphaned": {}}
			for _, a := range plan.Actions {
				got[string(a.Target)] = append(got[string(a.Target)], a.VM)
			}
			want := map[string][]string{"pending": cp.Purge.Plan["pending"], "ready": cp.Purge.Plan["ready"], "orphaned": cp.Purge.WithoutTTL}
			for _, lists := range []map[string][]string{got, want} {
				for target, vms := range lists {
					vms = append([]string{}, vms...)
					slices.Sort(vms)
					lists[target] = vms
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-vmpooler +ours):\n%s", d)
			}
			total += len(got["pending"]) + len(got["ready"])
			wrong += len(cp.Purge.Plan["orphaned"]) - len(got["orphaned"])
		})
	}
	if total == 0 || wrong == 0 {
		t.Errorf("%d entries planned, %d of vmpooler's left out: nothing was compared", total, wrong)
	}
	t.Logf("%d entries as vmpooler's own; %d of its orphans expire already", total, wrong)
}
