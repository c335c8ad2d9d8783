package purger

import (
	"time"

	"golang.org/x/sys/unix"
)

// doze waits for d, which is short. Go's timers take a millisecond at the least in a
// process that has nothing else to do, which is thrice as long as most actions, so that
// a purge would rest for most of its time.
func doze(d time.Duration) {
	left := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&left, nil) // a signal ends it early, which does no harm
}
