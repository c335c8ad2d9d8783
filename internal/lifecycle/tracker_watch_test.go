package lifecycle

import (
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// A VM may wait in completed for hours after its destruction began: of one whose
// end has been told nothing more is asked.
func TestACompletedVMIsNotAskedForOnceItsDestructionIsKnown(t *testing.T) {
	tr := NewTracker(rules)
	h := Hash{VM: "vm", Pool: "p", Clone: began, Ready: after(1e9)}
	places := map[string][]vmpooler.Member{"vm": {{Pool: "p", Queue: vmpooler.Completed}}}
	for second, destroyed := range []bool{false, false, true, true} {
		now := after(time.Duration(second) * time.Second)
		need := tr.Look(places, now)
		if wanted := second < 3; (len(need) == 1) != wanted {
			t.Errorf("second %d: needs %q", second, need)
		}
		if destroyed {
			h.Destroy = after(2e9)
		}
		if len(need) > 0 {
			tr.Take([]Hash{h}, now, second == 0)
		}
	}
	if need := tr.Look(map[string][]vmpooler.Member{}, after(5e9)); len(need) != 1 {
		t.Errorf("it left, and needs %q", need)
	}
}
