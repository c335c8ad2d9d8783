package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

func TestWhatThereIsNotIsAnsweredInJSONToo(t *testing.T) {
	s := newSite(t, server.Client(t), nil)
	for _, path := range []string{
		"/api/", "/api/v1", "/api/v1/queue/", "/api/v1/queue/dlq/", "/api/v1/queue/dlq/a/b", "/api/v1/queue/vm/",
		"/api/v1//queue/health", "/api/v1/queue/../queue/health", "/api/v1/queue/health/", "/api/v1/queue/vm/..", "/api/v1/queue/vm/%2e%2e/x",
	} {
		failed(t, s.get(path), http.StatusNotFound, notFound, "there is no such call")
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodOptions, http.MethodTrace, "BREW"} {
		w := s.do(method, "/api/v1/queue/health")
		failed(t, w, http.StatusMethodNotAllowed, badData, "the method is not allowed here")
		if w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow %q", method, w.Header().Get("Allow"))
		}
	}
	if n, _ := s.count("vmpooler_exporter_api_requests_total", "code", "405", "route", "other"); n != 5 {
		t.Errorf("%v counted", n)
	}
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	c := server.Client(t)
	fill(t, c)
	h := newSite(t, c, nil).listen()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, h.URL+healthPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || len(body) != 0 || resp.Header.Get("ETag") == "" {
		t.Errorf("%s %q %v", resp.Status, body, resp.Header)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAnswersAreCompressedForWhoTakesThat(t *testing.T) {
	c := server.Client(t)
	fill(t, c)
	s := newSite(t, c, nil)
	plain := s.get("/api/v1/queue/dlq/stats").Body.Bytes()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/queue/dlq/stats", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatalf("%v %v", err, w.Header())
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain) || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("%s, %v, %v", got, err, w.Header())
	}
}

func TestAPanicIsOneAnswerAndOneLine(t *testing.T) {
	s := newSite(t, server.Client(t), nil)
	w := s.get("/api/v1/queue/vm/panic")
	failed(t, w, http.StatusInternalServerError, internal, "something went wrong here")
	if n, _ := s.count("vmpooler_exporter_api_panics_total"); n != 1 {
		t.Errorf("%v panics counted", n)
	}
	if log := s.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, `route="GET /api/v1/queue/vm/{vm}"`) || !strings.Contains(log, "stack=") {
		t.Errorf("logged: %s", log)
	}
	if w := s.get("/api/v1/queue/vm/pix-a"); w.Code != http.StatusOK {
		t.Errorf("after it: %d", w.Code)
	}
}

// A panic in the handler itself, not in a shared reading.
func TestAPanicInAHandlerIsCaught(t *testing.T) {
	s := newSite(t, server.Client(t), func(_ *Options, l *live.Options) {
		l.Purge = func() purger.Status { panic("oh " + secret) }
	})
	w := s.get("/api/v1/queue/purge")
	failed(t, w, http.StatusInternalServerError, internal, "something went wrong here")
	holdsNoSecret(t, w.Body.String())
	if n, _ := s.count("vmpooler_exporter_api_panics_total"); n != 1 {
		t.Errorf("%v panics counted", n)
	}
}

// gate is an Explainer that waits.
type gate struct{ reached, letGo chan struct{} }

