package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestPopulateWritesWhatIsAskedFor(t *testing.T) {
	c := server.Client(t)
	st := State{
		Pools: UniformPools(5, 50), Pending: 20, Ready: 30, Running: 40, Completed: 5,
		DestroyedHashes: 2000, LeakedHashes: 7, DeadLetters: 300, Now: start, Seed: 3,
	}
	if err := Populate(t.Context(), c, st); err != nil {
		t.Fatal(err)
	}
	live := make(map[string]vmpooler.Queue)
	for _, p := range st.Pools {
		qs := queues(t, c, p.Name)
		for q, want := range map[vmpooler.Queue]int{vmpooler.Pending: 20, vmpooler.Ready: 30, vmpooler.Running: 40, vmpooler.Completed: 5} {
			if len(qs[q]) != want {
				t.Errorf("%s: %d %v, want %d", p.Name, len(qs[q]), q, want)
			}
			for _, name := range qs[q] {
				live[name] = q
			}
		}
	}
	expiring, leaked := 0, 0
	for _, key := range c.Keys(t.Context(), vmpooler.VMKey("*")).Val() {
		name, _ := vmpooler.VMFromKey(key)
		ttl := c.TTL(t.Context(), key).Val()
		q, isLive := live[name]
		switch {
		case isLive:
			field := q.AgeField()
			at, err := vmpooler.ParseTime(c.HGet(t.Context(), key, field).Val())
			if err != nil || at.After(start) || start.Sub(at) > 12*time.Hour || ttl != -1 {
				t.Fatalf("%s in %v: %s %v, %v, TTL %v", name, q, field, at, err, ttl)
			}
		case ttl == -1:
			leaked++
		default:
			expiring++
			if ttl < 59*time.Minute || ttl > 168*time.Hour {
				t.Errorf("%s has a TTL of %v", name, ttl)
			}
			hash := c.HGetAll(t.Context(), key).Val()
			at, err := vmpooler.ParseTime(hash[vmpooler.FieldDestroy])
			if err != nil || len(hash) != 14 || start.Sub(at)+ttl < 167*time.Hour || start.Sub(at)+ttl > 169*time.Hour {
				t.Fatalf("%s: %v with a TTL of %v", name, hash, ttl)
			}
		}
	}
	if expiring != st.DestroyedHashes || leaked != st.LeakedHashes {
		t.Errorf("%d hashes expire, %d do not", expiring, leaked)
	}
}

func TestPopulatesDeadLettersAreInVMPoolersFormat(t *testing.T) {
	c := server.Client(t)
	if err := Populate(t.Context(), c, State{DeadLetters: 100, Now: start}); err != nil {
		t.Fatal(err)
	}
	for _, queue := range vmpooler.DLQQueues() {
		letters := c.ZRangeWithScores(t.Context(), vmpooler.DLQKey(queue), 0, -1).Val()
		if len(letters) != 100 {
			t.Errorf("%s: %d dead letters", queue, len(letters))
		}
		for _, z := range letters {
			parts := strings.SplitN(z.Member.(string), ":", 3)
			var e map[string]any
			if err := json.Unmarshal([]byte(parts[2]), &e); err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, e["failed_at"].(string))
			if err != nil || e["vm"] != parts[0] || strconv.FormatInt(at.Unix(), 10) != parts[1] || float64(at.Unix()) != z.Score || e["queue_from"] != queue {
				t.Fatalf("%v at %v: %v", z.Member, z.Score, err)
			}
		}
	}
}

func TestPopulateRefusesAStateWithoutATime(t *testing.T) {
	if err := Populate(t.Context(), nil, State{}); err == nil {
		t.Error("no time is no error")
	}
	if err := Populate(t.Context(), nil, State{Now: start, DataTTL: time.Minute}); err == nil {
		t.Error("a minute of TTL is no error")
	}
}

func TestPopulateStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Populate(ctx, server.Client(t), State{Now: start, DestroyedHashes: 5000})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// BenchmarkPopulate tells what a large installation's state costs to write.
func BenchmarkPopulate(b *testing.B) {
	c := server.Client(b)
	for b.Loop() {
		c.FlushAll(b.Context())
		st := State{Pools: UniformPools(60, 50), Pending: 20, Ready: 30, Running: 40, Completed: 5, DestroyedHashes: 90_000, DeadLetters: 3000, Now: start}
		if err := Populate(b.Context(), c, st); err != nil {
			b.Fatal(err)
		}
	}
}
