package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/lifecycle"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// ago is a time as vmpooler writes it.
func ago(d time.Duration) string { return vmpooler.FormatTime(now.Add(-d)) }

// vmAt is the evidence of a VM in these places, whose hash has these fields and TTL;
// nil for none.
func vmAt(at []vmpooler.Member, ttl time.Duration, fields map[string]string) *vmEvidence {
	e := &vmEvidence{
		gathered: gathered{
			now: now, placed: true, dataTTL: 168 * time.Hour,
			rules: map[string]poolRules{
				"deb": {timeout: 15 * time.Minute, readyTTL: 12 * time.Hour},
				"win": {timeout: time.Hour},
			},
		},
		name: "pix", at: at, hash: hash{exists: fields != nil, fields: fields, ttl: ttl},
	}
	e.life = lifecycle.NewHash("pix", fields, e.hash.expires(now))
	return e
}

func in(q vmpooler.Queue, pools ...string) (at []vmpooler.Member) {
	for _, p := range pools {
		at = append(at, vmpooler.Member{Pool: p, Queue: q})
	}
	return at
}

func purging(e *vmEvidence) *vmEvidence {
	e.purge = config.Purge{
		Enabled: true, MaxPendingAge: 2 * time.Hour, MaxReadyAge: 24 * time.Hour, MaxCompletedAge: time.Hour, MaxOrphanedAge: 24 * time.Hour,
	}
	return e
}

