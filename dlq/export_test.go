package dlq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestExportWritesALineForEachEntryOldestFirst(t *testing.T) {
	c := server.Client(t)
	few(t, c)
	putRaw(t, c, "ready", "\xff\x1b[31m \"quoted\" <b>", 5)
	putRaw(t, c, "clone", `old:1:{"vm":"old","failed_at":"0000-01-01T00:00:00+14:00"}`, 6)
	put(t, c, letter("ready", "secret", "p", "E", "redis://u:hunter2@host password=hunter2 <x>", 9*time.Hour))
	c.Set(t.Context(), vmpooler.DLQKey("text"), "a string", 0)
	var b bytes.Buffer
	done, err := Export(t.Context(), c, Filter{Queues: []string{"clone", "pending", "ready", "text"}, Limit: 1, Order: Newest}, &b)
	if err != nil || done.Entries != 6 || done.Unreadable != 1 || !slices.Equal(done.WrongType, []string{"text"}) {
		t.Errorf("%+v, %v", done, err)
	}
	if !utf8.Valid(b.Bytes()) || bytes.ContainsAny(b.Bytes(), "\x1b") || strings.Contains(b.String(), "hunter2") {
		t.Errorf("%q", b.String())
	}
	var vms []string
	for line := range strings.Lines(b.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if _, bad := e["unreadable"]; bad {
			if len(e) != 4 || e["member"] == "" {
				t.Errorf("%v", e)
			}
			continue
		}
		vms = append(vms, e["vm"].(string))
	}
	if want := []string{"old", "secret", "pix-c-three", "pix-b-two", "pix-a-one"}; !slices.Equal(vms, want) {
		t.Errorf("%v", vms)
	}
	want := `{"id":"clone-`
	if line := strings.Split(strings.TrimSpace(b.String()), "\n")[5]; !strings.HasPrefix(line, want) ||
		!strings.HasSuffix(line, `","queue":"clone","vm":"pix-a-one","pool":"debian","queue_from":"clone","error_class":"RuntimeError","error_message":"Dummy Failure","failed_at":"2026-11-23T09:00:00+00:00"}`) {
		t.Error(line)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestExportTellsThatItCouldNotWrite(t *testing.T) {
	c := server.Client(t)
	few(t, c)
	if _, err := Export(t.Context(), c, Filter{}, fullDisk{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
}

// heapMeter writes nothing, and knows the most memory that was in use at every
// so many of its writes.
type heapMeter struct {
	every, writes, bytes int

	peak uint64 // bytes
}

func (m *heapMeter) Write(p []byte) (int, error) {
	if m.writes++; m.writes%m.every == 0 {
		m.peak = max(m.peak, heapInUse())
	}
	m.bytes += len(p)
	return len(p), nil
}

func heapInUse() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// exportable puts so many entries into each queue.
func exportable(t *testing.T, c *redis.Client, each int) {
	t.Helper()
	pipe := c.Pipeline()
	for i := range each {
		for _, q := range vmpooler.DLQQueues() {
			e := letter(q, fmt.Sprintf("pix-%d", i), "debian", "IOError", strings.Repeat("no space left ", 20), time.Duration(i)*time.Second)
			member, score := Encode(e)
			pipe.ZAdd(t.Context(), vmpooler.DLQKey(q), redis.Z{Score: score, Member: member})
		}
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestExportNeedsNoMoreMemoryForMoreEntries(t *testing.T) {
	c := server.Client(t)
	peak := func(each int) uint64 {
		exportable(t, c, each)
		before := heapInUse()
		m := heapMeter{every: each / 500} // ten times
		done, err := Export(t.Context(), c, Filter{}, &m)
		if err != nil || done.Entries != 3*each || m.peak == 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		used := m.peak - min(before, m.peak)
		t.Logf("3 × %d entries, %d KiB: %d KiB of memory at most", each, m.bytes>>10, used>>10)
		return used
	}
	times := 10
	if testing.Short() { // the race detector takes long over each entry
		times = 4
	}
	few, many := peak(1000), peak(1000*times)
	if many > few+few/2 {
		t.Errorf("%d KiB of memory for %d times the entries that took %d KiB", many>>10, times, few>>10)
	}
}
