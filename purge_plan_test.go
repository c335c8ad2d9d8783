package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestPurgeAppliesExactlyThePlanThatWasSaved(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	file := filepath.Join(t.TempDir(), "plan.json")
	stdout, stderr, code := command(t, "purge", quickly, "--plan="+file, unixAddr(server))
	if code != 0 || !strings.Contains(stdout, "would purge 7 entries") || !strings.Contains(stderr, "purge --apply="+file+" applies it, within 1h") {
		t.Fatalf("code %d:\n%s%s", code, stdout, stderr)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	if text, _ := os.ReadFile(file); strings.Contains(string(text), "verysecret") {
		t.Error("the plan tells a user's token")
	}
	if files, _ := os.ReadDir(filepath.Dir(file)); len(files) != 1 {
		t.Errorf("%v", files)
	}

	inQueue(t, c, vmpooler.Pending, "win", "pix-later", "clone", 9*time.Hour)                  // stale, and not in the plan
	must(t, c, "SMOVE", vmpooler.Pending.Key("win"), vmpooler.Ready.Key("win"), "pix-stuck-0") // it booted after all
	before := dump(t, c)
	doc, _, code := purgeOutput(t, "--apply="+file, "--dry-run")
	if code != 0 || !doc.DryRun || len(doc.names("planned")) != 7 || !maps.Equal(before, dump(t, c)) {
		t.Errorf("a dry run of it: code %d, %+v", code, doc)
	}
	doc, stderr, code = purgeOutput(t, "--apply="+file, "--yes")
	if code != 0 || !slices.Equal(doc.names("skipped"), []string{"pix-stuck-0"}) || len(doc.names("applied")) != 6 || len(doc.Actions) != 7 {
		t.Errorf("code %d: %+v\n%s", code, doc, stderr)
	}
	if got := c.SMembers(t.Context(), vmpooler.Pending.Key("win")).Val(); len(got) != 2 {
		t.Errorf("pending: %v", got)
	}
	doc, _, code = purgeOutput(t, "--apply="+file, "--yes")
	if code != 0 || len(doc.names("skipped")) != 7 {
		t.Errorf("a second time: code %d, %+v", code, doc)
	}
}

func TestPurgeHoldsASavedPlanToTheSettingsInForce(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	file := filepath.Join(t.TempDir(), "plan.json")
	if _, stderr, code := command(t, "purge", quickly, "--plan="+file, unixAddr(server)); code != 0 {
		t.Fatal(stderr)
	}
	doc, _, code := purgeOutput(t, "--apply="+file, "--yes", quickly, "--no-purge.target.ready")
	if code != 1 || !slices.Equal(doc.names("held"), []string{"pix-old"}) || len(doc.names("applied")) != 6 {
		t.Errorf("code %d: %+v", code, doc)
	}
	for i := range 6 { // the provider lists nothing for a moment: contract 3.13
		inQueue(t, c, vmpooler.Completed, "deb", "pix-fell-"+string(rune('a'+i)), "clone", time.Hour, "destroy", time.Second)
	}
	before := dump(t, c)
	doc, _, code = purgeOutput(t, "--apply="+file, "--yes")
	if code != 1 || !slices.Contains(doc.names("held"), "pix-old") || len(doc.Held) != 1 || doc.Held[0].Cause != "cliff" {
		t.Errorf("code %d: %+v", code, doc)
	}
	if after := dump(t, c); after[vmpooler.Ready.Key("deb")] != before[vmpooler.Ready.Key("deb")] {
		t.Error("a pool that fell off a cliff was purged")
	}
}

func TestPurgeRefusesAPlan(t *testing.T) {
	s := testredis.New(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "plan.json")
	staleState(t, s.Client(t))
	if _, stderr, code := command(t, "purge", "--plan="+file, unixAddr(s)); code != 0 {
		t.Fatal(stderr)
	}
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		old, now string
		args     []string
		want     string
	}{
		"too old":           {args: []string{"--max-plan-age=1ns"}, want: "limit 0s: make a new one"},
		"cut off":           {old: "\n}", now: "", want: "it can't be read"},
		"a later form":      {old: `"version": 1`, now: `"version": 2`, want: "its form is version 2"},
		"a queue":           {old: `"queue": "ready"`, now: `"queue": "running"`, want: `never purged from "running"`},
		"a target":          {old: `"target": "ready"`, now: `"target": "running"`, want: `no target "running"`},
		"an outcome":        {old: `"outcome": "planned"`, now: `"outcome": "applied"`, want: `no plan has the outcome "applied"`},
		"a field":           {old: `"field": "ready"`, now: `"field": "clone"`, want: `not judged by the field "clone"`},
		"a time":            {old: `"text": "2`, now: `"text": "x`, want: "action 1"},
		"no VM":             {old: `"vm": "pix-old"`, now: `"vm": ""`, want: "names no VM"},
		"a key of its own":  {old: `"version": 1`, now: `"version": 1, "force": true`, want: "force"},
		"for another Redis": {old: `"redis": "`, now: `"redis": "a`, want: "another Redis"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(string(saved), tc.old) {
				t.Fatalf("no %s in\n%s", tc.old, saved)
			}
			changed := filepath.Join(t.TempDir(), "changed.json")
			writeFile(t, changed, strings.Replace(string(saved), tc.old, tc.now, 1))
			before := dump(t, s.NewClient())
			stdout, stderr, code := command(t, append([]string{"purge", "--yes", "--apply=" + changed, unixAddr(s)}, tc.args...)...)
			if code != 1 || stdout != "" || !strings.Contains(stderr, changed+": the plan is refused: ") || !strings.Contains(stderr, tc.want) {
				t.Errorf("code %d: %s%s", code, stdout, stderr)
			}
			if !maps.Equal(before, dump(t, s.NewClient())) {
				t.Error("it wrote something")
			}
		})
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	staleState(t, s.Client(t))
	if _, stderr, code := command(t, "purge", "--yes", "--apply="+file, unixAddr(s)); code != 1 || !strings.Contains(stderr, "or for this one before its restart") {
		t.Errorf("after a restart, code %d: %s", code, stderr)
	}
	if _, stderr, code := command(t, "purge", "--plan="+file, "--yes", unixAddr(s)); code != 0 {
		t.Error(stderr)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) == string(saved) {
		t.Errorf("--yes did not write over the plan: %v", err)
	}
	if _, stderr, code := command(t, "purge", "--plan="+filepath.Join(dir, "no", "plan"), unixAddr(s)); code != 1 || !strings.Contains(stderr, "no such") {
		t.Errorf("no directory, code %d: %s", code, stderr)
	}
}

