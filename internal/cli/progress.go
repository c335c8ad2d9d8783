package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	progressAfter = time.Second            // what is done sooner needs no explanation
	progressEvery = 200 * time.Millisecond // five times a second is as fast as anyone reads
)

// Progress shows on one line of a terminal how far a sweep has come, so that a
// minute over a large Redis does not look like a hang, and takes the line away
// at the end. It is for one goroutine at a time. What fails to be written is
// lost: nobody's sweep should end for that.
type Progress struct {
	w       io.Writer
	enabled bool
	now     func() time.Time

	began, shown time.Time
	width        int // of the line on the screen
}

// NewProgress returns a Progress that begins now and writes to w, if enabled:
// that is, where w is a terminal.
func NewProgress(w io.Writer, enabled bool, now func() time.Time) *Progress {
	return &Progress{w: w, enabled: enabled, now: now, began: now()}
}

// Keys tells how many keys have been swept so far; it fits
// vmpooler.SweepOptions.Progress.
func (p *Progress) Keys(n int64) {
	if !p.enabled {
		return
	}
	now := p.now()
	if now.Sub(p.began) < progressAfter || now.Sub(p.shown) < progressEvery {
		return
	}
	p.shown = now
	p.show(fmt.Sprintf("sweeping: %s keys, %s", count(n), age(int64(now.Sub(p.began)/time.Second))))
}

// Done erases the line, if there is one. Keys must not be called after it.
func (p *Progress) Done() {
	if p.width > 0 {
		p.show("")
		fmt.Fprint(p.w, "\r")
	}
	p.enabled = false
}

// show writes line over the last one. Spaces erase what is left of that: they
// do so on every terminal.
func (p *Progress) show(line string) {
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.width-len(line))))
	p.width = len(line)
}
