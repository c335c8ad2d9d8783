//go:build !linux

package purger

import "time"

// doze waits for d, which is short.
func doze(d time.Duration) { time.Sleep(d) }
