package simulator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestTheManagerStartsAsRecorded(t *testing.T) {
	var want []string
	for _, w := range testredis.Capture().Writes {
		if w.Command[1] == keyTemplatePrepared {
			break
		}
		want = append(want, strings.Join(w.Command, " "))
	}
	opts := busy()
	opts.Pools = nil
	for _, p := range []struct {
		name string
		size int
	}{
		{"centos-7-x86_64", 5},
		{"debian-12-x86_64", 10},
		{"ubuntu-22.04-x86_64", 3},
		{"redhat-9-x86_64", 8},
		{"win-2022-x86_64", 2},
		{"sles-15-x86_64", 6},
	} {
		opts.Pools = append(opts.Pools, Pool{Name: p.name, Size: p.size, Timeout: time.Minute, Notify: time.Minute})
	}
	var got []string
	for _, c := range record(t, server.Client(t), opts, time.Millisecond, time.Millisecond).commands {
		if !strings.Contains(c[1], "__token__") {
			got = append(got, strings.Join(c, " "))
		}
	}
	if !slices.Equal(got[:len(want)], want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got[:len(want)], "\n"), strings.Join(want, "\n"))
	}
}

// anyWord is the word of any command that the groups below are about.
func anyWord(c []string) string {
	if _, w := word(c); w != "" {
		return w
	}
	if _, w := requestWord(c); w != "" {
		return w
	}
	switch c[1] {
	case vmpooler.KeyTasksClone, vmpooler.KeyTasksOndemandClone:
		return c[0] + " tasks"
	case vmpooler.KeyLastBoot:
		return c[0] + " lastboot"
	}
	return strings.Join(c, " ")
}

// groups are what follows at once on a command, about whatever: the counters
// and times that no single VM's life shows.
var groups = map[string][]string{
	"hset vm clone_time float": {"hset vm ip text", "decr tasks"},
	"hset vm ready time":       {"hset lastboot"},
	"zadd due 0":               {"decr tasks"},
}

func TestCountersAndTimesFollowAsRecorded(t *testing.T) {
	for first, rest := range groups {
		var recorded int
		for _, tr := range []*testredis.Trace{testredis.Capture(), testredis.CaptureHard()} {
			whole, _ := countGroups(traceCommands(tr), first, rest)
			recorded += whole
		}
		whole, all := countGroups(longRun(t), first, rest)
		if recorded == 0 || all == 0 || whole != all {
			t.Errorf("%q: %v follows %d times in the recorded runs, and %d of %d times in the simulator's",
				first, rest, recorded, whole, all)
		}
	}
}

func countGroups(commands [][]string, first string, rest []string) (whole, all int) {
	for i, c := range commands {
		if anyWord(c) != first || i+len(rest) >= len(commands) {
			continue
		}
		all++
		if slices.EqualFunc(commands[i+1:i+1+len(rest)], rest, func(c []string, w string) bool { return anyWord(c) == w }) {
			whole++
		}
	}
	return whole, all
}

func TestACloneIsCountedBeforeItBeginsAndAFailedOneNoMore(t *testing.T) {
	for _, tasks := range []string{vmpooler.KeyTasksClone, vmpooler.KeyTasksOndemandClone} {
		counter, lowest := 0, 0
		for _, c := range longRun(t) {
			switch {
			case c[1] != tasks:
			case c[0] == "incr":
				counter++
			case c[0] == "decr":
				counter--
			case c[0] == "set":
				counter = 0
			}
			lowest = min(lowest, counter)
		}
		if lowest < 0 {
			t.Errorf("%s falls to %d", tasks, lowest)
		}
	}
}

func TestNoKeyIsWrittenThatVMPoolerDoesNotWrite(t *testing.T) {
	kinds := func(commands [][]string) []string {
		var out []string
		for _, c := range commands {
			k := strings.TrimPrefix(c[1], vmpooler.Prefix)
			if i := strings.Index(k, "__"); i >= 0 && k[:i] != "tasks" && k[:i] != "provisioning" {
				k = k[:i]
			}
			if k = c[0] + " " + idShape.ReplaceAllString(k, "ID"); !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
		return out
	}
	known := append(kinds(traceCommands(testredis.Capture())), kinds(traceCommands(testredis.CaptureHard()))...)
	for _, k := range kinds(longRun(t)) {
		if !slices.Contains(known, k) {
			t.Errorf("%s: not in the recorded runs", k)
		}
	}
}

func TestNamesAreUniqueAndTokensRecognisable(t *testing.T) {
	seen := make(map[string]bool)
	tokens := 0
	for _, l := range lives(longRun(t), word, "sadd pending") {
		if seen[l.name] {
			t.Errorf("%s twice", l.name)
		}
		seen[l.name] = true
	}
	for _, c := range longRun(t) {
		if c[0] == "hset" && c[2] == vmpooler.FieldToken {
			if tokens++; !strings.Contains(c[3], SecretMark) {
				t.Errorf("a token without the mark: %s", c[3])
			}
		}
	}
	if tokens == 0 {
		t.Error("nobody gave a token")
	}
	n := newNamer("pix-", newSeeded(1))
	seen = make(map[string]bool)
	for range 50_000 {
		name := n.name()
		if seen[name] {
			t.Fatalf("%s twice", name)
		}
		seen[name] = true
	}
}