func TestWhatVmpoolerDoesWithAVMNext(t *testing.T) {
	type fields = map[string]string
	const day = 24 * time.Hour
	requested := func(status string) *vmEvidence {
		e := vmAt(in(vmpooler.Pending, "deb"), 0, fields{"clone": ago(time.Minute), "clone_time": "3.2", "pool": "deb", "request_id": "r"})
		e.request = hash{exists: true, fields: fields{"status": status}}
		return e
	}
	unplaced := vmAt(nil, 0, nil)
	unplaced.placed = false
	dry := purging(vmAt(nil, 0, fields{"clone": ago(2 * day), "pool": "deb"}))
	dry.purge.DryRun = true
	off := purging(vmAt(nil, 0, fields{"clone": ago(2 * day), "pool": "deb"}))
	off.targets = map[purger.Target]bool{purger.Orphaned: false}
	for name, tc := range map[string]struct {
		e    *vmEvidence
		want string
	}{
		"pending, cloning": {
			vmAt(in(vmpooler.Pending, "deb"), 0, fields{"clone": ago(13*time.Minute + 48*time.Second)}),
			"Its clone is not done, and if it fails, vmpooler drops the VM. It becomes ready once it answers, or fails in 1m12s, when its pool's timeout of 15m is over. vmpooler moves it to completed then, and destroys it.",
		},
		"pending, booting": {
			vmAt(in(vmpooler.Pending, "win"), 0, fields{"clone": ago(time.Minute), "clone_time": "3.2"}),
			"It becomes ready once it answers, or fails in 59m, when its pool's timeout of 1h is over. vmpooler moves it to completed then, and destroys it.",
		},
		"pending, overdue by nothing": {
			vmAt(in(vmpooler.Pending, "deb"), 0, fields{"clone": ago(15 * time.Minute), "clone_time": "3.2"}),
			"Its pool's timeout of 15m has been over for 0s: vmpooler moves it to completed at its next look, and destroys it.",
		},
		"pending, overdue, purge on": {
			purging(vmAt(in(vmpooler.Pending, "deb"), 0, fields{"clone": ago(90 * time.Minute), "clone_time": "3.2"})),
			"Its pool's timeout of 15m has been over for 1h15m: vmpooler moves it to completed at its next look, and destroys it. The purge takes it out of pending in 30m, if it is still there.",
		},
		"pending, stale, purge on": {
			purging(vmAt(in(vmpooler.Pending, "deb"), 0, fields{"clone": ago(3 * time.Hour), "clone_time": "3.2"})),
			"Its pool's timeout of 15m has been over for 2h45m: vmpooler moves it to completed at its next look, and destroys it. The purge takes it out of pending in its next cycle, unless its pool is held.",
		},
		"pending, age unknown": {
			vmAt(in(vmpooler.Pending, "deb"), 0, fields{"clone": "yesterday", "clone_time": "3.2"}),
			"It becomes ready once it answers. When its pool's timeout is over is not known, since nothing says when its clone began.",
		},
		"pending, cloned in the future": {
			vmAt(in(vmpooler.Pending, "deb"), 0, fields{"clone": ago(-time.Hour), "clone_time": "3.2"}),
			"It becomes ready once it answers. When its pool's timeout is over is not known, since nothing says when its clone began.",
		},
		"pending, no hash": {
			vmAt(in(vmpooler.Pending, "deb"), 0, nil),
			"It becomes ready once it answers. When its pool's timeout is over is not known, since nothing says when its clone began.",
		},
		"pending, timeout unknown": {
			vmAt(in(vmpooler.Pending, "else"), 0, fields{"clone": ago(time.Minute), "clone_time": "3.2"}),
			"It becomes ready once it answers. Its pool's timeout is not known.",
		},
		"pending, for a request": {
			requested("pending"),
			"It goes to the user of its request once it answers, or fails in 14m, when its pool's timeout of 15m is over. vmpooler moves it to completed then, and destroys it.",
		},
		"pending, for a request that failed": {
			requested("failed"), "Its request is failed: vmpooler moves it to completed, and then destroys it.",
		},
		"pending, for a request that was deleted": {
			requested("deleted"), "Its request is deleted: vmpooler moves it to completed, and then destroys it.",
		},
		"ready": {
			vmAt(in(vmpooler.Ready, "deb"), 0, fields{"ready": ago(9 * time.Hour)}),
			"It waits for a user. If none comes, vmpooler moves it to completed in 3h, when its pool's ready_ttl of 12h is over.",
		},
		"ready, ready_ttl over": {
			vmAt(in(vmpooler.Ready, "deb"), 0, fields{"ready": ago(13 * time.Hour)}),
			"It waits for a user. Its pool's ready_ttl of 12h has been over for 1h: vmpooler moves it to completed at its next look.",
		},
		"ready, no ready_ttl, purge on": {
			purging(vmAt(in(vmpooler.Ready, "win"), 0, fields{"ready": ago(9 * time.Hour)})),
			"It waits for a user. Its pool has no ready_ttl, so it may stay for as long as it likes. The purge takes it out of ready in 15h, if it is still there.",
		},
		"ready, age unknown": {
			vmAt(in(vmpooler.Ready, "deb"), 0, fields{}),
			"It waits for a user. When its pool's ready_ttl of 12h is over is not known, since nothing says when it became ready.",
		},
		"ready, unreachable": {
			vmAt(in(vmpooler.Ready, "win"), 0, fields{"ready": ago(time.Hour), "open_socket_error": "no route"}),
			"The last connection to it failed: vmpooler moves it to completed, and destroys it, unless the next one succeeds. Its pool has no ready_ttl, so it may stay for as long as it likes.",
		},
		"running": {
			vmAt(in(vmpooler.Running, "deb"), 0, fields{"checkout": ago(time.Hour), "lifetime": "12"}),
			"A user has it, until they give it back or its lifetime is over. Its lifetime of 12h ends in 11h, at 2026-11-23 23:00:00 UTC. Then vmpooler moves it to completed, and destroys it.",
		},
		"running and migrating": {
			vmAt(append(in(vmpooler.Running, "deb"), in(vmpooler.Migrating, "deb")...), 0, fields{"checkout": ago(13 * time.Hour), "lifetime": "12"}),
			"Its lifetime of 12h has been over for 1h: vmpooler moves it to completed at its next look, and destroys it.",
		},
		"running, no lifetime": {
			vmAt(in(vmpooler.Running, "deb"), 0, fields{"checkout": ago(time.Hour)}),
			"A user has it, until they give it back or its lifetime is over. Then vmpooler moves it to completed, and destroys it. It has no lifetime of its own, so vmpooler's vm_lifetime counts, which is not in Redis.",
		},
		"running, lifetime unreadable": {
			vmAt(in(vmpooler.Running, "deb"), 0, fields{"checkout": ago(time.Hour), "lifetime": "NaN"}),
			"A user has it, until they give it back or its lifetime is over. Then vmpooler moves it to completed, and destroys it. It has no lifetime of its own, so vmpooler's vm_lifetime counts, which is not in Redis.",
		},
		"running, no checkout": {
			vmAt(in(vmpooler.Running, "deb"), 0, fields{"lifetime": "1.5"}),
			"A user has it, until they give it back or its lifetime is over. Then vmpooler moves it to completed, and destroys it. Its lifetime is 1h30m, and since when is not known.",
		},
		"completed": {
			vmAt(in(vmpooler.Completed, "deb"), 0, fields{"ready": ago(time.Hour)}),
			"vmpooler destroys it at its next look at the pool.",
		},
		"completed, being destroyed, purge on": {
			purging(vmAt(in(vmpooler.Completed, "deb"), 6*day, fields{"destroy": ago(12 * time.Second)})),
			"Its destruction began 12s ago; it leaves completed once its provider has destroyed it. If that fails, vmpooler tries again. The purge takes it out of completed in 59m48s, if it is still there.",
		},
		"discovered": {
			vmAt(in(vmpooler.Discovered, "deb"), 0, nil),
			"vmpooler found it at its provider and in no queue: it moves it to completed, and then destroys it.",
		},
		"migrating alone": {
			vmAt(in(vmpooler.Migrating, "deb"), 0, nil),
			"Not known: it is in migrating alone, which vmpooler empties a loop after a checkout.",
		},
		"live in two pools": {
			vmAt(append(in(vmpooler.Ready, "win"), in(vmpooler.Completed, "deb")...), 0, fields{"ready": ago(time.Hour)}),
			"In pool win: It waits for a user. Its pool has no ready_ttl, so it may stay for as long as it likes. In pool deb: vmpooler destroys it at its next look at the pool.",
		},
		"destroyed": {
			vmAt(nil, 167*time.Hour, fields{"clone": ago(day), "destroy": ago(time.Hour)}),
			"Nothing: it was destroyed, and its metadata is forgotten in 6d23h.",
		},
		"clone failed": {
			vmAt(nil, 167*time.Hour, fields{"clone": ago(day), "clone_error": "x"}),
			"Nothing: its clone failed, and its metadata is forgotten in 6d23h.",
		},
		"purged from pending": {
			vmAt(nil, time.Hour, fields{"clone": ago(day)}),
			"Its metadata is forgotten in 1h, though nothing says that it was destroyed. Should its provider still have the VM, vmpooler files it under discovered at its next inventory, and destroys it.",
		},
		"leaked, purge off": {
			vmAt(nil, 0, fields{"clone": ago(2 * day), "pool": "deb"}),
			"It is in no queue and its metadata has no TTL: if that stays so, vmpooler never removes it. Should its provider still have the VM, vmpooler files it under discovered at its next inventory, and destroys it. The purge, which could, is off or a dry run.",
		},
		"leaked, dry run":    {dry, "… The purge, which could, is off or a dry run."},
		"leaked, target off": {off, "… The purge, which could, is off or a dry run."},
		"leaked, old": {
			purging(vmAt(nil, 0, fields{"clone": ago(2 * day), "pool": "deb"})), "… The purge gives it a TTL of 1h in its next cycle.",
		},
		"leaked, young": {
			purging(vmAt(nil, 0, fields{"clone": ago(23 * time.Hour), "pool": "deb"})), "… The purge gives it a TTL of 1h in 1h, unless it is in a queue again.",
		},
		"leaked, only a tag": {
			purging(vmAt(nil, 0, fields{})), "… The purge leaves it alone, since its hash lacks its pool, or when its clone began.",
		},
		"remembered only":    {vmAt(nil, 0, nil), "Nothing: it is in no queue and has no metadata. Only what is told of it here is left."},
		"queues unread":      {unplaced, "Not known, since not all queues could be read."},
		"a queue to come":    {purging(vmAt(in(vmpooler.Completed, "deb"), 0, fields{"destroy": ago(2 * time.Hour)})), "… The purge takes it out of completed in its next cycle, unless its pool is held."},
		"ready, in two ways": {vmAt(append(in(vmpooler.Pending, "deb"), in(vmpooler.Ready, "deb")...), 0, fields{"clone": ago(time.Minute), "clone_time": "2", "ready": ago(0)}), "… It waits for a user. If none comes, vmpooler moves it to completed in 12h, when its pool's ready_ttl of 12h is over."},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.e.next()
			if tail, ok := strings.CutPrefix(tc.want, "… "); got != tc.want && (!ok || !strings.HasSuffix(got, " "+tail)) {
				t.Errorf("\ngot  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 999 * time.Millisecond: "0s", 59 * time.Second: "59s", time.Minute: "1m", 72 * time.Second: "1m12s",
		time.Hour: "1h", time.Hour + 59*time.Second: "1h", 3*time.Hour + 2*time.Minute: "3h2m", 24 * time.Hour: "1d", 167*time.Hour + 59*time.Minute: "6d23h",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
