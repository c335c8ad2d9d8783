package live

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// taken is a snapshot in which each pool has so many VMs in ready; a negative number
// could not be read.
func taken(at time.Time, ready map[string]int) *vmpooler.Snapshot {
	s := &vmpooler.Snapshot{Now: at}
	for name, n := range ready {
		p := vmpooler.Pool{Name: name}
		if n < 0 {
			p.Queues[vmpooler.Ready].Err = errors.New("WRONGTYPE")
		} else {
			p.Queues[vmpooler.Ready].VMs = make([]vmpooler.VM, n)
		}
		p.Queues[vmpooler.Running].VMs = make([]vmpooler.VM, 7)
		s.Pools = append(s.Pools, p)
	}
	return s
}

// tail is the end of a series without the missing samples before its first.
func tail(series []int64) []int64 {
	i := slices.IndexFunc(series, func(n int64) bool { return n != missing })
	if i < 0 {
		return nil
	}
	return series[i:]
}

func TestHistoryKeepsTheFirstSampleOfEachMinute(t *testing.T) {
	h := NewHistory()
	for _, at := range []struct {
		after time.Duration
		ready int
	}{{0, 1}, {15 * time.Second, 2}, {time.Minute, 3}, {119 * time.Second, 4}, {3 * time.Minute, -1}, {4 * time.Minute, 5}} {
		h.Add(taken(start.Add(at.after), map[string]int{"p": at.ready}))
	}
	hour := h.Hours(config.DefaultThresholds())["p"]
	if want := []int64{1, 3, missing, missing, 5}; !slices.Equal(tail(hour.Ready), want) {
		t.Errorf("ready %v, want %v", tail(hour.Ready), want)
	}
	if want := []int64{7, 7, missing, 7, 7}; !slices.Equal(tail(hour.Running), want) {
		t.Errorf("running %v, want %v: what can't be read of one queue says nothing of another", tail(hour.Running), want)
	}
	if len(hour.Ready) != Samples || !hour.End.Equal(start.Add(4*time.Minute)) {
		t.Errorf("%d samples until %v", len(hour.Ready), hour.End)
	}
}

func TestHistoryForgetsAfterAnHour(t *testing.T) {
	h := NewHistory()
	h.Add(taken(start, map[string]int{"p": 1, "gone": 1}))
	for i := 1; i <= Samples; i++ {
		h.Add(taken(start.Add(time.Duration(i)*time.Minute), map[string]int{"p": i + 1}))
	}
	hours := h.Hours(config.DefaultThresholds())
	if len(hours) != 1 {
		t.Errorf("%d pools, want one", len(hours))
	}
	if got := hours["p"].Ready; got[0] != 2 || got[Samples-1] != Samples+1 {
		t.Errorf("%v", got)
	}
}

func TestHistoryBeginsAnewWhereTheClockWasSetBack(t *testing.T) {
	h := NewHistory()
	h.Add(taken(start, map[string]int{"p": 1}))
	h.Add(taken(start.Add(-time.Hour), map[string]int{"p": 2}))
	h.Add(taken(start.Add(-59*time.Minute), map[string]int{"p": 3}))
	if got := tail(h.Hours(config.DefaultThresholds())["p"].Ready); !slices.Equal(got, []int64{2, 3}) {
		t.Errorf("%v", got)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := NewHistory()
	pools := make(map[string]int)
	for i := range mostPools + 10 {
		pools[fmt.Sprint("p", i)] = i
	}
	h.Add(taken(start, pools))
	if got := len(h.Hours(config.DefaultThresholds())); got != mostPools {
		t.Errorf("%d pools", got)
	}
}
