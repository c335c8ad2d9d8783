package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/collector"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const healthPath = "/api/v1/queue/health"

func TestHealthIsTheReport(t *testing.T) {
	c := server.Client(t)
	fill(t, c)
	s := newSite(t, c, nil)
	snap, err := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return now }}).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(map[string]any{"status": "success", "data": health.Evaluate(snap, nil, config.DefaultThresholds()).JSON(true)})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(parsed(t, want), parsed(t, s.get(healthPath).Body.Bytes())); d != "" {
		t.Errorf("(-report +answer):\n%s", d)
	}
}

func parsed(t *testing.T, doc []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	return v
}

func TestHealthIsNotSentAgainToWhoHasIt(t *testing.T) {
	c := server.Client(t)
	must(t, c, "SADD", vmpooler.KeyPools, "debian")
	at := now
	s := newSite(t, c, func(_ *Options, l *live.Options) {
		l.Now = func() time.Time { return at }
		l.Period = time.Second
		reader := vmpooler.NewReader(c, vmpooler.ReaderOptions{Now: func() time.Time { return at }})
		l.Source = collector.NewSource(reader, nil, config.DefaultThresholds(), 10*time.Second)
	})
	first := s.get(healthPath)
	tag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || tag == "" {
		t.Fatalf("%d, ETag %q", first.Code, tag)
	}
	strong := tag[len("W/"):]
	for header, code := range map[string]int{
		tag: http.StatusNotModified, strong: http.StatusNotModified, "*": http.StatusNotModified,
		`"other", ` + tag: http.StatusNotModified, `"other"`: http.StatusOK, "": http.StatusOK, `W/"other"`: http.StatusOK,
		tag[:len(tag)-2]: http.StatusOK,
	} {
		w := s.get(healthPath, "If-None-Match", header)
		if w.Code != code || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") != "no-store" || code == http.StatusNotModified && w.Body.Len() > 0 {
			t.Errorf("If-None-Match %q: %d, %v, %s", header, w.Code, w.Header(), w.Body)
		}
	}
	at = at.Add(time.Second) // read again: the same
	checked := func(w *httptest.ResponseRecorder) string {
		data, _ := parsed(t, w.Body.Bytes()).(map[string]any)["data"].(map[string]any)
		text, _ := data["checked_at"].(string)
		return text
	}
	if was, is := checked(first), checked(s.get(healthPath)); was == is || is == "" {
		t.Fatalf("both were read at %s", is)
	}
	if w := s.get(healthPath, "If-None-Match", tag); w.Code != http.StatusNotModified {
		t.Errorf("after another reading with the same result: %d", w.Code)
	}
	must(t, c, "SADD", vmpooler.Ready.Key("debian"), "pix-a")
	at = at.Add(time.Second)
	if w := s.get(healthPath, "If-None-Match", tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
		t.Errorf("after another VM: %d, %v", w.Code, w.Header())
	}
}

// Nothing wrong in a part of vmpooler is no all-clear, and something wrong in it is
// enough.
func TestHealthIsUnknownWhereWhatItDependsOnCouldNotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil []any
		want  string
	}{
		"no pools":                     {[]any{"DEL", vmpooler.KeyPools}, "there are no pools"},
		"a queue of another type":      {[]any{"SET", vmpooler.Pending.Key("debian"), "x"}, `the queue pending of the pool "debian"`},
		"dead letters of another type": {[]any{"SET", vmpooler.DLQKey("clone"), "x"}, `the dead letters of "clone" could not be counted`},
		"a queue that plays no part":   {[]any{"SET", vmpooler.Completed.Key("debian"), "x"}, ""},
		"nothing":                      {[]any{"PING"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			must(t, c, "SADD", vmpooler.KeyPools, "debian")
			must(t, c, tc.spoil...)
			w := newSite(t, c, nil).get(healthPath)
			if tc.want != "" {
				failed(t, w, http.StatusServiceUnavailable, unavailable, "the health is unknown: "+tc.want)
			} else if w.Code != http.StatusOK {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	c := server.Client(t)
	fill(t, c) // degraded
	must(t, c, "SET", vmpooler.Ready.Key("debian"), "x")
	if w := newSite(t, c, nil).get(healthPath); w.Code != http.StatusOK {
		t.Errorf("degraded, and a queue can't be read: %d %s", w.Code, w.Body)
	}
}

func TestWhenRedisIsAwayThatIsSaidWithoutItsPassword(t *testing.T) {
	own := testredis.New(t, testredis.WithArgs("--requirepass", secret),
		testredis.WithClient(func(o *redis.Options) { o.Password = secret }))
	c := newRedisClient(t, own, secret+"-wrong")
	s := newSite(t, c, nil)
	ask := func(want string) {
		t.Helper()
		for _, path := range []string{"health", "dlq", "dlq/stats", "dlq/export", "dlq/clone-1", "purge/history"} {
			w := s.get("/api/v1/queue/" + path)
			failed(t, w, http.StatusServiceUnavailable, unavailable, want)
			holdsNoSecret(t, w.Body.String())
		}
	}
	ask("Redis refused: ")
	if err := own.Kill(); err != nil {
		t.Fatal(err)
	}
	s = newSite(t, c, nil) // that has no error of before
	ask("Redis gave no answer: ")
	holdsNoSecret(t, s.log.String())
}
