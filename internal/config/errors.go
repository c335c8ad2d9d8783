package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing wrong with the settings. It never repeats a secret.
type Error struct {
	File string // empty for a flag or a variable of the environment
	Line int    // from 1; 0 when the whole file is meant
	Key  string // "purge_interval", "--redis.addr", "environment REDIS_PORT"
	Msg  string

	cause error
}

// Error implements error: "vmpooler.yaml:14: purge_interval: must be …".
func (e *Error) Error() string { return describe(e.File, e.Line, e.Key, e.Msg) }

// Unwrap returns what the operating system said, if it was asked.
func (e *Error) Unwrap() error { return e.cause }

// Errors are all things wrong with the settings, but no more than a hundred and
// the number of the others: first those of the files in
// their order and by line, then those of the environment, then of the flags.
type Errors []*Error

// Error implements error, one thing a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is and errors.As look at each of them.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, err := range e {
		all[i] = err
	}
	return all
}

// Warning is something that is probably a mistake, but changes nothing.
type Warning struct {
	File string
	Line int
	Key  string
	Msg  string
}

// String is the warning in one line, as Error.Error.
func (w Warning) String() string { return describe(w.File, w.Line, w.Key, w.Msg) }

// describe puts the parts into one line.
func describe(file string, line int, key, msg string) string {
	var b strings.Builder
	switch {
	case file != "" && line > 0:
		fmt.Fprintf(&b, "%s:%d: ", file, line)
	case file != "":
		fmt.Fprintf(&b, "%s: ", file)
	}
	if key != "" {
		b.WriteString(key + ": ")
	}
	return oneLine(b.String() + msg)
}

// report gathers errors and warnings while the settings are read.
type report struct {
	errs     Errors
	warnings []Warning
}

func (r *report) fail(at place, key, format string, args ...any) {
	r.errs = append(r.errs, &Error{File: at.file, Line: at.line, Key: key, Msg: fmt.Sprintf(format, args...)})
}

// failOf is fail with the cause's text at the end; errors.Is finds the cause.
// The cause must not hold a secret.
func (r *report) failOf(cause error, at place, key, msg string) {
	r.errs = append(r.errs, &Error{File: at.file, Line: at.line, Key: key, Msg: msg + ": " + cause.Error(), cause: cause})
}

func (r *report) warn(at place, key, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{File: at.file, Line: at.line, Key: key, Msg: fmt.Sprintf(format, args...)})
}

// add takes up an error that was made elsewhere.
func (r *report) add(err error) {
	if one, ok := errors.AsType[*Error](err); ok {
		r.errs = append(r.errs, one)
	}
}

// maxReported is as many errors, or warnings, as anyone reads at once.
const maxReported = 100

// cut leaves out what is beyond maxReported, and says how much that is.
func (r *report) cut() {
	if more := len(r.errs) - maxReported; more > 0 {
		r.errs = append(r.errs[:maxReported], &Error{Msg: fmt.Sprintf("and %d more", more)})
	}
	if more := len(r.warnings) - maxReported; more > 0 {
		r.warnings = append(r.warnings[:maxReported], Warning{Msg: fmt.Sprintf("and %d more", more)})
	}
}

// sort brings everything into the order that Errors documents. The order
// within the environment and within the flags is that of their checks.
func (r *report) sort(files []string) {
	rank := func(file string) int {
		if i := slices.Index(files, file); i >= 0 {
			return i
		}
		return len(files)
	}
	slices.SortStableFunc(r.errs, func(a, b *Error) int {
		if c := rank(a.File) - rank(b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	slices.SortStableFunc(r.warnings, func(a, b Warning) int {
		if c := rank(a.File) - rank(b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
}

// place is a line of a file.
type place struct {
	file string
	line int
}

// String is how the source of a setting is named: "vmpooler.yaml:14".
func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }
