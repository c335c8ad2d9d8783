package web

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// realStories are those of a Redis.
type realStories struct{ deps explain.Deps }

func (s realStories) VM(ctx context.Context, name string) (*explain.Report, error) {
	return explain.VM(ctx, s.deps, name)
}

func (s realStories) Request(ctx context.Context, id string) (*explain.Report, error) {
	return explain.Request(ctx, s.deps, id)
}

// realHandler serves what a Redis has.
func realHandler(c *redis.Client) *Handler {
	settings := config.Defaults()
	reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{})
	cache := live.NewCache(live.Options{
		Source: collector.NewSource(reader, nil, settings.Health.Thresholds, 10*time.Second),
		Client: c, Reader: reader, Settings: func() *config.Settings { return settings },
	})
	return NewHandler(Options{Source: cache, Stories: realStories{explain.Deps{Client: c, Reader: reader, Settings: settings}}})
}

// plant writes a small vmpooler whose users' tokens are "s3cr3t".
func plant(t *testing.T, c *redis.Client) {
	t.Helper()
	began := time.Now().Add(-3 * time.Hour)
	entry, score := dlq.Encode(dlq.Entry{
		VM: "quiet-otter", Pool: "debian-12", QueueFrom: "clone", ErrorClass: "RuntimeError",
		ErrorMessage: "no space left, password=hunter2", FailedAt: began, RequestID: "request-1",
	})
	for _, args := range [][]any{
		{"SADD", vmpooler.KeyPools, "debian-12", "<b>pool</b>"},
		{"HSET", vmpooler.KeyPoolSizes, "debian-12", "5"},
		{"SADD", vmpooler.Pending.Key("debian-12"), "slow-snail"},
		{"HSET", vmpooler.VMKey("slow-snail"), "pool", "debian-12", "clone", vmpooler.FormatTime(began), "token:token", "s3cr3t", "token:user", "jane"},
		{"SADD", vmpooler.Running.Key("debian-12"), "busy-bee"},
		{"HSET", vmpooler.VMKey("busy-bee"), "pool", "debian-12", "checkout", vmpooler.FormatTime(began), "token:token", "s3cr3t"},
		{"ZADD", vmpooler.DLQKey("clone"), score, entry},
		{"ZADD", vmpooler.KeyRequestQueue, began.Unix(), "request-1"},
		{"HSET", vmpooler.RequestKey("request-1"), "requested", "debian:debian-12:1", "status", "pending", "token:token", "s3cr3t"},
		{"SET", "vmpooler__token__s3cr3t", "x"},
	} {
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPagesOfARealRedis(t *testing.T) {
	c := server.Client(t)
	plant(t, c)
	h := realHandler(c)
	for address, texts := range map[string][]string{
		"/":                           {`<a href="/pool/debian-12" class="tag warn" title="pending for over 2h: see which">1 stuck</a>`, "&lt;b&gt;pool&lt;/b&gt;", "empty", "no space left, password=[redacted]", "request-1", "debian:debian-12:1"},
		"/dlq":                        {"quiet-otter", "no space left, password=[redacted]", "/request/request-1"},
		"/dlq?pool=none":              {"No dead letter matches."},
		"/vm/slow-snail":              {"pending of <bdi>debian-12</bdi> for 3h", "clone began"},
		"/vm/slow-snail.example.com":  {"pending of <bdi>debian-12</bdi>"},
		"/vm/busy-bee":                {"running"},
		"/vm/quiet-otter":             {"no space left"},
		"/request/request-1":          {"<dd>waiting for 3h", "debian:debian-12:1"},
		"/purge":                      {"It is off"},
		"/pool/debian-12":             {`<a href="/vm/slow-snail"><bdi>slow-snail</bdi></a><td>3h <span class="tag warn">stuck</span>`, "being cloned"},
		"/pool/%3Cb%3Epool%3C%2Fb%3E": {"None is pending."},
		"/find?q=slow-snail":          {`<a href="/vm/slow-snail">See Other</a>`},
		"/find?q=request-1":           {`<a href="/request/request-1">See Other</a>`},
		"/find?q=%20debian-12":        {`<a href="/pool/debian-12">See Other</a>`},
		"/find?q=debian":              {"There is no VM, request or pool named “debian”", "/?pool=debian#pools"},
		"/dlq/kinds":                  {"no space left, password=[redacted]", "1 kind, the most frequent first"},
		"/vm/nobody":                  {"Nothing is known of a VM named “nobody”"},
	} {
		got := get(t, h, address)
		contains(t, got.body, texts...)
		for _, secret := range []string{"s3cr3t", "hunter2", "jane"} {
			if strings.Contains(got.body, secret) {
				t.Errorf("%s has %q", address, secret)
			}
		}
	}
}

func TestManyReadersAtOnce(t *testing.T) {
	c := server.Client(t)
	plant(t, c)
	h := realHandler(c)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for _, address := range []string{"/", "/dlq", "/vm/slow-snail"} {
				if got := get(t, h, address); got.status != http.StatusOK {
					t.Errorf("%s: %d", address, got.status)
				}
			}
		})
	}
	wg.Wait()
}