// providers answer for pools with the same VMs each time.
type providers struct {
	vms   map[string][]string
	began func() time.Time
	asked [][]string
}

func (f *providers) List(_ context.Context, pools []string) []inventory.Listing {
	f.asked = append(f.asked, pools)
	var listings []inventory.Listing
	for _, pool := range pools {
		l := inventory.Listing{Pool: pool, Began: f.began(), VMs: f.vms[pool]}
		if l.VMs == nil {
			l.Err = errors.New("no such folder")
		}
		listings = append(listings, l)
	}
	return listings
}

func TestPurgeAsksTheProviders(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	metadata(t, c, "deb", "pix-fresh", "clone", 3*day, "ready", time.Hour)
	must(t, c, "HSET", vmpooler.VMKey("pix-fresh"), "clone_time", "40.5")
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	writeFile(t, file, ":pools:\n- name: deb\n- name: win\n")
	now := time.Now()
	fake := &providers{
		// pix-undead is gone, pix-fresh too, pix-stranger is nobody's.
		vms:   map[string][]string{"deb": {"pix-stuck-deb", "pix-old", "pix-fresh-2", "pix-leaked", "pix-stranger"}},
		began: func() time.Time { return now },
	}
	run := func(args ...string) (string, string, error) {
		var out, errs buffer
		p := newProgram(&out, &errs)
		p.inventory = func(*config.Settings) (lister, error) { return fake, nil }
		p.purge.sleep = func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil }
		err := p.run(t.Context(), append([]string{"purge", "--dry-run", "--inventory.enabled", "--config.file=" + file, unixAddr(server)}, args...))
		return out.String(), errs.String(), err
	}
	stdout, stderr, err := run()
	if err != nil || !slices.Equal(fake.asked[0], []string{"deb", "win"}) {
		t.Fatal(err, fake.asked)
	}
	for _, want := range []string{"PROVIDER", "absent", "pool deb: pix-leaked, pix-stranger", "1 completed"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "orphaned") || strings.Contains(stdout, "ghost") || !strings.Contains(stderr, "pool win: its VMs at the provider are unknown: no such folder") {
		t.Errorf("%s%s", stdout, stderr)
	}
	fake.asked = nil
	stdout, stderr, err = run("--ghosts-after=6m", "--pool=deb", "--purge.max-ready-percent=100")
	if err != nil || len(fake.asked) != 2 || !slices.Equal(fake.asked[1], []string{"deb"}) || !strings.Contains(stderr, "the providers are listed a second time in 6m0s") {
		t.Errorf("%v, %v, %s", err, fake.asked, stderr)
	}
	if !strings.Contains(stdout, "in ready, and missing from its provider's listings for 6m0s") {
		t.Errorf("%s", stdout)
	}
	p := newProgram(io.Discard, io.Discard)
	p.inventory = func(*config.Settings) (lister, error) { return fake, nil }
	p.purge.sleep = func(context.Context, time.Duration) error { return context.Canceled }
	err = p.run(t.Context(), []string{"purge", "--dry-run", "--inventory.enabled", "--ghosts-after=5m", unixAddr(server)})
	if exitCode(err) != 1 || err.Error() != "interrupted; nothing was purged" {
		t.Error(err)
	}
	p = newProgram(io.Discard, io.Discard)
	p.inventory = func(*config.Settings) (lister, error) { return nil, errors.New("no credentials for vsphere") }
	if err = p.run(t.Context(), []string{"purge", "--dry-run", "--inventory.enabled", unixAddr(server)}); err == nil || err.Error() != "inventory: no credentials for vsphere" {
		t.Error(err)
	}
}

func TestNearPools(t *testing.T) {
	known := []string{"debian-12-x86_64", "debian-11-x86_64", "win-2022-x86_64", "win-2019-x86_64", "sles", "sles"}
	for name, want := range map[string][]string{
		"debian-12-x86_46": {"debian-12-x86_64", "debian-11-x86_64"},
		"WIN-2022":         {"win-2022-x86_64"},
		"slse":             {"sles"},
		"centos":           {},
		"":                 {},
		"win":              {"win-2019-x86_64", "win-2022-x86_64"},
	} {
		if got := nearPools(name, known); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