func (g gate) VM(ctx context.Context, _ string) (any, bool, error) {
	g.reached <- struct{}{}
	select {
	case <-g.letGo:
		return nil, false, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

func (g gate) Request(ctx context.Context, id string) (any, bool, error) { return g.VM(ctx, id) }

func TestWhoComesWhenItIsTooBusyIsToldToComeAgain(t *testing.T) {
	g := gate{make(chan struct{}), make(chan struct{})}
	s := newSite(t, server.Client(t), func(o *Options, _ *live.Options) { o.Explain, o.MaxRequests = g, 2 })
	var wg sync.WaitGroup
	for _, path := range []string{"/api/v1/queue/vm/a", "/api/v1/queue/request/a"} {
		wg.Go(func() { failed(t, s.get(path), http.StatusNotFound, notFound, `nothing is known of "a"`) })
		<-g.reached
	}
	w := s.get(healthPath)
	failed(t, w, http.StatusServiceUnavailable, unavailable, "too many requests are under way")
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("%v", w.Header())
	}
	close(g.letGo)
	wg.Wait()
	if w := s.get("/api/v1/openapi.json"); w.Code != http.StatusOK {
		t.Errorf("once there is room: %d", w.Code)
	}
}

func TestAnAnswerHasADeadline(t *testing.T) {
	own := testredis.New(t)
	c := newRedisClient(t, own, "")
	s := newSite(t, c, func(o *Options, _ *live.Options) { o.Timeout = 50 * time.Millisecond })
	if err := own.Freeze(); err != nil {
		t.Fatal(err)
	}
	defer own.Thaw()
	for _, path := range []string{"health", "dlq", "dlq/stats", "purge/history"} {
		failed(t, s.get("/api/v1/queue/"+path), http.StatusServiceUnavailable, unavailable, "Redis gave no answer")
	}
}

func TestAClientThatLeftIsCountedAndNeverToldThatAllIsWell(t *testing.T) {
	g := gate{make(chan struct{}, 1), make(chan struct{})}
	s := newSite(t, server.Client(t), func(o *Options, _ *live.Options) { o.Explain = g })
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/queue/vm/a", nil)
	w := httptest.NewRecorder()
	go func() {
		<-g.reached
		cancel()
	}()
	s.handler.ServeHTTP(w, r)
	failed(t, w, http.StatusServiceUnavailable, unavailable, "the client has gone") // it may read still
	if n, _ := s.count("vmpooler_exporter_api_requests_total", "code", "499", "route", "GET /api/v1/queue/vm/{vm}"); n != 1 {
		t.Errorf("%v counted", n)
	}
}

// A call that changes something needs a Guard that lets it pass.
func TestTheGuardHasTheLastWord(t *testing.T) {
	for name, tc := range map[string]struct {
		guard func(*http.Request) error
		code  int
		kind  errorType
		text  string
	}{
		"none":                 {nil, http.StatusForbidden, forbidden, "the admin API is off"},
		"an error":             {func(*http.Request) error { return errors.New("not an admin") }, http.StatusForbidden, forbidden, "not an admin"},
		"an error of its kind": {func(*http.Request) error { return refuse(unauthorized, "who are you?") }, http.StatusUnauthorized, unauthorized, "who are you?"},
		"nothing against it":   {func(*http.Request) error { return nil }, http.StatusOK, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{opts: newSite(t, server.Client(t), func(o *Options, _ *live.Options) { o.Guard = tc.guard }).opts.withDefaults(), slots: make(chan struct{}, 1)}
			called := false
			w := httptest.NewRecorder()
			a.serve(&route{method: http.MethodPost, pattern: "/x", admin: true, handle: func(w http.ResponseWriter, _ *http.Request, _ values) error {
				called = true
				return answer(w, nil)
			}}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x", nil))
			if called != (tc.code == http.StatusOK) {
				t.Errorf("called: %v", called)
			}
			if !called {
				failed(t, w, tc.code, tc.kind, tc.text)
			}
		})
	}
}

func TestTextsForATerminalAreHarmless(t *testing.T) {
	const hostile = "\x1b[31m\x7f\u009b\u202e\u2066<b>\U000E0001ok"
	doc, err := encode(map[string]string{"a": hostile})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"a":"\u001b[31m\u007f\u009b\u202e\u2066<b>\udb40\udc01ok"}` + "\n"; string(doc) != want {
		t.Errorf("%s, want %s", doc, want)
	}
	var back map[string]string
	if err := json.Unmarshal(doc, &back); err != nil || back["a"] != hostile {
		t.Errorf("%q, %v", back, err)
	}
}

func TestAnAPIWithoutItsPartsIsRefused(t *testing.T) {
	if h, err := New(Options{}); err == nil {
		t.Errorf("%v", h)
	}
}
