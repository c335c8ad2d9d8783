package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/version"
)

// answer is what a handler answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// get asks a handler for a page; header is keys and values in turn.
func get(tb testing.TB, h http.Handler, address string, header ...string) answer {
	tb.Helper()
	return ask(tb, h, http.MethodGet, address, nil, header...)
}

func ask(tb testing.TB, h http.Handler, method, address string, form url.Values, header ...string) answer {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, address, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func downScene() *scene {
	s := troubledScene()
	s.err = errors.New("dial tcp 10.0.0.5:6379: connect: connection refused")
	return s
}

func neverScene() *scene {
	s := downScene()
	s.view = nil
	return s
}

func TestPagesAreAsTheyWere(t *testing.T) {
	version.Version, version.Revision, version.GoVersion = "1.0.0", "abcdef", "go1.26"
	for name, c := range map[string]struct {
		scene   *scene
		address string
		admin   bool
	}{
		"no-pools":        {newScene(), "/", false},
		"healthy":         {healthyScene(), "/", false},
		"troubled":        {troubledScene(), "/", false},
		"troubled-admin":  {troubledScene(), "/", true},
		"redis-is-down":   {downScene(), "/", false},
		"nothing-known":   {neverScene(), "/", false},
		"filtered":        {troubledScene(), "/?filter=problems&sort=name&pool=win", false},
		"dead-letters":    {troubledScene(), "/dlq?pool=win-2022-x86_64&since=2h", true},
		"kinds":           {troubledScene(), "/dlq/kinds", false},
		"pool":            {troubledScene(), "/pool/win-2022-x86_64", false},
		"pool-completed":  {troubledScene(), "/pool/centos-7-x86_64?queue=completed", false},
		"pool-redis-down": {downScene(), "/pool/debian-12-x86_64?queue=ready", false},
		"not-found":       {troubledScene(), "/find?q=WIN", false},
		"purge":           {troubledScene(), "/purge", false},
		"vm":              {troubledScene(), "/vm/quiet-otter", false},
		"request":         {troubledScene(), "/request/7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11", false},
		"bad-parameter":   {troubledScene(), "/?order=worst", false},
		"unknown-page":    {troubledScene(), "/nowhere", false},
		"unknown-machine": {troubledScene(), "/vm/no-such", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{}
			var header []string
			if c.admin {
				o.Admin, o.IsAdmin, header = &fakeAdmin{}, admins, []string{"X-Test-User", "ops"}
			}
			page := get(t, c.scene.handler(o), c.address, header...).body
			golden(t, name+".html", page)
		})
	}
}

// assetHash is the hash in an asset's name, which is no part of the golden files: a
// change of the style changes no page.
var assetHash = regexp.MustCompile(`(/assets/[a-z-]+)-[0-9a-f]{12}\.`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = assetHash.ReplaceAllString(got, "$1-HASH.")
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is another (-want +got); -update writes it anew:\n%s", file, diff)
	}
}

func TestVerdictSaysWhyInWords(t *testing.T) {
	page := get(t, troubledScene().handler(Options{}), "/").body
	contains(t, page, "<title>unhealthy: 1,204 dead letters, limit 1,000",
		"61 VMs stuck for over 2h, limit 50", `<a href="/pool/win-2022-x86_64"><bdi>win-2022-x86_64</bdi></a> has 61`, "has 141 pending, limit 100",
		`<bdi>redhat-9-x86_64</bdi></a> has just lost most of its VMs`, "on-demand requests lost: 1", "empty in ≈\u00a012m")
	if strings.Contains(page, "hunter2") {
		t.Error("the page has Redis' password")
	}
}

func TestStatusOfAnswers(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for address, want := range map[string]int{
		"/": 200, "/?sort=name&filter=empty&pool=win&page=1": 200, "/?page=9999": 200,
		"/?sort=size": 400, "/?filter=x": 400, "/?page=0": 400, "/?page=01": 400, "/?page=x": 400, "/?page=10001": 400,
		"/?sort=name&sort=name": 400, "/?colour=red": 400, "/?pool=" + long: 400, "/?%zz": 400, "/?a;b": 400,
		"/dlq": 200, "/dlq?queue=clone&order=oldest&limit=200&until=2026-11-23": 200,
		"/dlq?limit=201": 400, "/dlq?since=yesterday": 400, "/dlq?since=1h&until=2h": 400, "/dlq?cursor=x": 400, "/dlq?order=best": 400, "/dlq?sort=x": 400,
		"/purge": 200, "/purge?page=2": 200, "/purge?page=-1": 400, "/purge?x=1": 400,
		"/vm/quiet-otter": 200, "/vm/quiet-otter?x=1": 400, "/vm/none": 404, "/vm/": 404, "/vm/" + long: 404, "/vm/a/b": 404,
		"/dlq/kinds": 200, "/dlq/kinds?page=2": 200, "/dlq/kinds?page=0": 400, "/dlq/kinds?error=x": 400, "/dlq/": 404,
		"/pool/win-2022-x86_64": 200, "/pool/win-2022-x86_64?queue=running&page=3": 200, "/pool/win-2022-x86_64?queue=stuck": 400,
		"/pool/win-2022-x86_64?page=0": 400, "/pool/none": 404, "/pool/": 404, "/pool/" + long: 404,
		"/find": 400, "/find?q=": 400, "/find?q=%20": 400, "/find?name=x": 400, "/find?q=" + long: 400, "/find?q=none": 404, "/find?q=..": 404,
		"/find?q=quiet-otter": 303,
		"/request/none":       404, "/nowhere": 404, "/assets/page.css": 404, "/index.html": 404, "/admin/": 404,
	} {
		got := get(t, troubledScene().handler(Options{}), address)
		if got.status != want {
			t.Errorf("%.60s: %d, want %d", address, got.status, want)
		}
		if want == http.StatusSeeOther {
			continue
		}
		if !strings.HasPrefix(got.body, "<!doctype html>") || !strings.HasSuffix(got.body, "</html>\n") {
			t.Errorf("%.60s: not a whole page", address)
		}
	}
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	h := troubledScene().handler(Options{})
	for _, address := range []string{"/", "/dlq", "/nowhere", "/?x=1", "/admin/purge/plan"} {
		got := get(t, h, address)
		for key, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := got.header.Get(key); got != want {
				t.Errorf("%s: %s is %q, want %q", address, key, got, want)
			}
		}
	}
}

