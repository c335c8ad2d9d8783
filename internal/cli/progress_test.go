package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stepper is a clock that moves when told to.
type stepper struct{ t time.Time }

func (s *stepper) now() time.Time          { return s.t }
func (s *stepper) advance(d time.Duration) { s.t = s.t.Add(d) }

func TestProgressShowsAndErases(t *testing.T) {
	var b bytes.Buffer
	clock := &stepper{healthNow}
	p := NewProgress(&b, true, clock.now)
	clock.advance(999 * time.Millisecond)
	p.Keys(300_000)
	if b.Len() > 0 {
		t.Fatalf("after less than a second: %q", b.String())
	}
	clock.advance(time.Millisecond)
	p.Keys(301_000)
	clock.advance(199 * time.Millisecond)
	p.Keys(302_000)
	clock.advance(time.Millisecond)
	p.Keys(412_000)
	clock.advance(2 * time.Minute)
	p.Keys(5)
	p.Done()
	p.Done()
	clock.advance(time.Second)
	p.Keys(6)
	want := "\rsweeping: 301,000 keys, 1s" +
		"\rsweeping: 412,000 keys, 1s" +
		"\rsweeping: 5 keys, 2m" + strings.Repeat(" ", 6) +
		"\r" + strings.Repeat(" ", 20) + "\r"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// However many batches there are, five lines a second are shown.
func TestProgressIsBounded(t *testing.T) {
	var b bytes.Buffer
	clock := &stepper{healthNow}
	p := NewProgress(&b, true, clock.now)
	for i := range 10_000 { // of a millisecond each
		clock.advance(time.Millisecond)
		p.Keys(int64(i))
	}
	if n := strings.Count(b.String(), "\r"); n != 46 { // at 1 s, 1.2 s, … 10 s
		t.Errorf("shown %d times in 10 s", n)
	}
}

func TestProgressKeepsSilent(t *testing.T) {
	for name, enabled := range map[string]bool{"no terminal": false, "done within a second": true} {
		var b bytes.Buffer
		clock := &stepper{healthNow}
		p := NewProgress(&b, enabled, clock.now)
		clock.advance(900 * time.Millisecond)
		p.Keys(1)
		if !enabled {
			clock.advance(time.Minute)
			p.Keys(2)
		}
		p.Done()
		if b.Len() > 0 {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}

func TestProgressOutlivesItsWriter(*testing.T) {
	clock := &stepper{healthNow}
	p := NewProgress(failing{}, true, clock.now)
	clock.advance(time.Minute)
	p.Keys(1)
	p.Done()
}
