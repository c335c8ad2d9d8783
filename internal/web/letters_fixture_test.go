package web

import (
	"fmt"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

func someStats() *dlq.Stats {
	group := func(n int, text, vm, pool string, pools ...string) dlq.Group {
		return dlq.Group{
			Fingerprint: text, Count: n, Pools: append([]string{pool}, pools...), First: ago(20 * time.Hour), Last: ago(3 * time.Minute),
			Example: dlq.Record{Entry: dlq.Entry{VM: vm, Pool: pool, Queue: "clone", FailedAt: ago(3 * time.Minute)}, ID: "clone-0123456789abcdef"},
		}
	}
	s := &dlq.Stats{
		Entries: 1204, First: ago(22 * time.Hour), Last: ago(3 * time.Minute), Unreadable: 1,
		Groups: []dlq.Group{
			group(812, `RuntimeError: Clone of "<vm>" failed: no space left on datastore ds-<n>`, "quiet-otter", "win-2022-x86_64"),
			group(260, `Timeout: VM <vm> was not ready within <n> minutes`, "brave-heron", "centos-7-x86_64", "debian-12-x86_64", "redhat-9-x86_64", "ubuntu-2204-x86_64"),
			group(132, `Errno::EHOSTUNREACH: No route to host - connect(2) for <ip>:<n>`, "calm-newt", "debian-12-x86_64"),
		},
		Queues: []dlq.Tally{{Name: "clone", Count: 1000}, {Name: "pending", Count: 204}},
	}
	for i := range 22 {
		s.Hours = append(s.Hours, dlq.Hour{Start: now.Truncate(time.Hour).Add(time.Duration(i-21) * time.Hour), Count: 10 + (i*37)%90})
	}
	return s
}

func somePlan(dry bool) *purger.Plan {
	action := func(t purger.Target, pool, vm string, o purger.Outcome, why string) purger.Action {
		return purger.Action{
			Target: t, Pool: pool, VM: vm, Age: 3*time.Hour + 2*time.Minute, Reason: "pending for 3h2m, limit 2h0m",
			Does: "dead letter, out of pending, metadata expires in 168h", Outcome: o, Why: why,
		}
	}
	p := &purger.Plan{ID: "K7Q2ZNDM4FXA", Made: ago(39 * time.Minute), DryRun: dry, Held: []purger.Hold{
		{Pool: "debian-12-x86_64", Target: purger.Pending, Cause: purger.HoldLimit, Reason: "it would remove 41 of 141 VMs, more than 20 of them or 10 %"},
	}}
	for i := range 6 {
		o, why := purger.Applied, ""
		switch {
		case dry:
			o = purger.Planned
		case i == 4:
			o, why = purger.Skipped, "it is in another queue: ready"
		}
		p.Actions = append(p.Actions, action(purger.Pending, "win-2022-x86_64", fmt.Sprintf("stale-wombat-%d", i), o, why))
	}
	p.Actions = append(p.Actions, action(purger.Pending, "debian-12-x86_64", "lucky-lynx", purger.Held, "more than 10 %"))
	p.Actions = append(p.Actions, purger.Action{Target: purger.Request, RequestID: "7a1f2c9e", Age: 25 * time.Hour, Reason: "made 25h ago, limit 24h0m", Does: "status failed", Outcome: purger.Planned})
	return p
}

func somePage() dlq.Page {
	retries := 2
	letter := func(n int, vm, pool, queue, class, message string) dlq.Record {
		at := ago(time.Duration(n*7+3) * time.Minute)
		return dlq.Record{
			Entry: dlq.Entry{Queue: queue, VM: vm, Pool: pool, QueueFrom: queue, ErrorClass: class, ErrorMessage: message, FailedAt: at},
			ID:    fmt.Sprintf("%s-%016x", queue, n+1), Score: float64(at.Unix()),
		}
	}
	p := dlq.Page{NextCursor: "AUHqQ", Records: []dlq.Record{
		letter(0, "quiet-otter", "win-2022-x86_64", "clone", "RuntimeError", `Clone of "quiet-otter" failed: no space left on datastore ds-4`),
		letter(1, "brave-heron", "centos-7-x86_64", "pending", "Timeout", "VM brave-heron was not ready within 15 minutes"),
		letter(2, "calm-newt", "debian-12-x86_64", "ready", "Errno::EHOSTUNREACH", "No route to host - connect(2) for 10.0.4.17:22"),
	}}
	p.Records[0].RequestID, p.Records[0].PoolAlias, p.Records[0].RetryCount = "7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11", "win-2022", &retries
	return p
}

func someStories() map[string]*explain.Report {
	age := int64(3 * 3600)
	letters := somePage().Records
	return map[string]*explain.Report{
		"vm quiet-otter": {
			Kind: explain.KindVM, Name: "quiet-otter", Known: true, AsOf: now,
			Where: []explain.Place{{Queue: "pending", Pool: "win-2022-x86_64", AgeSeconds: &age}},
			Facts: explain.Facts{Metadata: true, Pool: "win-2022-x86_64", Template: "win-2022-x86_64", Domain: "example.com", RequestID: "7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11"},
			Next:  "It is moved to completed at the next look, since its pool's timeout of 15m has been over for 2h 45m.",
			Events: []explain.Event{
				{At: ago(3 * time.Hour), What: "its clone began", Source: explain.FromHash},
				{At: ago(3*time.Hour - 4*time.Minute), What: "its clone was done, after 240 s", Source: explain.FromHash},
				{At: ago(3 * time.Minute), What: "RuntimeError: no space left on datastore ds-4", Source: explain.FromDeadLetter},
			},
			Warnings: []string{"Its hash has no TTL although it failed."}, DeadLetters: letters[:1],
		},
		"request 7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11": {
			Kind: explain.KindRequest, Name: "7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11", Known: true, AsOf: now,
			Where: []explain.Place{{Queue: "provisioning__processing"}},
			Facts: explain.Facts{Metadata: true, Requested: "win-2022:win-2022-x86_64:2", Status: "pending"},
			VMs:   []explain.RequestVM{{VM: "quiet-otter", Pool: "win-2022-x86_64", Alias: "win-2022", Queues: []string{"pending"}}},
			Next:  "vmpooler makes another VM for it.",
			Events: []explain.Event{
				{At: ago(13 * time.Minute), What: "it was made", Source: explain.FromQueue},
			},
		},
	}
}
