package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/checkredis"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// inQueue puts a VM into a queue. Fields are pairs of a field and how long ago that
// was.
func inQueue(t *testing.T, c *redis.Client, q vmpooler.Queue, pool, vm string, fields ...any) {
	t.Helper()
	must(t, c, "SADD", vmpooler.KeyPools, pool)
	must(t, c, "SADD", q.Key(pool), vm)
	metadata(t, c, pool, vm, fields...)
}

func metadata(t *testing.T, c *redis.Client, pool, vm string, fields ...any) {
	t.Helper()
	args := []any{"HSET", vmpooler.VMKey(vm), "pool", pool, "template", pool, "token:token", "verysecret"}
	for i := 0; i < len(fields); i += 2 {
		args = append(args, fields[i], vmpooler.FormatTime(time.Now().Add(-fields[i+1].(time.Duration))))
	}
	must(t, c, args...)
}

const day = 24 * time.Hour

// staleState has a stale entry of each target that needs no provider, and live VMs
// beside each: three stale pending VMs in win and one in deb, a ready and a completed
// one in deb, metadata, and a request.
func staleState(t *testing.T, c *redis.Client) {
	t.Helper()
	for i := range 3 {
		inQueue(t, c, vmpooler.Pending, "win", fmt.Sprintf("pix-stuck-%d", i), "clone", time.Duration(i+3)*time.Hour)
	}
	inQueue(t, c, vmpooler.Pending, "deb", "pix-stuck-deb", "clone", 9*time.Hour)
	inQueue(t, c, vmpooler.Pending, "win", "pix-young", "clone", time.Minute)
	inQueue(t, c, vmpooler.Ready, "deb", "pix-old", "clone", 3*day, "ready", 2*day)
	inQueue(t, c, vmpooler.Ready, "deb", "pix-fresh", "clone", 3*day, "ready", time.Hour)
	inQueue(t, c, vmpooler.Ready, "deb", "pix-fresh-2", "clone", 3*day, "ready", time.Hour)
	inQueue(t, c, vmpooler.Completed, "deb", "pix-undead", "clone", 3*day, "destroy", 2*time.Hour)
	must(t, c, "EXPIRE", vmpooler.VMKey("pix-undead"), 600_000)
	inQueue(t, c, vmpooler.Running, "win", "pix-used", "clone", 30*day, "checkout", 29*day)
	metadata(t, c, "deb", "pix-leaked", "clone", 5*day)
	must(t, c, "HSET", vmpooler.RequestKey(requestOne), "requested", "deb:deb:2", "status", "pending", "token:token", "verysecret")
	must(t, c, "ZADD", vmpooler.KeyRequestQueue, time.Now().Add(-2*day).Unix(), requestOne)
}

// staleEntries is how many entries of staleState are stale.
const staleEntries = 8

// dump is all of a Redis: every key's value, and whether it has a TTL.
func dump(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, key := range c.Keys(t.Context(), "*").Val() {
		all[key] = fmt.Sprint(c.Dump(t.Context(), key).Val(), c.PTTL(t.Context(), key).Val() > 0)
	}
	return all
}

// quickly leaves out orphans, which are looked at twice, some seconds apart.
const quickly = "--no-purge.target.orphaned"

type purgeDoc struct {
	PlanID  string `json:"plan_id"`
	DryRun  bool   `json:"dry_run"`
	Actions []struct {
		Target, Pool, VM, Reason, Does, Provider, Outcome, Why string

		RequestID string `json:"request_id"`
		Age       *int64 `json:"age_seconds"`
	} `json:"actions"`
	Held []struct {
		Pool, Target, Cause, Reason string
	} `json:"held"`
	UnknownVMs map[string][]string `json:"unknown_vms"`
	Summary    struct {
		Entries  int                       `json:"entries"`
		Outcomes map[string]int            `json:"outcomes"`
		Targets  map[string]map[string]int `json:"targets"`
	} `json:"summary"`
}

