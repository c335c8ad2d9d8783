package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// maxName is as long as a name in DNS may be, in bytes.
const maxName = 253

// parseNames reads a command's output: one name a line, nothing else. No output at
// all is an empty list. A line that is no name is an error, for then the output is
// something else than a list; so is a last line without an end, for then it may
// have been cut off.
func parseNames(text []byte) ([]string, error) {
	names := []string{}
	if len(text) == 0 {
		return names, nil
	}
	text, ended := bytes.CutSuffix(text, []byte("\n"))
	if !ended {
		return nil, errors.New("the last line of its output has no end: it may be cut off")
	}
	n := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		n++
		line = bytes.TrimSuffix(line, []byte("\r"))
		if why := noName(line); why != "" {
			return nil, fmt.Errorf("line %d of its output is no VM's name: it %s", n, why)
		}
		names = append(names, string(line))
	}
	return names, nil
}

// noName says why the text can't be a VM's name, "" if it can.
func noName(text []byte) string {
	switch {
	case len(text) == 0:
		return "is empty"
	case len(text) > maxName:
		return fmt.Sprintf("is longer than %d bytes", maxName)
	case !utf8.Valid(text):
		return "is not UTF-8"
	case bytes.ContainsFunc(text, unicode.IsSpace):
		return "has a space in it"
	case bytes.ContainsFunc(text, control):
		return "has a character in it that can't be printed"
	}
	return ""
}

func control(c rune) bool { return !unicode.IsPrint(c) && c != ' ' }
