package testredis

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

//go:embed testdata
var testdata embed.FS

// Trace is a recorded run of the real vmpooler 3.9.1: every write, in order.
type Trace struct {
	T0     time.Time // when the recording began
	Writes []Write
}

// Write is one command of a trace.
type Write struct {
	T       float64  `json:"t"` // seconds since the trace's T0
	Command []string `json:"c"` // the command, its key, its arguments
}

// Capture returns the eight minutes of an ordinary run, with vmpooler's
// dead-letter queue and health check off.
func Capture() *Trace { return captures["capture/trace.jsonl.gz"]() }

// CaptureHard returns the run with bad days in it.
func CaptureHard() *Trace { return captures["capture-hard/trace.jsonl.gz"]() }

// CaptureHardOwn returns what vmpooler itself wrote to its dead-letter queues
// and its health hash during CaptureHard's run, on the same clock.
func CaptureHardOwn() *Trace { return captures["capture-hard/own.jsonl.gz"]() }

var captures = func() map[string]func() *Trace {
	m := make(map[string]func() *Trace)
	for _, name := range []string{"capture/trace.jsonl.gz", "capture-hard/trace.jsonl.gz", "capture-hard/own.jsonl.gz"} {
		m[name] = sync.OnceValue(func() *Trace {
			t, err := loadTrace(name)
			if err != nil {
				panic(fmt.Sprintf("testdata/%s: %v", name, err))
			}
			return t
		})
	}
	return m
}()

// File returns a file of a capture, such as "capture/checkpoints.json".
func File(name string) []byte {
	b, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		panic(err)
	}
	return b
}

func loadTrace(name string) (*Trace, error) {
	z, err := gzip.NewReader(bytes.NewReader(File(name)))
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(z)
	var head struct {
		T0 float64 `json:"t0"`
	}
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, err
	}
	t := &Trace{T0: epoch(head.T0)}
	for d := json.NewDecoder(r); ; {
		var w Write
		if err := d.Decode(&w); err == io.EOF {
			return t, nil
		} else if err != nil {
			return nil, err
		}
		t.Writes = append(t.Writes, w)
	}
}

func epoch(seconds float64) time.Time {
	return time.UnixMilli(int64(seconds * 1000)).UTC()
}

// At returns the moment t seconds into the run.
func (tr *Trace) At(t float64) time.Time {
	return tr.T0.Add(time.Duration(t * float64(time.Second)))
}

// Between returns the writes with from < t ≤ to.
func (tr *Trace) Between(from, to float64) []Write {
	var out []Write
	for _, w := range tr.Writes {
		if w.T > from && w.T <= to {
			out = append(out, w)
		}
	}
	return out
}

// Replay applies the writes up to and including t, with every time in them
// moved by shift, and returns once Redis has them all.
func (tr *Trace) Replay(ctx context.Context, c redis.UniversalClient, t float64, shift time.Duration) error {
	return Apply(ctx, c, tr.Between(-1, t), shift)
}

// Apply sends writes in their order, pipelined, with every time in them moved
// by shift.
func Apply(ctx context.Context, c redis.UniversalClient, writes []Write, shift time.Duration) error {
	const batch = 1000
	for len(writes) > 0 {
		n := min(batch, len(writes))
		pipe := c.Pipeline()
		for _, w := range writes[:n] {
			pipe.Do(ctx, w.args(shift)...)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		writes = writes[n:]
	}
	return nil
}

var timeText = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\+\d{4}|UTC)`)

func (w Write) args(shift time.Duration) []any {
	out := make([]any, len(w.Command))
	for i, a := range w.Command {
		if shift != 0 {
			a = timeText.ReplaceAllStringFunc(a, func(s string) string {
				t, err := vmpooler.ParseTime(s)
				if err != nil {
					return s
				}
				return vmpooler.FormatTime(t.Add(shift))
			})
		}
		out[i] = a
	}
	return out
}