// purgeOutput runs `purge --output=json` and reads what it prints.
func purgeOutput(t *testing.T, args ...string) (doc purgeDoc, stderr string, code int) {
	t.Helper()
	stdout, stderr, code := command(t, append([]string{"purge", "--output=json", unixAddr(server)}, args...)...)
	dec := json.NewDecoder(strings.NewReader(stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil || dec.More() {
		t.Fatalf("%v, code %d:\n%s%s", err, code, stdout, stderr)
	}
	return doc, stderr, code
}

func (d purgeDoc) names(outcome string) []string {
	var names []string
	for _, a := range d.Actions {
		if a.Outcome == outcome {
			names = append(names, a.VM+a.RequestID)
		}
	}
	slices.Sort(names)
	return names
}

func TestPurgeDryRunWritesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	writeFile(t, file, ":config:\n  purge_dry_run: true\n")
	for name, args := range map[string][]string{
		"--dry-run":        {"--dry-run"},
		"--purge.dry-run":  {"--purge.dry-run", "--yes"},
		"the file's":       {"--config.file=" + file, "--yes"},
		"--plan":           {"--plan=" + filepath.Join(t.TempDir(), "plan.json")},
		"and in so many":   {"run", "--dry-run"},
		"with its DLQ on":  {"--dry-run", "--dlq.enabled"},
		"beyond the limit": {"--dry-run", "--override-limit", "--purge.max-per-pool=1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			staleState(t, c)
			before := dump(t, c)
			stdout, stderr, code := command(t, append([]string{"purge", unixAddr(server)}, args...)...)
			if code != 0 {
				t.Errorf("code %d: %s", code, stderr)
			}
			for _, want := range []string{
				"planned", "pix-stuck-1", "pix-old", "pix-undead", "pix-leaked", requestOne, "pending for 5h0m, limit 2h0m",
				"would purge 8 entries (4 pending, 1 ready, 1 completed, 1 orphaned, 1 request)", "nothing was written", "unverified",
			} {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in\n%s", want, stdout)
				}
			}
			for _, bad := range []string{"verysecret", "pix-young", "pix-fresh", "pix-used"} {
				if strings.Contains(stdout+stderr, bad) {
					t.Errorf("%q in\n%s%s", bad, stdout, stderr)
				}
			}
			if !strings.Contains(stderr, "dry_run=true who=command") || strings.Count(stderr, "msg=purge") != staleEntries {
				t.Errorf("the log:\n%s", stderr)
			}
			if after := dump(t, c); !maps.Equal(before, after) {
				t.Error("it wrote something")
			}
		})
	}
}

