package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

func newTestCache(c *redis.Client, clk *clock) *Cache {
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: clk.now})
	return NewCache(Options{
		Source: collector.NewSource(reader, nil, config.DefaultThresholds(), 10*time.Second),
		Client: c, Reader: reader, Now: clk.now, Started: start,
		Settings: func() *config.Settings { return &config.Settings{} },
		Purge:    func() purger.Status { return purger.Status{Next: start.Add(time.Hour)} },
		Lease:    func() Lease { return Lease{Owner: "a:1:x", Other: lease.Holder{Owner: "b:1:y"}} },
	})
}

// put writes a small vmpooler.
func put(t *testing.T, c *redis.Client) {
	t.Helper()
	must(t, c, "SADD", vmpooler.KeyPools, "debian")
	must(t, c, "SADD", vmpooler.Ready.Key("debian"), "pix-a", "pix-b")
	must(t, c, "HSET", vmpooler.VMKey("pix-a"), "pool", "debian", "ready", vmpooler.FormatTime(start), "token:token", "s3cr3t")
	for i := range 3 {
		member, score := dlq.Encode(dlq.Entry{
			VM: fmt.Sprint("pix-", i), Pool: "debian", QueueFrom: "clone", ErrorClass: "RuntimeError", ErrorMessage: "no", FailedAt: start,
		})
		must(t, c, "ZADD", vmpooler.DLQKey("clone"), score, member)
	}
	for i := range 3 {
		id := fmt.Sprint("request-", i)
		must(t, c, "ZADD", vmpooler.KeyRequestQueue, start.Add(-time.Duration(i)*time.Minute).Unix(), id)
		must(t, c, "HSET", vmpooler.RequestKey(id), "requested", "debian:debian:1", "status", "pending", "retry_count", i, "token:token", "s3cr3t")
	}
}

var callsOf = regexp.MustCompile(`cmdstat_([a-z|_-]+):calls=(\d+)`)

// commands returns how often each command was called since the last time.
func commands(t *testing.T, c *redis.Client) map[string]int {
	t.Helper()
	text, err := c.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	must(t, c, "CONFIG", "RESETSTAT")
	counts := make(map[string]int)
	for _, m := range callsOf.FindAllStringSubmatch(text, -1) {
		if m[1] == "info" || m[1] == "config|resetstat" || m[1] == "hello" || m[1] == "client|setinfo" {
			continue
		}
		counts[m[1]], _ = strconv.Atoi(m[2])
	}
	return counts
}

// everything asks for all that there is.
func everything(ctx context.Context, c *Cache) error {
	_, err := c.View(ctx)
	if err != nil {
		return err
	}
	_, _, stateErr := c.State(ctx)
	_, _, statsErr := c.Stats(ctx, dlq.Filter{Pool: "debian"})
	page, listErr := c.Letters(ctx, dlq.Filter{Limit: 2})
	_, showErr := c.Letter(ctx, page.Records[0].ID)
	_, historyErr := c.Purged(ctx, purger.HistoryFilter{Limit: 5})
	n, shareErr := Share(ctx, c, "mine", func(ctx context.Context) (int64, error) {
		return c.opts.Client.HLen(ctx, vmpooler.VMKey("pix-a")).Result()
	})
	if n != 3 {
		shareErr = fmt.Errorf("%d fields, %w", n, shareErr)
	}
	return errors.Join(stateErr, statsErr, listErr, showErr, historyErr, shareErr)
}