func TestPagesHaveNothingInline(t *testing.T) {
	h := troubledScene().handler(Options{Admin: &fakeAdmin{}, IsAdmin: admins})
	for _, address := range []string{"/", "/dlq", "/dlq/kinds", "/purge", "/vm/quiet-otter", "/pool/win-2022-x86_64", "/nowhere"} {
		page := get(t, h, address, "X-Test-User", "ops").body
		for _, inline := range []string{" style=", "<style", " onclick", " onload", "javascript:", "<script>", "http://", "https://"} {
			if strings.Contains(page, inline) {
				t.Errorf("%s has %q", address, inline)
			}
		}
	}
}

func TestAssetsAreKeptForEverByTheirHash(t *testing.T) {
	h := troubledScene().handler(Options{})
	if len(h.assets.byPath) != 6 {
		t.Errorf("%d assets", len(h.assets.byPath))
	}
	page := get(t, h, "/").body
	for address := range h.assets.byPath {
		got := get(t, h, address)
		if got.status != http.StatusOK || got.body == "" || got.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d, %v", address, got.status, got.header)
		}
		if !strings.Contains(address, "icon") {
			contains(t, page, address)
		}
	}
}

func TestReadingPagesTakeGetAndHeadAlone(t *testing.T) {
	h := troubledScene().handler(Options{})
	for _, address := range []string{"/", "/dlq", "/dlq/kinds", "/purge", "/vm/quiet-otter", "/pool/win-2022-x86_64"} {
		got := ask(t, h, http.MethodPost, address, url.Values{})
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d, %q", address, got.status, got.header.Get("Allow"))
		}
		if got := ask(t, h, http.MethodHead, address, nil); got.status != http.StatusOK {
			t.Errorf("HEAD %s: %d", address, got.status)
		}
	}
}

func TestPageIsCompressedForWhoTakesIt(t *testing.T) {
	got := get(t, manyScene().handler(Options{}), "/", "Accept-Encoding", "gzip")
	if got.header.Get("Content-Encoding") != "gzip" {
		t.Fatal("it is not compressed")
	}
	r, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("200 pools: %d bytes, %d compressed", len(page), len(got.body))
}

func TestRedisDownIsShownWithWhatWasKnown(t *testing.T) {
	got := get(t, downScene().handler(Options{}), "/")
	if got.status != http.StatusOK {
		t.Errorf("status %d", got.status)
	}
	contains(t, got.body, "unknown: Redis does not answer", "connection refused", "It was unhealthy 1s ago", "win-2022-x86_64")
	got = get(t, neverScene().handler(Options{}), "/")
	if got.status != http.StatusOK {
		t.Errorf("status %d", got.status)
	}
	contains(t, got.body, "unknown: Redis does not answer", "Nothing could be read of any pool yet.", "health_thresholds.dlq_max_critical")
	contains(t, get(t, downScene().handler(Options{}), "/pool/win-2022-x86_64").body, "connection refused", "This is how it was 1s ago")
	if got := get(t, neverScene().handler(Options{}), "/pool/win-2022-x86_64"); got.status != http.StatusServiceUnavailable {
		t.Errorf("a pool of which nothing is known: status %d", got.status)
	}
	got = get(t, downScene().handler(Options{}), "/dlq")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("status %d, %v", got.status, got.header)
	}
	contains(t, got.body, "connection refused")
}

func TestPanicIsAPageAndALogLine(t *testing.T) {
	var logged bytes.Buffer
	h := troubledScene().handler(Options{Logger: log.NewLogfmtLogger(&logged)})
	h.opts.Stories = nil
	got := get(t, h, "/vm/x")
	contains(t, logged.String(), "a page panicked", "path=/vm/x")
	if got.status != http.StatusInternalServerError {
		t.Errorf("status %d", got.status)
	}
	contains(t, got.body, "Something went wrong")
}

func TestWhoHungUpIsNotAnswered(t *testing.T) {
	s := downScene()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	s.handler(Options{}).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/dlq", nil))
	if w.Body.Len() != 0 {
		t.Error("there was an answer")
	}
}

func TestPageOf200PoolsIsSmallAndQuick(t *testing.T) {
	h := manyScene().handler(Options{})
	get(t, h, "/")
	began := time.Now()
	const rounds = 5
	var page string
	for range rounds {
		page = get(t, h, "/").body
	}
	took := time.Since(began) / rounds
	t.Logf("200 pools: %d bytes, %v", len(page), took)
	if len(page) > 100_000 {
		t.Errorf("%d bytes, more than 100 KB", len(page))
	}
	if took > 100*time.Millisecond {
		t.Errorf("rendered in %v, more than 100 ms", took)
	}
}

func BenchmarkPageOf200Pools(b *testing.B) {
	h := manyScene().handler(Options{})
	for b.Loop() {
		get(b, h, "/")
	}
}

func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