func TestPurgeRefusesBeforeAnything(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	dir := t.TempDir()
	there, saved := filepath.Join(dir, "there"), filepath.Join(dir, "plan.json")
	writeFile(t, there, "mine")
	if _, stderr, code := command(t, "purge", "--plan="+saved, unixAddr(server)); code != 0 {
		t.Fatal(stderr)
	}
	before := dump(t, c)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no terminal, no --yes":           {nil, "give --dry-run or --yes; nothing was purged"},
		"no terminal to apply on":         {[]string{"--apply=" + saved}, "give --dry-run or --yes"},
		"no terminal, dry run turned off": {[]string{"--no-purge.dry-run"}, "give --dry-run or --yes"},
		"--plan and --apply":              {[]string{"--plan=x", "--apply=y"}, "apply it then"},
		"--apply of some":                 {[]string{"--yes", "--apply=" + saved, "--pool=deb"}, "go with --plan"},
		"--apply beyond the limits":       {[]string{"--yes", "--apply=" + saved, "--override-limit"}, "go with --plan"},
		"--plan over a file":              {[]string{"--plan=" + there}, "is there already"},
		"--apply of no file":              {[]string{"--yes", "--apply=" + there + "not"}, "no such file"},
		"--apply of another file":         {[]string{"--yes", "--apply=" + there}, "the plan is refused: it can't be read"},
		"a target that is none":           {[]string{"--yes", "--target=running"}, "running"},
		"a target that is off":            {[]string{"--yes", "--target=ready", "--no-purge.target.ready"}, "switched off by --no-purge.target.ready"},
		"ghosts unasked":                  {[]string{"--yes", "--target=ghost"}, "--ghosts-after=5m"},
		"ghosts too soon":                 {[]string{"--yes", "--inventory.enabled", "--ghosts-after=1m"}, "must be 5m0s or more"},
		"ghosts without providers":        {[]string{"--yes", "--ghosts-after=5m"}, "needs --inventory.enabled"},
		"a request of a pool":             {[]string{"--yes", "--target=request", "--pool=deb"}, "of no one pool"},
		"a pool that is none":             {[]string{"--yes", "--pool=won"}, "--pool=won: neither Redis nor the file knows this pool; did you mean win?"},
		"no providers":                    {[]string{"--yes", "--inventory.enabled"}, "needs the pools and providers"},
		"no entries":                      {[]string{"--yes", "--purge.max-per-pool=0"}, "--purge.max-per-pool"},
		"a percentage that is none":       {[]string{"--yes", "--purge.max-ready-percent=101"}, "--purge.max-ready-percent"},
		"no skew":                         {[]string{"--yes", "--purge.max-clock-skew=0s"}, "--purge.max-clock-skew"},
		"no interval":                     {[]string{"--yes", "--inventory.interval=0s"}, "--inventory.interval"},
		"no plan's age":                   {[]string{"--yes", "--max-plan-age=0s"}, "--max-plan-age"},
		"a wrong output":                  {[]string{"--yes", "--output=csv"}, "csv"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := command(t, append([]string{"purge", unixAddr(server)}, tc.args...)...)
			if code != 1 || stdout != "" || !strings.Contains(stderr, tc.want) {
				t.Errorf("code %d: %s%s", code, stdout, stderr)
			}
			if after := dump(t, c); !maps.Equal(before, after) {
				t.Error("it wrote something")
			}
		})
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "mine" {
		t.Errorf("%s, %v", text, err)
	}
}

func TestPurge(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	running := c.Dump(t.Context(), vmpooler.VMKey("pix-used")).Val()
	stdout, stderr, code := command(t, "purge", "--yes", "--dlq.enabled", unixAddr(server))
	if code != 0 || !strings.Contains(stdout, "purged 8 entries (4 pending, 1 ready, 1 completed, 1 orphaned, 1 request)") {
		t.Fatalf("code %d:\n%s%s", code, stdout, stderr)
	}
	if n := strings.Count(stderr, "outcome=applied"); n != staleEntries {
		t.Errorf("%d lines in the log:\n%s", n, stderr)
	}
	ctx := t.Context()
	members := func(q vmpooler.Queue, pool string) string {
		return strings.Join(slices.Sorted(slices.Values(c.SMembers(ctx, q.Key(pool)).Val())), " ")
	}
	for got, want := range map[string]string{
		"pending of win: " + members(vmpooler.Pending, "win"):     "pix-young",
		"pending of deb: " + members(vmpooler.Pending, "deb"):     "",
		"ready of deb: " + members(vmpooler.Ready, "deb"):         "pix-fresh pix-fresh-2",
		"completed of deb: " + members(vmpooler.Completed, "deb"): "pix-old",
		"running of win: " + members(vmpooler.Running, "win"):     "pix-used",
	} {
		if _, is, _ := strings.Cut(got, ": "); is != want {
			t.Errorf("%s, want %q", got, want)
		}
	}
	if c.TTL(ctx, vmpooler.VMKey("pix-leaked")).Val() > time.Hour || c.TTL(ctx, vmpooler.VMKey("pix-stuck-0")).Val() < 6*day ||
		c.Dump(ctx, vmpooler.VMKey("pix-used")).Val() != running || c.ZCard(ctx, vmpooler.DLQKey("pending")).Val() != 4 ||
		c.HGet(ctx, vmpooler.RequestKey(requestOne), "status").Val() != "failed" {
		t.Errorf("%v", dump(t, c))
	}
	stdout, _, code = command(t, "purge", "--yes", unixAddr(server))
	if code != 0 || !strings.Contains(stdout, "nothing is stale") || strings.Contains(stdout, "purged") {
		t.Errorf("a second time, code %d:\n%s", code, stdout)
	}
}

