package api

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

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
		switch m[1] {
		case "info", "config|resetstat", "hello", "client|setinfo", "client|setname":
		default:
			counts[m[1]], _ = strconv.Atoi(m[2])
		}
	}
	return counts
}

// Fifty clients who ask for everything cost Redis what one does.
func TestManyClientsCostRedisWhatOneDoes(t *testing.T) {
	c := server.Client(t)
	fill(t, c)
	first, err := dlq.List(t.Context(), c, dlq.Filter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"health", "dlq", "dlq?since=1h&limit=2", "dlq/stats", "dlq/stats?pool=debian", "dlq/" + first.Records[0].ID,
		"vm/pix-0", "request/r1", "purge", "purge/history?limit=1",
	}
	ask := func(s *site, clients, times int) map[string]int {
		t.Helper()
		commands(t, c)
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range times {
					for _, path := range paths {
						w := httptest.NewRecorder()
						s.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/queue/"+path, nil))
						if w.Code != http.StatusOK {
							t.Errorf("%s: %d %s", path, w.Code, w.Body)
						}
					}
				}
			})
		}
		wg.Wait()
		return commands(t, c)
	}
	stories := func(o *Options, _ *live.Options) { o.Explain = newTeller(c) }
	one, many := ask(newSite(t, c, stories), 1, 1), ask(newSite(t, c, stories), 50, 10)
	if len(one) < 5 || !maps.Equal(one, many) {
		t.Errorf("one client, once: %v\n50 clients, 10 times: %v", one, many)
	}
}
