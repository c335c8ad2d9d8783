package api

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// teller is the real Explainer.
type teller struct{ deps explain.Deps }

func newTeller(c redis.UniversalClient) teller {
	return teller{explain.Deps{
		Client: c, Settings: &config.Settings{}, Reader: vmpooler.NewReader(c, vmpooler.ReaderOptions{}),
	}}
}

func (e teller) VM(ctx context.Context, name string) (any, bool, error) {
	r, err := explain.VM(ctx, e.deps, name)
	return r, err == nil && r.Known, err
}

func (e teller) Request(ctx context.Context, id string) (any, bool, error) {
	r, err := explain.Request(ctx, e.deps, id)
	return r, err == nil && r.Known, err
}

// address is where the examples find the exporter. One of another address shows what
// only a set-up of its own allows, and is not run.
const address = "http://localhost:10124/"

// curls are the calls of curl in the fenced blocks of a page.
func curls(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	fenced := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		} else if fenced && strings.HasPrefix(line, "curl ") && strings.Contains(line, address) {
			lines = append(lines, line)
		}
	}
	return lines
}

// The examples are run as they stand, but for the address.
func TestTheExamplesWork(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatalf("the examples need curl (apt-get install curl): %v", err)
	}
	c := server.Client(t)
	fill(t, c)
	must(t, c, "SADD", vmpooler.Pending.Key("debian"), "pix-dusty-elm")
	must(t, c, "HSET", vmpooler.VMKey("pix-dusty-elm"), "pool", "debian", "clone", vmpooler.FormatTime(now), "token:token", secret)
	letters(t, c, dlq.Entry{VM: "pix-dusty-elm", Pool: "debian", QueueFrom: "clone", ErrorClass: "RuntimeError", ErrorMessage: "no room", FailedAt: now})
	h := newSite(t, c, func(o *Options, _ *live.Options) { o.Explain = newTeller(c) }).listen()
	wanted := map[string]int{"README.md": 3, "docs/api.md": 5}
	for page, n := range wanted {
		lines := curls(t, page)
		if len(lines) != n {
			t.Errorf("%s has %d examples, want %d", page, len(lines), n)
		}
		for _, line := range lines {
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, address, h.URL+"/"))
			cmd.Dir = dir
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%s: %s: %v\n%s%s", page, line, err, out, &stderr)
			}
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files { // what -o wrote
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, text...)
			}
			if !bytes.Contains(out, []byte(`{"status":"success","data":`)) && !bytes.HasPrefix(out, []byte(`{"id":"clone-`)) {
				t.Errorf("%s: %s: %s", page, line, out)
			}
			holdsNoSecret(t, string(out))
		}
	}
}

// What the real Explainer says is as it is described.
func TestExplanationsAreAsDescribed(t *testing.T) {
	c := server.Client(t)
	fill(t, c)
	must(t, c, "SADD", vmpooler.Running.Key("debian"), "pix-x") // of the purge's history
	must(t, c, "HSET", vmpooler.VMKey("pix-x"), "pool", "debian", "clone", vmpooler.FormatTime(now), "clone_time", "2.5",
		"checkout", vmpooler.FormatTime(now), "lifetime", "12", "token:token", secret, "token:user", "jane", "request_id", "r1", "pool_alias", "deb")
	must(t, c, "SADD", vmpooler.RequestVMsKey("r1", "debian", "debian"), "pix-x")
	s := newSite(t, c, func(o *Options, _ *live.Options) { o.Explain = newTeller(c) })
	for path, code := range map[string]int{
		"vm/pix-0": 200, "vm/pix-0.example.com": 200, "vm/pix-b": 200, "vm/pix-x": 200, "vm/pix-none": 404,
		"request/r1": 200, "request/r0": 200, "request/none": 404,
	} {
		w := s.get("/api/v1/queue/" + path)
		if w.Code != code {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		holdsNoSecret(t, w.Body.String())
	}
}