func TestPurgeTellsPrograms(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	doc, _, code := purgeOutput(t, "--yes", quickly)
	if code != 0 || doc.PlanID == "" || doc.DryRun || len(doc.Actions) != staleEntries-1 || doc.Held == nil || doc.UnknownVMs == nil {
		t.Errorf("code %d: %+v", code, doc)
	}
	for _, a := range doc.Actions {
		if a.Outcome != "applied" || a.Reason == "" || a.Does == "" || a.Provider != "unverified" || a.Age == nil || *a.Age < 3600 ||
			(a.RequestID == "") != (a.VM != "" && a.Pool != "") {
			t.Errorf("%+v", a)
		}
	}
	s := doc.Summary
	if s.Entries != staleEntries-1 || s.Outcomes["applied"] != staleEntries-1 || len(s.Outcomes) != 6 || s.Targets["pending"]["applied"] != 4 {
		t.Errorf("%+v", s)
	}
	if doc, _, code = purgeOutput(t, "--dry-run"); code != 0 || !doc.DryRun || len(doc.Actions) != 1 || doc.Actions[0].Target != "orphaned" {
		t.Errorf("code %d: %+v", code, doc)
	}
}

func TestPurgeOfSome(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"a target":              {[]string{"--target=ready"}, []string{"pix-old"}},
		"two targets":           {[]string{"--target=ready", "--target=request"}, []string{requestOne, "pix-old"}},
		"a pool":                {[]string{"--pool=win"}, []string{"pix-stuck-0", "pix-stuck-1", "pix-stuck-2"}},
		"a target and a pool":   {[]string{"--target=pending", "--pool=deb"}, []string{"pix-stuck-deb"}},
		"a target switched off": {[]string{"--pool=deb", quickly, "--no-purge.target.ready"}, []string{"pix-stuck-deb", "pix-undead"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			staleState(t, c)
			doc, stderr, code := purgeOutput(t, append(tc.args, "--yes")...)
			if code != 0 || !slices.Equal(doc.names("applied"), tc.want) || len(doc.Actions) != len(tc.want) {
				t.Errorf("code %d: %+v\n%s", code, doc.Actions, stderr)
			}
		})
	}
}

// Of a pool that is gone from the configuration leaked metadata may be left.
func TestPurgeOfAPoolThatIsGone(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	metadata(t, c, "gone", "pix-gone", "clone", 5*day)
	doc, _, _ := purgeOutput(t, "--dry-run", "--pool=gone")
	if got := doc.names("planned"); !slices.Equal(got, []string{"pix-gone"}) {
		t.Errorf("%v", got)
	}
	// A VM in a queue that no pool lists is with its user, or may be.
	must(t, c, "SADD", vmpooler.Running.Key("gone"), "pix-gone")
	doc, _, _ = purgeOutput(t, "--dry-run")
	if slices.Contains(doc.names("planned"), "pix-gone") {
		t.Error("a running VM's metadata would be purged")
	}
}

func TestPurgeHoldsAPoolBeyondItsLimit(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	before := c.SMembers(t.Context(), vmpooler.Pending.Key("win")).Val()
	args := []string{"--yes", quickly, "--pool=win", "--purge.max-per-pool=2"}
	stdout, _, code := command(t, append([]string{"purge", unixAddr(server)}, args...)...)
	if code != 1 || !strings.Contains(stdout, "pool win: 3 entries are stale, more than 2 of a pool are not purged at once (limit)") ||
		!strings.Contains(stdout, "held 3 entries (3 pending)") || !strings.Contains(stdout, "--override-limit") {
		t.Errorf("code %d:\n%s", code, stdout)
	}
	doc, _, code := purgeOutput(t, args...)
	if code != 1 || len(doc.names("held")) != 3 || len(doc.Held) != 1 || doc.Held[0].Pool != "win" || doc.Held[0].Cause != "limit" || doc.Held[0].Reason == "" {
		t.Errorf("code %d: %+v", code, doc)
	}
	if after := c.SMembers(t.Context(), vmpooler.Pending.Key("win")).Val(); len(after) != len(before) {
		t.Errorf("%v", after)
	}
	doc, _, code = purgeOutput(t, append(args, "--override-limit")...)
	if code != 0 || len(doc.names("applied")) != 3 {
		t.Errorf("code %d: %+v", code, doc)
	}
}

