//go:build unix

package cli

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens a new pseudo-terminal of that many columns.
func terminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := unix.IoctlSetWinsize(int(f.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return f
}

func regularFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestColorWanted(t *testing.T) {
	tty, file := terminal(t, 80), regularFile(t)
	for name, c := range map[string]struct {
		f    *os.File
		env  map[string]string
		want bool
	}{
		"terminal":                 {tty, map[string]string{"TERM": "xterm-256color"}, true},
		"terminal without TERM":    {tty, nil, true},
		"NO_COLOR":                 {tty, map[string]string{"NO_COLOR": "1"}, false},
		"NO_COLOR of any value":    {tty, map[string]string{"NO_COLOR": "false"}, false},
		"NO_COLOR empty":           {tty, map[string]string{"NO_COLOR": ""}, true},
		"TERM=dumb":                {tty, map[string]string{"TERM": "dumb"}, false},
		"file":                     {file, map[string]string{"TERM": "xterm"}, false},
		"file, whatever is forced": {file, map[string]string{"CLICOLOR_FORCE": "1"}, false},
	} {
		if got := ColorWanted(c.f, func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTerminalWidth(t *testing.T) {
	if got := TerminalWidth(terminal(t, 132)); got != 132 {
		t.Errorf("terminal of 132 columns: %d", got)
	}
	if got := TerminalWidth(regularFile(t)); got != 0 {
		t.Errorf("file: %d", got)
	}
}

func TestPaint(t *testing.T) {
	for _, c := range []struct {
		on   painter
		s    style
		want string
	}{{true, red, "\x1b[31mx\x1b[0m"}, {true, plain, "x"}, {false, red, "x"}} {
		if got := c.on.paint(c.s, "x"); got != c.want {
			t.Errorf("painter(%v).paint(%q) = %q", c.on, c.s, got)
		}
	}
}
