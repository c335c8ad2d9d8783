package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

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
	for name, state := range healthCases {
		for variant, opts := range map[string]HealthOptions{
			"80":       {Width: 80, Address: healthAddress},
			"140":      {Width: 140, Address: healthAddress},
			"pipe":     {},
			"color-80": {Width: 80, Address: healthAddress, Color: true},
		} {
			t.Run(name+"-"+variant, func(t *testing.T) {
				golden(t, name+"-"+variant+".txt", state().print(t, opts))
			})
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Colour adds nothing but colour.
func TestHealthColorOnlyColors(t *testing.T) {
	for name, state := range healthCases {
		for _, width := range []int{0, 80, 140} {
			colored := state().print(t, HealthOptions{Width: width, Color: true, Address: healthAddress})
			if !sgr.MatchString(colored) {
				t.Errorf("%s, width %d: no colour", name, width)
			}
			plain := state().print(t, HealthOptions{Width: width, Address: healthAddress})
			if d := cmp.Diff(plain, sgr.ReplaceAllString(colored, "")); d != "" {
				t.Errorf("%s, width %d: %s", name, width, d)
			}
		}
	}
}

// Whatever Redis holds, a line is never longer than the terminal, ends in no
// space, and holds nothing that the terminal obeys.
func TestHealthFitsTheTerminal(t *testing.T) {
	for name, state := range healthCases {
		for width := 50; width <= 200; width++ {
			out := state().print(t, HealthOptions{Width: width, Address: healthAddress})
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
