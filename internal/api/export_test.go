package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const exportPath = "/api/v1/queue/dlq/export"

// newRedisClient is a client as the exporter's own is, with its errors.
func newRedisClient(t *testing.T, s *testredis.Server, password string) *redis.Client {
	t.Helper()
	c, err := redisclient.New(config.Redis{Network: "unix", Addr: s.Socket, Password: config.Secret(password)}, redisclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func holdsNoSecret(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, secret) {
		t.Errorf("a secret is in %s", text)
	}
}

// exported are more than a batch of the reading and a piece of the writing hold.
const exported = 1400

// many writes as many dead letters, and returns the lines of an export of them.
func many(t *testing.T, c *redis.Client, n int) []byte {
	t.Helper()
	pipe := c.Pipeline()
	for i := range n {
		member, score := dlq.Encode(dlq.Entry{
			VM: fmt.Sprint("pix-", i), Pool: "debian", QueueFrom: "clone", ErrorClass: "RuntimeError",
			ErrorMessage: "no room", FailedAt: now.Add(-time.Duration(i) * time.Second),
		})
		pipe.ZAdd(t.Context(), vmpooler.DLQKey("clone"), redis.Z{Score: score, Member: member})
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	if _, err := dlq.Export(t.Context(), c, dlq.Filter{}, &lines); err != nil {
		t.Fatal(err)
	}
	return lines.Bytes()
}

// listen serves the site over HTTP.
func (s *site) listen() *httptest.Server {
	s.t.Helper()
	h := httptest.NewUnstartedServer(s.handler)
	h.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if err := c.(*net.TCPConn).SetWriteBuffer(4096); err != nil {
			s.t.Error(err)
		}
		return ctx
	}
	h.Start()
	s.t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
	})
	return h
}

// download is an answer whose body is being read; it is closed when the test ends.
type download struct {
	header     http.Header
	body       io.Reader
	compressed bool
}

func fetch(ctx context.Context, t *testing.T, url string, compressed bool) download {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: !compressed, DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return download{resp.Header, resp.Body, resp.Uncompressed}
}

func TestExportIsAllThereIs(t *testing.T) {
	c := server.Client(t)
	want := many(t, c, exported)
	h := newSite(t, c, nil).listen()
	for _, compressed := range []bool{false, true} {
		resp := fetch(t.Context(), t, h.URL+exportPath, compressed)
		got, err := io.ReadAll(resp.body)
		if err != nil || !bytes.Equal(got, want) || resp.header.Get("Content-Type") != "application/x-ndjson" || resp.compressed != compressed {
			t.Errorf("compressed %v: %d bytes, want %d; %v, %v", compressed, len(got), len(want), err, resp.header)
		}
	}
}

func TestExportOfNothingIsEmpty(t *testing.T) {
	w := newSite(t, server.Client(t), nil).get(exportPath)
	if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
}

// A piece is sent when it is there, not when all is.
func TestExportIsSentPieceByPiece(t *testing.T) {
	c := server.Client(t)
	many(t, c, exported)
	block := &blocker{Client: c, after: 2, reached: make(chan struct{}), letGo: make(chan struct{})}
	h := newSite(t, block, nil).listen()
	resp := fetch(t.Context(), t, h.URL+exportPath, false)
	if line, err := bufio.NewReader(resp.body).ReadString('\n'); err != nil || !strings.Contains(line, `"id":"clone-`) {
		t.Errorf("%q, %v", line, err)
	}
	<-block.reached // so the line came before the reading was done
	close(block.letGo)
	if _, err := io.Copy(io.Discard, resp.body); err != nil {
		t.Error(err)
	}
}

// blocker is a client that waits before one of its pipelines.
type blocker struct {
	*redis.Client

	after          int
	reached, letGo chan struct{}
}

// Pipeline implements redis.UniversalClient. An export asks for one for each batch.
func (b *blocker) Pipeline() redis.Pipeliner { //nolint:ireturn // go-redis has it so
	if b.after--; b.after == 0 {
		close(b.reached)
		<-b.letGo
	}
	return b.Client.Pipeline()
}

