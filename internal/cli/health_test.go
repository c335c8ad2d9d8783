package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const healthAddress = "redis://redis.example.net:6379/0"

var healthCases = map[string]func() healthCase{
	"healthy": healthyCase, "degraded": degradedCase, "unhealthy": unhealthyCase, "unreadable": unreadableCase,
	"lost": lostCase, "no-pools": emptyCase, "hostile": hostileCase, "many": manyCase,
}

func (c healthCase) print(t *testing.T, opts HealthOptions) string {
	t.Helper()
	opts.SweepErr = c.sweepErr
	var b bytes.Buffer
	if err := WriteHealth(&b, c.report(), c.snap, opts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "health", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

func TestHealthPrints(t *testing.T) {
	for name, make := range healthCases {
		for variant, opts := range map[string]HealthOptions{
			"80":       {Width: 80, Address: healthAddress},
			"140":      {Width: 140, Address: healthAddress},
			"pipe":     {},
			"color-80": {Width: 80, Address: healthAddress, Color: true},
		} {
			t.Run(name+"-"+variant, func(t *testing.T) {
				golden(t, name+"-"+variant+".txt", make().print(t, opts))
			})
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Colour adds nothing but colour.
func TestHealthColorOnlyColors(t *testing.T) {
	for name, make := range healthCases {
		for _, width := range []int{0, 80, 140} {
			colored := make().print(t, HealthOptions{Width: width, Color: true, Address: healthAddress})
			if !sgr.MatchString(colored) {
				t.Errorf("%s, width %d: no colour", name, width)
			}
			plain := make().print(t, HealthOptions{Width: width, Address: healthAddress})
			if d := cmp.Diff(plain, sgr.ReplaceAllString(colored, "")); d != "" {
				t.Errorf("%s, width %d: %s", name, width, d)
			}
		}
	}
}

// Whatever Redis holds, a line is never longer than the terminal, ends in no
// space, and holds nothing that the terminal obeys.
func TestHealthFitsTheTerminal(t *testing.T) {
	for name, make := range healthCases {
		for width := 50; width <= 200; width++ {
			out := make().print(t, HealthOptions{Width: width, Address: healthAddress})
			for line := range strings.Lines(out) {
				line = strings.TrimSuffix(line, "\n")
				if n := cells(line); n > width {
					t.Errorf("%s, width %d: %d columns: %q", name, width, n, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s, width %d: ends in a space: %q", name, width, line)
				}
				if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
					t.Errorf("%s, width %d: not printable: %q", name, width, line)
				}
			}
		}
	}
}

// Every pool is in the table, however many and however narrow.
func TestHealthPrintsAllPools(t *testing.T) {
	c := manyCase()
	for _, width := range []int{0, 40, 80, 140} {
		out := c.print(t, HealthOptions{Width: width})
		_, table, _ := strings.Cut(out, "\nPOOL ")
		for i := range c.snap.Pools {
			if row := "\n" + c.snap.Pools[i].Name + " "; strings.Count(table, row) != 1 {
				t.Errorf("width %d: %q is there %d times", width, row, strings.Count(table, row))
			}
		}
	}
}

func TestHealthTableOrder(t *testing.T) {
	stuck := func(name string, n int) vmpooler.Pool {
		return pool(name, 1, queues{vmpooler.Ready: aged(1, 0, 0), vmpooler.Pending: aged(n, 3*time.Hour, 3*time.Hour)})
	}
	unread := fine("g-unread", 1)
	unread.Queues[vmpooler.Running].Err = errors.New("WRONGTYPE")
	ageUnknown := fine("f-ages", 1)
	ageUnknown.Queues[vmpooler.Running].VMs = ageless(1)
	snap := snapshot(
		fine("a", 1), fine("b", 1), stuck("c-stuck-2", 2), stuck("d-stuck-5", 5),
		pool("e-size-0", 0, nil), ageUnknown, unread, pool("h-empty", 1, nil),
		pool("i-warning", 1, queues{vmpooler.Ready: aged(1, 0, 0), vmpooler.Pending: aged(150, 0, 0)}),
		pool("j-worse-warning", 1, queues{vmpooler.Ready: aged(1, 0, 0), vmpooler.Pending: aged(160, 0, 0)}),
		pool("k-critical", 1, queues{vmpooler.Ready: aged(1, 0, 0), vmpooler.Pending: aged(201, 0, 0)}),
	)
	c := healthCase{snap: snap}
	var got []string
	for _, row := range healthRows(c.report(), snap) {
		got = append(got, row.name)
	}
	want := []string{
		"k-critical", "j-worse-warning", "i-warning", "d-stuck-5", "c-stuck-2", "h-empty", "g-unread", "f-ages",
		"a", "b", "e-size-0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What could not be read is "?", in the table and in the totals, never 0.
func TestHealthUnknownIsNotZero(t *testing.T) {
	snap := snapshot(fine("p", 1))
	snap.Pools[0].Size, snap.Pools[0].LastReady = vmpooler.Number{}, time.Time{}
	for q := range snap.Pools[0].Queues {
		snap.Pools[0].Queues[q] = vmpooler.QueueState{Err: errors.New("WRONGTYPE")}
	}
	snap.DLQ = []vmpooler.DLQ{{Queue: "clone"}}
	snap.Tasks, snap.Ondemand = vmpooler.Tasks{}, vmpooler.Ondemand{}
	out := healthCase{snap: snap}.print(t, HealthOptions{})
	_, table, _ := strings.Cut(out, "\nPOOL ")
	if digits := regexp.MustCompile(`[0-9]`).FindAllString(table, -1); digits != nil {
		t.Errorf("digits %q in:\n%s", digits, table)
	}
	row := strings.Fields(strings.Split(table, "\n")[1])
	want := []string{"p", "?/?", "?", "?", "?", "?", "?", "?", "?", "?", "all", "queues", "unreadable"}
	if d := cmp.Diff(want, row); d != "" {
		t.Error(d)
	}
}

func TestHealthRemarksOnlyWhatIsWrong(t *testing.T) {
	c := healthyCase()
	c.snap.Skew = 5 * time.Second
	c.snap.Pools[0].Queues[vmpooler.Discovered].VMs = ageless(3) // never have a time
	c.snap.Pools[0].Queues[vmpooler.Completed].VMs = ageless(3)  // destroyed in a moment
	if got := healthRemarks(c.report(), c.snap); got != nil {
		t.Errorf("remarks: %q", got)
	}
	c.snap.Skew = -5001 * time.Millisecond
	c.snap.Tasks.Clone = vmpooler.Known(3)
	got := healthRemarks(c.report(), c.snap)
	if len(got) != 2 || !strings.HasPrefix(got[0], "clone slots leaked: 3 of 3 in use") || got[1] != "clocks differ: Redis' is 5s behind this host's" {
		t.Errorf("remarks: %q", got)
	}
}

func TestHealthReasonOfOnePoolOnly(t *testing.T) {
	reasons, more := healthReasons(manyCase().report())
	if len(reasons) != mostReasons || more != 20-mostReasons {
		t.Errorf("%d reasons and %d more", len(reasons), more)
	}
	if want := "pool pool-38: 139 pending, limit 100"; reasons[0].text != want {
		t.Errorf("first reason %q, want %q", reasons[0].text, want)
	}
}

func TestHealthExitCodes(t *testing.T) {
	for status, want := range map[health.Status]int{
		health.Healthy: 0, health.Degraded: 1, health.Unhealthy: 2, health.Status(7): ExitUnknown, health.Status(-1): ExitUnknown,
	} {
		if got := ExitCode(status); got != want {
			t.Errorf("ExitCode(%s) = %d, want %d", status, got, want)
		}
	}
	unreadSize := healthyCase()
	unreadSize.snap.Errs[vmpooler.PartPools] = errors.New("vmpooler__config__poolsize: WRONGTYPE")
	unreadNames := emptyCase()
	unreadNames.snap.Errs[vmpooler.PartPools] = errors.New("vmpooler__pools: NOPERM")
	unreadDLQ := healthyCase()
	unreadDLQ.snap.DLQ[2].Size.Known = false
	lostYetDegraded := degradedCase()
	lostYetDegraded.snap.Lost = errors.New("reset")
	for name, c := range map[string]struct {
		healthCase
		want int
	}{
		"healthy":                      {healthyCase(), 0},
		"degraded":                     {degradedCase(), 1},
		"unhealthy":                    {unhealthyCase(), 2},
		"no pools":                     {emptyCase(), ExitUnknown},
		"a size unread":                {unreadSize, 0},
		"names unread":                 {unreadNames, ExitUnknown},
		"a queue unread":               {unreadableCase(), ExitUnknown},
		"a dead-letter queue unread":   {unreadDLQ, ExitUnknown},
		"connection lost":              {lostCase(), ExitUnknown},
		"connection lost yet degraded": {lostYetDegraded, 1},
	} {
		r := c.report()
		if got := HealthExitCode(r, c.snap); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		word := []string{"HEALTHY", "DEGRADED", "UNHEALTHY", "UNKNOWN"}[c.want]
		if out := c.print(t, HealthOptions{}); !strings.HasPrefix(out, word+"  ") {
			t.Errorf("%s: no %s in %q", name, word, out[:20])
		}
	}
}

func TestHealthJSON(t *testing.T) {
	for name, c := range map[string]healthCase{"unhealthy": unhealthyCase(), "unreadable": unreadableCase(), "hostile": hostileCase()} {
		t.Run(name, func(t *testing.T) {
			r := c.report()
			r.CheckedAt = r.CheckedAt.In(time.FixedZone("", -8*3600)) // UTC all the same
			var b bytes.Buffer
			if err := WriteHealthJSON(&b, r, true); err != nil {
				t.Fatal(err)
			}
			if i := bytes.IndexFunc(b.Bytes(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("not printable: %q", b.Bytes()[i:min(i+20, b.Len())])
			}
			golden(t, name+".json", b.String())
		})
	}
}

// Without the dead-letter queue, its queues are not in the document.
func TestHealthJSONWithoutDLQ(t *testing.T) {
	var b bytes.Buffer
	if err := WriteHealthJSON(&b, healthyCase().report(), false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), `"dlq":`) {
		t.Error(b.String())
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestHealthReturnsTheWritersError(t *testing.T) {
	c := healthyCase()
	if err := WriteHealth(failing{}, c.report(), c.snap, HealthOptions{}); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if err := WriteHealthJSON(failing{}, c.report(), true); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// The columns that are left out are named, in the table's own order.
func TestHealthNamesWhatItLeavesOut(t *testing.T) {
	c := healthyCase()
	wide := c.print(t, HealthOptions{})
	for width := 40; width <= 140; width++ {
		out := c.print(t, HealthOptions{Width: width})
		_, after, found := strings.Cut(strings.ReplaceAll(out, "\n", " "), fmt.Sprintf("(no room in %d columns for ", width))
		var left []string
		if found {
			list, _, _ := strings.Cut(after, ")")
			left = strings.Split(list, ", ")
		}
		head, _, _ := strings.Cut(out[strings.Index(out, "POOL "):], "\n")
		for _, title := range healthTitles {
			if title == "OLDEST" { // also the end of another
				continue
			}
			if !strings.Contains(wide, title) {
				t.Errorf("no %s without a limit", title)
			}
			shown := slices.Contains(columnTitles(head), title)
			if shown == slices.Contains(left, title) {
				t.Errorf("width %d: %s is shown: %v, left out: %q", width, title, shown, left)
			}
		}
	}
}

// columnTitles splits a heading at runs of two spaces and more.
func columnTitles(head string) []string { return regexp.MustCompile(` {2,}`).Split(head, -1) }
