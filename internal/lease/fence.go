package lease

import (
	"errors"
	"strings"
)

// Fence is what a script needs to know whether the lease that it writes on the
// strength of is still its caller's. The zero Fence lets everything pass: it is
// for commands that need no lease.
//
// A script takes Key as its last key and Token as its first argument, and begins
// with
//
//	if ARGV[1] ~= '' and redis.call('GET', KEYS[#KEYS]) ~= ARGV[1] then
//	  return redis.error_reply('FENCED the lease has passed on')
//	end
type Fence struct {
	Key, Token string
}

// ErrFenced says that the lease had passed on, and that the script changed
// nothing.
var ErrFenced = errors.New("the lease has passed on to another process: nothing was written")

// Check returns ErrFenced in place of a script's error that says so.
func Check(err error) error {
	if err != nil && strings.HasPrefix(err.Error(), "FENCED") {
		return ErrFenced
	}
	return err
}
