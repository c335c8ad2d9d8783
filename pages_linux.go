package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBackPages lets go of the pages of the program's own file that were read at its
// start and may never be again: govmomi alone registers thousands of types then, which
// takes twelve megabytes of them. They are clean, and come back from the page cache when
// they are needed; a failure only means that they stay.
func giveBackPages() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		// address perms offset dev inode path
		f := strings.Fields(line)
		if len(f) != 6 || f[5] != program || !strings.HasPrefix(f[1], "r-") || !strings.HasSuffix(f[1], "p") {
			continue // what may be written to is not the file's any more
		}
		from, to, _ := strings.Cut(f[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 != nil || err2 != nil || end <= start {
			continue
		}
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED)
	}
}