func TestPurgeHoldsAPoolThatFellOffACliff(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	for i := range 6 { // contract 3.13: the provider has just listed nothing
		inQueue(t, c, vmpooler.Completed, "deb", fmt.Sprintf("pix-fell-%d", i), "clone", time.Hour, "destroy", time.Second)
	}
	doc, _, code := purgeOutput(t, "--yes", quickly, "--override-limit")
	if code != 1 || len(doc.Held) != 1 || doc.Held[0].Cause != "cliff" || !slices.Equal(doc.names("held"), []string{"pix-old", "pix-stuck-deb", "pix-undead"}) {
		t.Errorf("code %d: %+v", code, doc)
	}
	doc, _, code = purgeOutput(t, "--yes", "--pool=win")
	if code != 0 || len(doc.Held) != 0 {
		t.Errorf("of another pool, code %d: %+v", code, doc)
	}
}

func TestPurgeAsksOnATerminal(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		took   time.Duration
		code   int
		want   string
	}{
		"yes":             {"y\n", 0, 0, ""},
		"no":              {"n\n", 0, 1, "nothing was purged"},
		"nothing":         {"\n", 0, 1, "nothing was purged"},
		"yes, a day late": {"y\n", day, 1, "the plan has grown old"},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			staleState(t, c)
			before := dump(t, c)
			var out, errs buffer
			p := newProgram(&out, &errs)
			p.dlq.stdin, p.dlq.stdinTerminal = strings.NewReader(tc.answer), func() bool { return true }
			now := time.Now()
			p.purge.now = func() time.Time { now = now.Add(tc.took); return now }
			err := p.run(t.Context(), []string{"purge", quickly, unixAddr(server)})
			if exitCode(err) != tc.code || err != nil && !strings.Contains(err.Error(), tc.want) ||
				!strings.Contains(errs.String(), "Purge 7 entries (4 pending, 1 ready, 1 completed, 1 request)? [y/N]") {
				t.Errorf("%v\n%s", err, &errs)
			}
			if changed := !maps.Equal(before, dump(t, c)); changed != (tc.code == 0) {
				t.Errorf("changed: %v", changed)
			}
		})
	}
}

func TestPurgeIsInterrupted(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errs buffer
	p := newProgram(&out, &errs)
	p.purge.did = func(*purger.Action) { cancel() }
	err := p.run(ctx, []string{"purge", "--yes", quickly, unixAddr(server)})
	if exitCode(err) != 1 || err.Error() != "the purge was interrupted after 1 of 7 entries" {
		t.Error(err)
	}
	for _, want := range []string{"purged 1 entry (1 pending)\n", "not tried 6 entries ("} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if page, err := purger.History(t.Context(), c, purger.HistoryFilter{Limit: 10}); err != nil || len(page.Records) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	if c.Exists(t.Context(), lease.KeyPurge).Val() != 0 {
		t.Error("the lease is still there")
	}

	before := dump(t, c)
	err = newProgram(&out, &errs).run(ctx, []string{"purge", "--yes", unixAddr(server)})
	if exitCode(err) != 1 || !strings.Contains(err.Error(), "interrupted; nothing was purged") || !maps.Equal(before, dump(t, c)) {
		t.Errorf("before the plan: %v", err)
	}
}

func TestPurgeBesideAnother(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	other := lease.New(c, lease.KeyPurge, "host\x1b[31m:1:ABC", time.Minute, nil)
	if ours, err := other.Acquire(t.Context()); !ours || err != nil {
		t.Fatal(ours, err)
	}
	before := dump(t, c)
	_, stderr, code := command(t, "purge", "--yes", unixAddr(server))
	if code != 1 || !strings.Contains(stderr, `another purge is under way, by host\x1b[31m:1:ABC, whose lease ends in`) || strings.Contains(stderr, "\x1b") {
		t.Errorf("code %d: %s", code, stderr)
	}
	if !maps.Equal(before, dump(t, c)) {
		t.Error("it wrote something")
	}
	if doc, _, code := purgeOutput(t, "--dry-run"); code != 0 || len(doc.Actions) != staleEntries {
		t.Errorf("a dry run needs no lease: code %d, %+v", code, doc)
	}
}

