package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// firstPurge returns the commands of the README's section, each without its name.
func firstPurge(t *testing.T) [][]string {
	t.Helper()
	_, section, ok := strings.Cut(readDoc(t, "README.md"), "## A first purge\n")
	block := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(section)
	if !ok || block == nil {
		t.Fatal("the README has no first purge")
	}
	if n := strings.Count(block[1], "\n"); n > 10 {
		t.Errorf("it takes %d lines", n)
	}
	var commands [][]string
	for line := range strings.Lines(block[1]) {
		if words := strings.Fields(line); words[0] == "vmpooler_exporter" {
			commands = append(commands, words[1:])
		}
	}
	return commands
}

// From a dry run to on: the README's lines, one after the other, on one Redis.
func TestTheReadmesFirstPurge(t *testing.T) {
	s := testredis.New(t)
	c := s.Client(t)
	staleState(t, c)
	leaked := func() bool { return c.PTTL(t.Context(), vmpooler.VMKey("pix-leaked")).Val() == -1 }
	stuck := func() int64 { return c.SCard(t.Context(), vmpooler.Pending.Key("win")).Val() }
	used := c.SMembers(t.Context(), vmpooler.Running.Key("win")).Val()
	commands := firstPurge(t)
	want := [][]string{
		{"purge", "--dry-run"},
		{"purge", "--target=orphaned"},
		{"purge", "history"},
		{"--purge.enabled", "--purge.dry-run"},
		{"--purge.enabled"},
	}
	if !slices.EqualFunc(commands, want, slices.Equal) {
		t.Fatalf("it is %q, and this test knows %q", commands, want)
	}

	before := dump(t, c)
	if out, errs, code := command(t, append(commands[0], unixAddr(s))...); code != 0 || !strings.Contains(out, "pix-leaked") || !strings.Contains(out, "pix-stuck-0") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	for key, was := range before {
		if is := dump(t, c)[key]; is != was {
			t.Errorf("the dry run has changed %s", key)
		}
	}

	var out, errs buffer
	p := newProgram(&out, &errs)
	p.dlq.stdin, p.dlq.stdinTerminal = strings.NewReader("y\n"), func() bool { return true }
	if err := p.run(t.Context(), append(commands[1], unixAddr(s))); err != nil || leaked() || stuck() != 4 {
		t.Errorf("%v, leaked: %v, %d pending\n%s%s", err, leaked(), stuck(), &out, &errs)
	}
	if out, errs, code := command(t, append(commands[2], unixAddr(s))...); code != 0 || !strings.Contains(out, "pix-leaked") || strings.Contains(out, "pix-stuck") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}

	background := []string{unixAddr(s), "--purge.start-delay=1s", "--sweep.confirm-after=0s", "--sweep.pause=0s", "--sweep.max-share=1"}
	e := start(t, append(commands[3], background...)...)
	e.logs(`msg="purge cycle"`)
	if log := e.log.String(); stuck() != 4 || !strings.Contains(log, "outcome=planned") || !strings.Contains(log, "dry_run=true") {
		t.Errorf("%d pending\n%s", stuck(), log)
	}
	if err := e.end(); err != nil {
		t.Fatal(err)
	}
	e = start(t, append(commands[4], background...)...)
	e.logs(`msg="purge cycle"`)
	if stuck() != 1 { // the young one
		t.Errorf("%d pending\n%s", stuck(), &e.log)
	}
	if got := c.SMembers(t.Context(), vmpooler.Running.Key("win")).Val(); !slices.Equal(got, used) {
		t.Errorf("running was %q and is %q", used, got)
	}
}

// logs waits for a line.
func (e *exporter) logs(want string) {
	e.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(e.log.String(), want); {
		if time.Now().After(deadline) {
			e.t.Fatalf("the log lacks %s:\n%s", want, &e.log)
		}
		e.get("/-/healthy")
	}
}
