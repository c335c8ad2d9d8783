package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkClients holds scrapes of an exporter that fifty clients ask for its page
// and its API, each once a second, against those of one beside it that nobody asks.
// Each is scraped once a second where that makes a 99th percentile, as in the target's
// five minutes (-benchtime 300s), and ten times a second in the shorter `make bench`,
// which is harder. Rows need 100 rounds.
func BenchmarkClients(b *testing.B) {
	const (
		clients = 50
		full    = 10 * time.Second // until the caches are
	)
	every := time.Second / 10
	if lasts, err := time.ParseDuration(flag.Lookup("test.benchtime").Value.String()); err == nil && lasts >= 100*time.Second {
		every = time.Second
	}
	s := newSite(b, pools, [4]int{pending, ready, running, completed}, fewHashes)
	s.letters(b, fullQueue)
	idle, busy := *s, *s
	idle.export(b)
	busy.export(b)
	base := strings.TrimSuffix(busy.url, "/metrics")
	ctx, stop := context.WithCancel(b.Context())
	var asked, wrong atomic.Int64
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() { askAgainAndAgain(ctx, base, n, &asked, &wrong) })
	}
	var scrapes, alone samples
	tick := time.NewTicker(every)
	defer tick.Stop()
	before, began := 0.0, time.Now()
	for b.Loop() {
		<-tick.C
		alone.time(func() { idle.scrape(b) })
		scrapes.time(func() { busy.scrape(b) })
		if before == 0 && time.Since(began) >= full {
			before = busy.memory(b, "VmRSS")
		}
	}
	stop()
	wg.Wait()
	if wrong.Load() > 0 || asked.Load() == 0 {
		b.Errorf("%d of %d answers were wrong", wrong.Load(), asked.Load())
	}
	if !enough(b, len(scrapes), 100) || before == 0 {
		return
	}
	x := ratio(scrapes.quantile(0.99), alone.quantile(0.99))
	b.ReportMetric(x, "x-idle-p99")
	table.add(b, "scrape beside 50 clients of page and API, 99th percentile / idle", atMost(2, ""), x, "%.2f (%.1f ms, %d answers, all right)", x, ms(scrapes.quantile(0.99)), asked.Load())
	x = busy.memory(b, "VmRSS") / before
	table.add(b, "its RSS at the end / after 10 s", target{"≤ 1.2: flat", 1.2}, x, "%.2f (%.1f MiB)", x, busy.memory(b, "VmRSS"))
}

// askAgainAndAgain is a client who asks once a second until ctx is done.
func askAgainAndAgain(ctx context.Context, base string, n int, asked, wrong *atomic.Int64) {
	paths := []struct{ path, has string }{
		{"/", "</html>"},
		{"/api/v1/queue/health", `"status":"success"`},
		{"/api/v1/queue/dlq?limit=50", `"next_cursor":"`},
		{"/api/v1/queue/dlq/stats", `"entries":39`},
		{"/dlq", "</html>"},
		{"/api/v1/queue/purge", `"enabled":false`},
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := n; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p := paths[i%len(paths)]
		err := ask(ctx, client, base+p.path, p.has)
		if ctx.Err() != nil {
			return
		}
		asked.Add(1)
		if err != nil {
			wrong.Add(1)
		}
	}
}

func ask(ctx context.Context, client *http.Client, url, has string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || !strings.Contains(string(body), has):
		return fmt.Errorf("%s: %s, without %s", url, resp.Status, has)
	}
	return nil
}
