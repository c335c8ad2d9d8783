package vmpooler

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// IsConnectionError says whether err is the connection's (refused, reset, timed
// out, cancelled) and not an answer of the server's.
func IsConnectionError(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) {
		return false
	}
	var reply redis.Error
	return !errors.As(err, &reply)
}

// refusals start the answers that a server gives to any command at all: they
// say something of the connection or the server, nothing of the key.
var refusals = []string{"NOAUTH", "WRONGPASS", "LOADING", "MASTERDOWN", "BUSY "}

// refusesAll says whether err, of a command or of a whole pipeline, would have
// met any other command as well. (Where a connection can't be opened or logged
// in, go-redis has that error for the pipeline and none for its commands.)
func refusesAll(err error) bool {
	if err == nil {
		return false
	}
	for _, p := range refusals {
		if strings.HasPrefix(err.Error(), p) {
			return true
		}
	}
	return IsConnectionError(err)
}

// answered says whether this user may do at least one of the commands.
func answered(cmds []redis.Cmder) bool {
	for _, c := range cmds {
		if !strings.HasPrefix(errText(c.Err()), "NOPERM") {
			return true
		}
	}
	return false
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func isWrongType(err error) bool { return strings.HasPrefix(errText(err), "WRONGTYPE") }

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// firstErrors keeps the first few errors and counts the rest: 500 broken pools
// are one log line, not 500.
type firstErrors struct {
	errs []error
	more int
}

func (f *firstErrors) add(err error) {
	const most = 3
	switch {
	case err == nil:
	case len(f.errs) < most:
		f.errs = append(f.errs, err)
	default:
		f.more++
	}
}

func (f *firstErrors) join() error {
	if f.more > 0 {
		return errors.Join(append(f.errs, fmt.Errorf("and %d more", f.more))...)
	}
	return errors.Join(f.errs...)
}