func TestRedisIsAskedNoMoreOftenThanThePeriodsAllow(t *testing.T) {
	c := server.Client(t)
	put(t, c)
	clk := newClock()
	cache := newTestCache(c, clk)
	commands(t, c)
	once := func() map[string]int {
		t.Helper()
		if err := everything(t.Context(), newTestCache(c, newClock())); err != nil {
			t.Fatal(err)
		}
		return commands(t, c)
	}()
	many := func() map[string]int {
		t.Helper()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for range 20 {
					if err := everything(t.Context(), cache); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		return commands(t, c)
	}
	if len(once) < 5 || once["hlen"] != 1 {
		t.Fatalf("asking once: %v", once)
	}
	if got := many(); !maps.Equal(got, once) {
		t.Errorf("50 clients, 20 times each: %v; one client, once: %v", got, once)
	}
	clk.pass(Period - 1)
	if got := many(); len(got) != 0 {
		t.Errorf("within the period Redis was asked: %v", got)
	}
	clk.pass(1)
	got := many()
	if got["hlen"] != 1 || got["time"] != once["time"] || got["xrevrange"] != 1 {
		t.Errorf("after the period: %v", got)
	}
	if got["zrevrangebyscore"] >= once["zrevrangebyscore"] {
		t.Errorf("dead letters were summed up again before their period was over: %v, and once is %v", got, once)
	}
	clk.pass(SlowPeriod - Period)
	if got := many(); !maps.Equal(got, once) {
		t.Errorf("after the longest period: %v, want %v", got, once)
	}
}

func TestAViewHasAllThatThereIs(t *testing.T) {
	c := server.Client(t)
	put(t, c)
	clk := newClock()
	cache := newTestCache(c, clk)
	v, err := cache.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i, r := range v.Requests {
		ids = append(ids, r.ID)
		if r.Retries != 2-i || r.Requested != "debian:debian:1" || r.Status != "pending" {
			t.Errorf("%+v", r)
		}
	}
	if want := []string{"request-2", "request-1", "request-0"}; !slices.Equal(ids, want) || v.RequestsTotal != 3 {
		t.Errorf("requests %v of %d, want %v", ids, v.RequestsTotal, want)
	}
	switch {
	case v.Letters.Entries != 3 || v.LettersErr != nil || !v.LettersRead.Equal(start):
		t.Errorf("letters: %+v, %v, read %v", v.Letters, v.LettersErr, v.LettersRead)
	case !v.Purge.Next.Equal(start.Add(time.Hour)) || v.Lease.Other.Owner != "b:1:y" || v.Settings == nil || !v.Started.Equal(start):
		t.Errorf("%+v", v)
	case v.Hours["debian"].Ready[Samples-1] != 2:
		t.Errorf("the last hour: %+v", v.Hours["debian"])
	}
}

// A part that can't be read is missing with its reason, and takes nothing along.
func TestAViewSaysWhatCouldNotBeRead(t *testing.T) {
	c := server.Client(t)
	put(t, c)
	must(t, c, "DEL", vmpooler.KeyRequestQueue)
	must(t, c, "SET", vmpooler.KeyRequestQueue, "no zset")
	v, err := newTestCache(c, newClock()).View(t.Context())
	if err != nil || v.RequestsErr == nil || v.Requests != nil || v.Letters == nil {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestWhenRedisIsAwayAnErrorIsAnErrorAndTheLastViewHasItsAge(t *testing.T) {
	s := server.NewClient()
	defer s.Close()
	own := server.Client(t)
	put(t, own)
	clk := newClock()
	cache := newTestCache(s, clk)
	if v, _ := cache.Last(); v != nil {
		t.Error("there is a last view before the first")
	}
	before, err := cache.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Close() // as good as a Redis that is away, and at once
	clk.pass(time.Minute)
	if _, err := cache.View(t.Context()); err == nil {
		t.Error("a view was had of a Redis that is away")
	}
	if v, age := cache.Last(); v != before || age != time.Minute {
		t.Errorf("last view %p, %v old; want %p", v, age, before)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	c := server.Client(t)
	args := []any{"ZADD", vmpooler.KeyRequestProcessing}
	for i := range MostRequests + 5 {
		args = append(args, i, fmt.Sprintf("r%04d", i))
	}
	must(t, c, args...)
	v, err := newTestCache(c, newClock()).View(t.Context())
	if err != nil || len(v.Requests) != MostRequests || v.RequestsTotal != MostRequests+5 || v.Requests[0].ID != "r0000" {
		t.Errorf("%d of %d, %v", len(v.Requests), v.RequestsTotal, err)
	}
}