func TestPurgeWhoseLeasePassesOn(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	var out, errs buffer
	p := newProgram(&out, &errs)
	p.purge.did = func(*purger.Action) { must(t, c, "SET", lease.KeyPurge, "999:another") }
	err := p.run(t.Context(), []string{"purge", "--yes", quickly, unixAddr(server)})
	// The script refuses it, or the lease's keeper has seen it before.
	if exitCode(err) != 1 || !strings.Contains(err.Error(), "its lease has passed on to another process") && !strings.Contains(err.Error(), "the lease of the purge is not ours any more") {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "purged 1 entry") || !strings.Contains(out.String(), "refused 1 entry") || !strings.Contains(out.String(), "not tried 5 entries") {
		t.Errorf("%s", &out)
	}
}

func TestPurgeWithoutPermission(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	t.Cleanup(func() { c.Do(context.Background(), "ACL", "DELUSER", "vmpooler_exporter") })
	acl := func(line string, more ...any) {
		var args []any
		for word := range strings.FieldsSeq(strings.ReplaceAll(line, ">PASSWORD", ">secret")) {
			args = append(args, word)
		}
		must(t, c, append(args, more...)...)
	}
	password := filepath.Join(t.TempDir(), "password")
	writeFile(t, password, "secret\n")
	login := []string{"--redis.username=vmpooler_exporter", "--redis.password-file=" + password, unixAddr(server)}

	acl(checkredis.ReadACL(0).Line)
	before := dump(t, c)
	_, stderr, code := command(t, append([]string{"purge", "--yes", quickly}, login...)...)
	if code != 1 || !strings.Contains(stderr, seeCheckRedis) || !maps.Equal(before, dump(t, c)) {
		t.Errorf("reading alone, code %d: %s", code, stderr)
	}
	_, stderr, code = command(t, append([]string{"purge", "history"}, login...)...)
	if code != 1 || !strings.Contains(stderr, seeCheckRedis) || !strings.Contains(stderr, purger.KeyAudit) {
		t.Errorf("history, code %d: %s", code, stderr)
	}

	acl(checkredis.WriteACL(0).Line, "-smove")
	stdout, stderr, code := command(t, append([]string{"purge", "--yes", quickly, "--target=ready"}, login...)...)
	if code != 1 || !strings.Contains(stdout, "refused 1 entry (1 ready)") || !strings.Contains(stdout, "NOPERM") || !strings.Contains(stderr, seeCheckRedis) {
		t.Errorf("one command short, code %d:\n%s%s", code, stdout, stderr)
	}
	acl(checkredis.WriteACL(0).Line)
	if stdout, stderr, code = command(t, append([]string{"purge", "--yes", quickly}, login...)...); code != 0 {
		t.Errorf("with the ACL that check-redis prints, code %d:\n%s%s", code, stdout, stderr)
	}
}

func TestPurgeWithoutRedis(t *testing.T) {
	s := testredis.New(t)
	staleState(t, s.Client(t))
	var out, errs buffer
	p := newProgram(&out, &errs)
	p.purge.did = func(*purger.Action) { _ = s.Freeze() }
	err := p.run(t.Context(), []string{"purge", "--yes", quickly, "--scrape.timeout=100ms", unixAddr(s)})
	if thawed := s.Thaw(); thawed != nil {
		t.Error(thawed)
	}
	if exitCode(err) != 1 || !strings.Contains(err.Error(), "the purge stopped after") || !strings.Contains(out.String(), "failed 1 entry") {
		t.Errorf("%v\n%s", err, &out)
	}
	if _, stderr, code := command(t, "purge", "--dry-run", "--redis.addr=127.0.0.1:1"); code != 1 || !strings.Contains(stderr, "127.0.0.1:1") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
