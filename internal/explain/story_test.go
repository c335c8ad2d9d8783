package explain

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden holds a report's JSON against a file.
func golden(t *testing.T, name string, r *Report) {
	t.Helper()
	got, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func do(t *testing.T, c *redis.Client, lines ...string) {
	t.Helper()
	for _, line := range lines {
		var args []any
		for part := range strings.SplitSeq(line, "|") {
			args = append(args, strings.ReplaceAll(part, "~", vmpooler.Prefix))
		}
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

func letter(t *testing.T, c *redis.Client, e dlq.Entry) {
	t.Helper()
	member, score := dlq.Encode(e)
	if err := c.ZAdd(t.Context(), vmpooler.DLQKey(e.QueueFrom), redis.Z{Member: member, Score: score}).Err(); err != nil {
		t.Fatal(err)
	}
}

func purged(t *testing.T, c *redis.Client, r purger.Record) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.XAdd(t.Context(), &redis.XAddArgs{Stream: purger.KeyAudit, Values: []any{"entry", text}}).Err(); err != nil {
		t.Fatal(err)
	}
}

const id = "3a367972-058e-4da6-a1f6-298ffebc7630"

// scene is a request that was put back once and is being worked on again: one VM
// given, one being made, one still to be cloned, one that failed.
func scene(t *testing.T) *redis.Client {
	t.Helper()
	c := server.Client(t)
	do(
		t, c, "SADD|~pools|deb|win", "HSET|~pool__deb|timeout|30|ready_ttl|720",
		"HSET|~odrequest__"+id+"|requested|deb-64:deb:2,win-64:win:1|status|pending|retry_count|1|requeued|1|requeued_at|"+ago(4*time.Minute)+"|token:token|"+secret+"|token:user|ada",
		fmt.Sprintf("ZADD|~provisioning__processing|%d|%s", now.Add(-4*time.Minute).Unix(), id),
		"ZADD|~odcreate__task|1|win-64:win:1:"+id, "ZADD|~odcreate__task|1|win-64:win:1:another",
		"SADD|~"+id+"__deb-64__deb|pix-given", "SADD|~running__deb|pix-given",
		"HSET|~active__deb|pix-given|"+ago(time.Minute),
		"HSET|~vm__pix-given|pool|deb|template|deb|domain|example.com|request_id|"+id+"|pool_alias|deb-64|clone|"+ago(3*time.Minute)+
			"|clone_time|12.5|ready|"+ago(time.Minute)+"|checkout|"+ago(time.Minute)+"|lifetime|24|ip|10.0.0.7|token:token|"+secret+"|token:user|ada",
		"SADD|~pending__deb|pix-made|pix-other",
		"HSET|~vm__pix-made|pool|deb|request_id|"+id+"|pool_alias|deb-64|clone|"+ago(2*time.Minute)+"|open_socket_error|password=hunter2 refused",
		"HSET|~vm__pix-other|pool|deb|clone|"+ago(time.Minute),
		"HSET|~vm__pix-failed|pool|win|request_id|"+id+"|pool_alias|win-64|clone|"+ago(3*time.Minute)+"|clone_error|no space|clone_error_class|RuntimeError",
		"PEXPIRE|~vm__pix-failed|3600500",
	)
	letter(t, c, dlq.Entry{
		VM: "pix-failed", Pool: "win", QueueFrom: "clone", ErrorClass: "RuntimeError", ErrorMessage: "no space",
		FailedAt: now.Add(-2 * time.Minute), RequestID: id, PoolAlias: "win-64",
	})
	letter(t, c, dlq.Entry{
		VM: "pix-given", Pool: "deb", QueueFrom: "pending", ErrorClass: "Timeout", ErrorMessage: "an earlier life, token=" + secret, FailedAt: now.Add(-time.Hour),
	})
	purged(t, c, purger.Record{
		At: now.Add(-10 * time.Minute), Who: "loop", Plan: "P", Target: purger.Request, RequestID: id, AgeSeconds: 90000,
		Reason: "waiting for 1d1h, limit 1d0h", Does: "failed, out of its queues", Outcome: purger.Applied,
	})
	purged(t, c, purger.Record{
		At: now.Add(-50 * time.Minute), Who: "loop", Plan: "P", Target: purger.Pending, Pool: "deb", VM: "pix-given", AgeSeconds: 9000,
		Reason: "pending for 2h30m, limit 2h0m", Does: "out of pending", Outcome: purger.Skipped, Why: "it is in another queue, token=" + secret,
	})
	return c
}

func TestStoriesAsTheyAreTold(t *testing.T) {
	c := scene(t)
	d := deps(t, c, now)
	for _, vm := range []string{"pix-given", "pix-made", "pix-failed"} {
		r, err := VM(t.Context(), d, vm)
		check(t, r, err)
		golden(t, vm+".json", r)
	}
	r, err := Request(t.Context(), d, id)
	check(t, r, err)
	golden(t, "request.json", r)
}

func TestANameWithItsDomainIsFound(t *testing.T) {
	c := scene(t)
	do(t, c, "SADD|~ready__deb|dotted.vm", "HSET|~vm__dotted.vm|pool|deb|ready|"+ago(0), "HSET|~vm__dotted|pool|deb")
	d := deps(t, c, now)
	for name, want := range map[string]string{
		"pix-given.example.com": "pix-given",
		"dotted.vm":             "dotted.vm", // a VM's own name comes first
		"nobody.example.com":    "nobody.example.com",
		".example.com":          ".example.com",
	} {
		r, err := VM(t.Context(), d, name)
		check(t, r, err)
		if r.Name != want || r.Known != !strings.Contains(want, "example") {
			t.Errorf("%s: %s, known is %v", name, r.Name, r.Known)
		}
	}
	if _, err := VM(t.Context(), d, ""); err == nil {
		t.Error("no name is a name")
	}
	if _, err := Request(t.Context(), d, ""); err == nil {
		t.Error("no id is an id")
	}
}

func TestOfTwoVMsOfOneNameThePoolsKnowWhenTheyWereCheckedOut(t *testing.T) {
	c := server.Client(t)
	do(
		t, c, "SADD|~pools|deb|win", "SADD|~running__deb|pix", "SADD|~running__win|pix",
		"HSET|~active__deb|pix|"+ago(time.Hour), "HSET|~active__win|pix|"+ago(time.Minute),
		"HSET|~vm__pix|pool|win|checkout|"+ago(time.Minute),
	)
	r, err := VM(t.Context(), deps(t, c, now), "pix")
	check(t, r, err)
	if len(r.Where) != 2 || *r.Where[0].AgeSeconds != 3600 || *r.Where[1].AgeSeconds != 60 {
		t.Errorf("%+v", r.Where)
	}
	want := []Event{
		{now.Add(-time.Hour), "checked out, as pool deb has it", FromQueue}, {now.Add(-time.Minute), "checked out by a user", FromHash},
	}
	if d := cmp.Diff(want, r.Events); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWhatIsShownIsBounded(t *testing.T) {
	c := server.Client(t)
	do(t, c, "SADD|~pools|deb", fmt.Sprintf("HSET|~odrequest__r|requested|a:deb:%d|status|ready", mostVMs+1))
	for i := range mostLetters + 1 {
		letter(t, c, dlq.Entry{VM: "pix", Pool: "deb", QueueFrom: "clone", FailedAt: now.Add(-time.Duration(i) * time.Hour), RequestID: "r"})
		purged(t, c, purger.Record{At: now.Add(-time.Duration(i) * time.Hour), VM: "pix", Target: purger.Pending, Outcome: purger.Applied})
		do(t, c, fmt.Sprintf("SADD|~r__a__deb|pix-%03d", i), fmt.Sprintf("SADD|~running__deb|pix-%03d", i))
	}
	r, err := VM(t.Context(), deps(t, c, now), "pix")
	check(t, r, err)
	if len(r.DeadLetters) != mostLetters || len(r.Purges) != mostPurges || len(r.Events) != mostLetters+mostPurges || len(r.Warnings) != 2 {
		t.Errorf("%d letters, %d purges, %d events, %q", len(r.DeadLetters), len(r.Purges), len(r.Events), r.Warnings)
	}
	r, err = Request(t.Context(), deps(t, c, now), "r")
	check(t, r, err)
	if len(r.VMs) != mostVMs || len(r.Warnings) != 2 {
		t.Errorf("%d VMs, %q", len(r.VMs), r.Warnings)
	}
	if !slices.ContainsFunc(r.Warnings, func(s string) bool { return strings.HasPrefix(s, "It has 101 VMs") }) {
		t.Errorf("%q", r.Warnings)
	}
}
