package cli

import (
	"os"

	"golang.org/x/term"
)

// style is an ANSI SGR sequence's parameters.
type style string

// The styles. Colour never says anything alone: a word next to it says the
// same, for those who can't see it and for NO_COLOR.
const (
	plain     style = ""
	bold      style = "1"
	dim       style = "2"
	red       style = "31"
	green     style = "32"
	yellow    style = "33"
	boldRed   style = "1;31"
	boldGreen style = "1;32"
	boldAmber style = "1;33"
)

// painter puts styles around text, or leaves it as it is.
type painter bool

func (p painter) paint(s style, text string) string {
	if !p || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// ColorWanted says whether what is written to f should be coloured: f is a
// terminal, NO_COLOR is not set to anything (https://no-color.org) and TERM is
// not "dumb".
func ColorWanted(f *os.File, getenv func(string) string) bool {
	return IsTerminal(f) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

// IsTerminal says whether f is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// TerminalWidth returns the columns of the terminal f, or 0 where f is no
// terminal or does not know: no limit then.
func TerminalWidth(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return max(0, width)
}
