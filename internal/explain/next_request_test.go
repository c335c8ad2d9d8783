package explain

import (
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestWhatVmpoolerDoesWithARequestNext(t *testing.T) {
	made := now.Add(-2 * time.Minute)
	const asks = "deb-64:deb:2,win-64:win:1"
	request := func(status string, ttl time.Duration, change func(*requestEvidence)) *requestEvidence {
		e := &requestEvidence{
			gathered: gathered{now: now, placed: true}, id: "r",
			hash: hash{exists: true, fields: map[string]string{"requested": asks, "status": status}, ttl: ttl},
		}
		e.parts, e.partsKnown = parseRequested(asks)
		if change != nil {
			change(e)
		}
		return e
	}
	vm := func(name, pool string, given bool, queue vmpooler.Queue) requestVM {
		return requestVM{part: part{pool + "-64", pool, 1}, name: name, given: given, queues: []vmpooler.Queue{queue}}
	}
	const times = "vmpooler's ondemand_request_ttl, which is not in Redis"
	for name, tc := range map[string]struct {
		e    *requestEvidence
		want string
	}{
		"waiting": {
			request("", 0, func(e *requestEvidence) { e.waiting = made }), "vmpooler's manager takes it up in its next loop.",
		},
		"waiting, purge on": {
			request("", 0, func(e *requestEvidence) {
				e.waiting, e.purge = made, config.Purge{Enabled: true, MaxRequestAge: time.Hour}
			}), "vmpooler's manager takes it up in its next loop. The purge fails it in 58m, if it is still open.",
		},
		"waiting, its hash not written": {
			request("", 0, func(e *requestEvidence) { e.waiting, e.hash = made, hash{} }),
			"Its hash is not written yet: if vmpooler's manager looks before it is, it drops the request, which is lost then.",
		},
		"processing": {
			request("pending", 0, func(e *requestEvidence) {
				e.processing, e.tasks = made, []part{{"win-64", "win", 1}}
				e.vms = []requestVM{vm("a", "deb", true, vmpooler.Running), vm("b", "deb", false, vmpooler.Pending)}
			}),
			"It has 1 of 3 VMs, 1 being made, 1 whose clone has not begun. It becomes ready with the last of them. Otherwise vmpooler waits until its time is over (" + times + "), and it fails.",
		},
		"processing, can't fill": {
			request("pending", 0, func(e *requestEvidence) {
				e.processing, e.purge = made, config.Purge{Enabled: true, MaxRequestAge: time.Minute}
				e.vms = []requestVM{vm("a", "deb", true, vmpooler.Running), vm("b", "deb", false, vmpooler.Pending)}
			}),
			"It has 1 of 3 VMs, 1 being made. As it stands it can't fill, since fewer are coming than are missing (two clones that fail at once become one retry). It fails when its time is over (" + times + "). The purge fails it in its next cycle.",
		},
		"processing, one too many": {
			request("", 0, func(e *requestEvidence) {
				e.processing = made
				for _, n := range []string{"a", "b", "c", "d"} {
					e.vms = append(e.vms, vm(n, "deb", true, vmpooler.Running))
				}
			}),
			"It has 4 of 3 VMs. It will not become ready: vmpooler waits for the exact number. It fails when its time is over (" + times + ").",
		},
		"processing, unreadable": {
			request("pending", 0, func(e *requestEvidence) { e.processing, e.parts, e.partsKnown = made, nil, false }),
			"It counts as being worked on until its time is over (" + times + "). Whether that comes to anything is not known, since what it asks for can't be read.",
		},
		"processing, failed": {
			request("failed", 0, func(e *requestEvidence) { e.processing = made }),
			"It has failed, and vmpooler counts it as being worked on until its time is over (" + times + "). Then it moves the request's VMs to completed, and the request can be put back with `dlq requeue`.",
		},
		"processing, deleted": {
			request("deleted", 15*24*time.Hour, func(e *requestEvidence) { e.processing = made }),
			"Its user deleted it; vmpooler counts it as being worked on until its time is over (" + times + "). Its hash is forgotten in 15d.",
		},
		"processing, ready": {
			request("ready", 0, func(e *requestEvidence) { e.processing = made }),
			"All its VMs are with their user; vmpooler is about to take it out of its queue.",
		},
		"ready, with its user": {
			request("ready", 29*24*time.Hour, func(e *requestEvidence) {
				e.vms = []requestVM{vm("a", "deb", true, vmpooler.Running), vm("b", "deb", true, vmpooler.Running), vm("c", "win", true, vmpooler.Completed)}
			}),
			"Nothing: it has got all its VMs, and its user still has 2, each until its own lifetime is over. Its hash is forgotten in 29d.",
		},
		"ready, given back": {
			request("ready", 29*24*time.Hour, func(e *requestEvidence) { e.vms = []requestVM{vm("a", "deb", true, vmpooler.Completed)} }),
			"Nothing: it has got all its VMs, and its user has none of them any more. Its hash is forgotten in 29d.",
		},
		"ready, VMs forgotten": {
			request("ready", 29*24*time.Hour, nil), "Nothing: it has got all its VMs. Its hash is forgotten in 29d.",
		},
		"failed": {
			request("failed", 168*time.Hour, nil),
			"Nothing by itself: it has failed. `dlq requeue` puts it back into vmpooler's queue. Its hash is forgotten in 7d.",
		},
		"deleted": {
			request("deleted", 0, nil),
			"Nothing: its user deleted it, and vmpooler moves its VMs to completed. Its hash has no TTL: nothing ever removes it.",
		},
		"lost": {
			request("", 0, nil),
			"Nothing: it is lost, and nothing will take it up again; its user has to ask anew. Its hash has no TTL: nothing ever removes it.",
		},
		"clones without a request": {
			request("pending", 0, func(e *requestEvidence) { e.tasks = []part{{"deb-64", "deb", 1}} }),
			"Clones for it wait to be begun, and vmpooler does not count it among the requests that it is working on: it will not notice when they are done.",
		},
		"of a status unheard of": {
			request("thinking", 0, nil), "Not known: its status is none that vmpooler is known to give.",
		},
		"remembered only": {
			request("", 0, func(e *requestEvidence) { e.hash = hash{} }),
			"Nothing: it is in no queue and has no hash. Only what is told of it here is left.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.e.next(); got != tc.want {
				t.Errorf("\ngot  %s\nwant %s", got, tc.want)
			}
		})
	}
}