func TestExportEndsWithItsClient(t *testing.T) {
	c := server.Client(t)
	many(t, c, exported)
	block := &blocker{Client: c, after: 2, reached: make(chan struct{}), letGo: make(chan struct{})}
	s := newSite(t, block, nil)
	h := s.listen()
	ctx, cancel := context.WithCancel(t.Context())
	fetch(ctx, t, h.URL+exportPath, false)
	<-block.reached
	cancel()
	// Its connection is closed; the server sees it when it reads or writes again.
	close(block.letGo)
	h.Config.SetKeepAlivesEnabled(false)
	ended, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := h.Config.Shutdown(ended); err != nil {
		t.Errorf("the export goes on without its client: %v", err)
	}
}

// What was cut short must not look whole.
func TestExportThatBreaksOffIsNotTakenForWhole(t *testing.T) {
	for name, compressed := range map[string]bool{"plain": false, "compressed": true} {
		t.Run(name, func(t *testing.T) {
			own := testredis.New(t)
			c := newRedisClient(t, own, "")
			many(t, c, exported)
			block := &blocker{Client: c, after: 2, reached: make(chan struct{}), letGo: make(chan struct{})}
			h := newSite(t, block, nil).listen()
			resp := fetch(t.Context(), t, h.URL+exportPath, compressed)
			<-block.reached
			if err := own.Kill(); err != nil {
				t.Fatal(err)
			}
			close(block.letGo)
			if _, err := io.Copy(io.Discard, resp.body); err == nil {
				t.Error("the answer ended as if it were whole")
			}
		})
	}
}

func TestNoMoreExportsAtOnceThanMayBe(t *testing.T) {
	c := server.Client(t)
	many(t, c, exported)
	block := &blocker{Client: c, after: 2, reached: make(chan struct{}), letGo: make(chan struct{})}
	s := newSite(t, block, func(o *Options, _ *live.Options) { o.MaxExports = 1 })
	h := s.listen()
	resp := fetch(t.Context(), t, h.URL+exportPath, false)
	<-block.reached
	w := s.get(exportPath)
	failed(t, w, http.StatusServiceUnavailable, unavailable, "as many exports as may be")
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("%v", w.Header())
	}
	if w := s.get("/api/v1/queue/dlq?limit=1"); w.Code != http.StatusOK {
		t.Errorf("what is no export is refused as well: %d", w.Code)
	}
	close(block.letGo)
	io.Copy(io.Discard, resp.body)
}

// A client that takes nothing of what it asked for is left within Stall.
func TestAClientThatTakesNothingIsNotWaitedFor(t *testing.T) {
	c := server.Client(t)
	many(t, c, exported) // more than the buffers of a connection hold
	for _, path := range []string{exportPath, "/api/v1/queue/dlq?limit=1000"} {
		t.Run(path, func(t *testing.T) {
			s := newSite(t, c, func(o *Options, _ *live.Options) { o.Stall = 50 * time.Millisecond })
			h := s.listen()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", h.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			if _, err := conn.Read(make([]byte, 1)); err != nil { // it has begun
				t.Fatal(err)
			}
			h.Config.SetKeepAlivesEnabled(false)
			ended, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			if err := h.Config.Shutdown(ended); err != nil {
				t.Errorf("the answer waits for its client: %v", err)
			}
		})
	}
}

// deadlined is a ResponseWriter that knows its last deadline.
type deadlined struct {
	*httptest.ResponseRecorder

	set []time.Time
}

// SetWriteDeadline is what http.ResponseController looks for.
func (d *deadlined) SetWriteDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

func TestTheNextRequestOfAConnectionHasTheServersOwnDeadline(t *testing.T) {
	s := newSite(t, server.Client(t), nil)
	for _, timeout := range []time.Duration{0, time.Hour} {
		ctx := context.WithValue(t.Context(), http.ServerContextKey, &http.Server{WriteTimeout: timeout})
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		s.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/openapi.json", nil))
		if len(w.set) != 3 || !w.set[0].IsZero() || w.set[1].IsZero() || w.set[2].IsZero() != (timeout == 0) || timeout > 0 && w.set[2].Before(w.set[1]) {
			t.Errorf("WriteTimeout %v: %v", timeout, w.set)
		}
	}
}
