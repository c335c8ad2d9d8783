package simulator

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// grammar is what the recorded runs say of lives of one kind.
type grammar struct {
	steps steps
	seen  pairs
	total int // lives in the recorded runs
	read  int // those that are steps from beginning to end
}

// learn reads both recorded runs, whose lives have beginnings of their own: in
// the older one the users were a script. Threads that race write some lives out
// of order; these teach nothing.
func learn(st steps, word func([]string) (string, string), begin, beginHard string) grammar {
	g := grammar{steps: st, seen: make(pairs)}
	add := func(tr *testredis.Trace, begin string) {
		for _, l := range lives(traceCommands(tr), word, begin) {
			g.total++
			if names, err := st.parse(l.words); err == nil {
				g.read++
				g.seen.add(outline(names))
			}
		}
	}
	add(testredis.Capture(), begin)
	add(testredis.CaptureHard(), beginHard)
	return g
}

// outline leaves out what can come anywhere, and how often a check is made,
// which is a setting.
func outline(names []string) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == tooLate })
	return slices.Compact(names)
}

// check returns what the commands hold that the recorded runs do not.
func (g grammar) check(commands [][]string, word func([]string) (string, string), begin string, known map[[2]string]bool) (n int, faults []string) {
	all := lives(commands, word, begin)
	unseen := make(pairs)
	for _, l := range all {
		names, err := g.steps.parse(l.words)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: after %v: %v", l.name, names, err))
			continue
		}
		own := make(pairs)
		own.add(outline(names))
		for pair := range own {
			if g.seen[pair] == 0 && !known[pair] && pair[1] != "end" { // a life may be cut off anywhere
				unseen[pair]++
			}
		}
	}
	for pair, n := range unseen {
		faults = append(faults, fmt.Sprintf("%q is followed by %q %d times, in the recorded runs never", pair[0], pair[1], n))
	}
	return len(all), faults
}

var vmGrammar = sync.OnceValue(func() grammar { return learn(vmSteps, word, "sadd pending", "sadd pending") })

var requestGrammar = sync.OnceValue(func() grammar {
	return learn(requestSteps, requestWord, "hset request requested text", "zadd request-queue int")
})

func TestEveryStepIsInTheRecordedRuns(t *testing.T) {
	g := vmGrammar()
	if g.read*100 < g.total*90 {
		t.Errorf("only %d of %d lives of VMs can be read", g.read, g.total)
	}
	r := requestGrammar()
	for _, g := range []grammar{g, r} {
		for name := range g.steps {
			if name != excessReady && name != tooLate && !slices.ContainsFunc(keys(g.seen), func(p [2]string) bool { return p[0] == name }) {
				t.Errorf("no life in the recorded runs has the step %q", name)
			}
		}
	}
	t.Logf("VMs: %d of %d read, %d pairs; requests: %d of %d, %d pairs", g.read, g.total, len(g.seen), r.read, r.total, len(r.seen))
}

func keys(p pairs) [][2]string {
	var out [][2]string
	for k := range p {
		out = append(out, k)
	}
	return out
}

// longRun is what the conformance tests look at: an hour in which everything
// that the simulator does happens.
func longRun(t *testing.T) [][]string {
	t.Helper()
	if longRunCommands != nil {
		return longRunCommands
	}
	opts := busy()
	opts.RunningCheck = opts.LoopDelay
	opts.Scenario = []Change{
		{At: 10 * time.Minute, For: 6 * time.Minute, Effect: Spell, CloneFailure: 0.3, NeverBoots: 0.6},
		{At: 25 * time.Minute, For: 20 * time.Second, Effect: ProviderEmpty, Pools: []string{"redhat-9-x86_64"}},
		{At: 30 * time.Minute, For: 3 * time.Minute, Effect: TemplateBroken, Pools: []string{"debian-12-x86_64"}},
		{At: 40 * time.Minute, For: 2 * time.Minute, Effect: Drain, Pools: []string{"windows-2022-x86_64"}},
		{At: 50 * time.Minute, For: 10 * time.Second, Effect: Restart},
	}
	longRunCommands = record(t, server.Client(t), opts, 65*time.Minute, time.Minute).commands
	return longRunCommands
}

var longRunCommands [][]string // the tests only read them

func TestEveryLifeOfAVMIsMadeOfStepsOfTheRecordedRuns(t *testing.T) {
	n, faults := vmGrammar().check(longRun(t), word, "sadd pending", knownVMPairs)
	if n < 500 {
		t.Errorf("only %d lives", n)
	}
	for _, f := range faults {
		t.Error(f)
	}
}

func TestEveryRequestIsMadeOfStepsOfTheRecordedRuns(t *testing.T) {
	n, faults := requestGrammar().check(longRun(t), requestWord, "zadd request-queue int", knownRequestPairs)
	if n < 100 {
		t.Errorf("only %d requests", n)
	}
	for _, f := range faults {
		t.Error(f)
	}
}

// knownVMPairs can happen in vmpooler and did not in the recorded runs.
var knownVMPairs = map[[2]string]bool{
	{"answers", excessReady}:    true,
	{excessReady, "discovered"}: true,
	// a checkout in the very seconds in which the provider's list is empty
	{"with token", "taken back"}: true,
	{"forgotten", "migrated"}:    true,
	{"migrated", "discovered"}:   true,
}

// knownRequestPairs likewise: with so few requests not each order came up.
var knownRequestPairs = map[[2]string]bool{
	{"cloning", "no retry left"}:      true,
	{"timed out", "no retry left"}:    true,
	{"no retry left", "cloning"}:      true,
	{"no retry left", "both overdue"}: true,
	{"given", "failed for good"}:      true,
}

func TestTheGrammarNoticesAWrongSequence(t *testing.T) {
	g, good := vmGrammar(), longRun(t)
	without := func(match string) [][]string {
		return slices.DeleteFunc(slices.Clone(good), func(c []string) bool { return strings.Contains(strings.Join(c, " "), match) })
	}
	for name, wrong := range map[string][][]string{
		"no pool in the hash":           without(" pool "),
		"no ip":                         without(" ip "),
		"a failed clone without class":  without("clone_error_class"),
		"a TTL of another length":       replace(good, "604800", "3600"),
		"a time in another form":        replace(good, "+0000", "UTC"),
		"a VM that is never discovered": without("sadd vmpooler__discovered"),
		"a checkout without migrating":  without("sadd vmpooler__migrating"),
		"no stamp at the destruction":   without(" destroy "),
	} {
		if _, faults := g.check(wrong, word, "sadd pending", knownVMPairs); len(faults) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func replace(commands [][]string, old, by string) [][]string {
	var out [][]string
	for _, c := range commands {
		d := slices.Clone(c)
		for i := range d {
			d[i] = strings.ReplaceAll(d[i], old, by)
		}
		out = append(out, d)
	}
	return out
}
