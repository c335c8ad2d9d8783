package incidents

import (
	"fmt"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/simulator"
)

// ordinary is a vmpooler on an ordinary day: some seventy VMs an hour are taken, some
// clones fail, some VMs never boot or die.
func ordinary() simulator.Options {
	return simulator.Options{
		Pools: fleet(), Seed: *seed, DataTTL: time.Hour, LoopDelay: 20 * time.Second, OndemandDelay: 10 * time.Second,
		Rates: &simulator.Rates{
			Checkouts: 1.5, Requests: 1, CloneFailure: 0.02, NeverBoots: 0.01, ReadyDies: 0.01, DestroyFailure: 0.02, Tokens: 0.7,
		},
	}
}

// busyDay adds bursts of users, and VMs that expire together.
func busyDay() simulator.Options {
	o := ordinary()
	for i := range o.Pools {
		o.Pools[i].ReadyTTL = 6 * time.Hour
	}
	rush := func(at, every time.Duration, count int, pools ...string) simulator.Change {
		return simulator.Change{Effect: simulator.Rush, At: at, Every: every, Count: count, Pools: pools}
	}
	o.Scenario = []simulator.Change{
		rush(100*time.Minute, 3*time.Hour, 15, largePool),
		rush(170*time.Minute, 4*time.Hour, 12, "ubuntu-24.04-x86_64"), // all of them
		rush(200*time.Minute, 5*time.Hour, 3, "windows-2022-x86_64", "redhat-9-x86_64"),
		rush(55*time.Minute, 40*time.Minute, 1, "sles-15-ppc64le"),
		{Effect: simulator.Restart, At: 11 * time.Hour, For: 30 * time.Second},
	}
	return o
}

// ordinaryTrouble is what happens to exporters now and then.
func ordinaryTrouble(w *world, at time.Duration) {
	switch at {
	case 7 * time.Hour:
		w.stop(leading)
	case 7*time.Hour + time.Minute:
		w.start(leading)
	case 13 * time.Hour:
		w.missed[following] = true
	case 17 * time.Hour:
		w.wires[leading].cut()
		w.wires[following].cut()
	case 17*time.Hour + scrapeEvery:
		w.wires[leading].mend()
		w.wires[following].mend()
	}
}

func TestADayOnWhichNothingIsWrongWakesNobodyAndMakesNoTicket(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	rules := loadRules(t)
	seen := simulate(t, plan{options: busyDay(), wanted: rules.metrics, lasts: day, happen: ordinaryTrouble})
	end := day - time.Minute
	promtool(t, rules, seen, time.Minute, []check{{
		expr: fmt.Sprintf("group by (%s) (max_over_time(%s[%ds:60s]))", dims, alerts(nil), int(end.Seconds())), at: end,
	}})
}
