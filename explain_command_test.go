package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const plantedToken = "planted4rtoken7zz9secret"

func TestExplain(t *testing.T) {
	c := server.Client(t)
	now := time.Now().UTC()
	began := vmpooler.FormatTime(now.Add(-90 * time.Second))
	must(t, c, "SADD", vmpooler.KeyPools, "deb")
	must(t, c, "SADD", vmpooler.Pending.Key("deb"), "pix-one", "both")
	for _, vm := range []string{"pix-one", "both"} {
		must(t, c, "HSET", vmpooler.VMKey(vm), "pool", "deb", "clone", began, "clone_time", "3.5", "domain", "example.com", "token:token", plantedToken)
	}
	must(t, c, "HSET", vmpooler.RequestKey("both"), "requested", "deb-64:deb:2", "status", "failed", "token:token", plantedToken)
	must(t, c, "HSET", "vmpooler__token__"+plantedToken, "user", "ada")
	member, score := dlq.Encode(dlq.Entry{VM: "pix-gone\x1b[31m", Pool: "deb", QueueFrom: "clone", ErrorClass: "X", ErrorMessage: "no\x1bspace", FailedAt: now})
	must(t, c, "ZADD", vmpooler.DLQKey("clone"), fmt.Sprint(score), member)

	for name, tc := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"a VM": {
			[]string{"pix-one"},
			0,
			[]string{"VM pix-one\n", "where      pending of deb for 1m3", "its pool's timeout of 15m", "clone began", "cloned, which took 3s"},
		},
		"a VM with its domain": {[]string{"pix-one.example.com"}, 0, []string{"VM pix-one\n"}},
		"a VM that is gone":    {[]string{"pix-gone\x1b[31m"}, 0, []string{`VM pix-gone\x1b[31m`, `no\x1bspace`, "Only what is told of it here is left."}},
		"a request":            {[]string{"both", "-o", "json"}, 0, []string{`"kind": "vm"`, `"kind": "request"`, `"status": "failed"`}},
		"a name that is both":  {[]string{"both"}, 0, []string{"VM both\n", "\n\nOn-demand request both\n", "`dlq requeue` puts it back"}},
		"nobody":               {[]string{"pix-none\x1b"}, 1, []string{`nothing is known of "pix-none\x1b": it is no VM or request`}},
		"nobody, as JSON":      {[]string{"pix-none", "--output=json"}, 1, []string{`"reports": []`, "nothing is known"}},
		"the pool's timeout":   {[]string{"pix-one", "--config.file=" + explainConfig(t, ":pools: [{name: deb, timeout: 30}]\n")}, 0, []string{"timeout of 30m"}},
		"the purge's say": {
			[]string{"pix-one", "--config.file=" + explainConfig(t, ":config: {purge_enabled: true}\n:pools: [{name: deb, timeout: 1}]\n")},
			0,
			[]string{"timeout of 1m has been over for 3", "The purge takes it out of pending in 1h58m"},
		},
		"a purge that is off for it": {
			[]string{"pix-one", "--no-purge.target.pending", "--config.file=" + explainConfig(t, ":config: {purge_enabled: true}\n:pools: [{name: deb, timeout: 1}]\n")},
			0,
			[]string{"at its next look, and destroys it.\n"},
		},
		"no name":     {nil, 1, []string{"required argument 'name'"}},
		"empty":       {[]string{""}, 1, []string{"the name is empty"}},
		"yaml":        {[]string{"pix-one", "-o", "yaml"}, 1, []string{"yaml"}},
		"a dead port": {[]string{"pix-one", "--redis.addr=127.0.0.1:1"}, 1, []string{"127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"explain"}, tc.args...)
			if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--redis.addr") }) {
				args = append(args, unixAddr(server))
			}
			stdout, stderr, code := command(t, args...)
			if code != tc.code {
				t.Errorf("code %d", code)
			}
			for _, want := range tc.want {
				if !strings.Contains(stdout+stderr, want) {
					t.Errorf("no %q in\n%s%s", want, stdout, stderr)
				}
			}
			if strings.Contains(stdout+stderr, plantedToken) || strings.ContainsRune(stdout+stderr, '\x1b') {
				t.Errorf("told: %q", stdout+stderr)
			}
		})
	}

	stdout, _, _ := command(t, "explain", "both", "--output=json", unixAddr(server))
	var doc struct {
		Name    string `json:"name"`
		Reports []struct {
			Kind, Name, Next string
			Known            bool
			Warnings         []string
		} `json:"reports"`
	}
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil || doc.Name != "both" || len(doc.Reports) != 2 || !doc.Reports[0].Known || doc.Reports[1].Next == "" {
		t.Errorf("%v: %+v", err, doc)
	}

	must(t, c, "SET", vmpooler.VMKey("odd"), "x")
	_, stderr, code := command(t, "explain", "odd", unixAddr(server))
	if code != 1 || !strings.Contains(stderr, "The key vmpooler__vm__odd is no hash.") {
		t.Errorf("what could not be read, code %d: %s", code, stderr)
	}
	must(t, c, "SADD", vmpooler.Completed.Key("deb"), "odd")
	if stdout, _, code := command(t, "explain", "odd", unixAddr(server)); code != 0 || !strings.Contains(stdout, "is no hash") {
		t.Errorf("code %d: %s", code, stdout)
	}
}

// explainConfig writes a vmpooler.yaml and returns its path.
func explainConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vmpooler.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Nothing is ever written: the whole database is the same afterwards.
func TestExplainOnlyReads(t *testing.T) {
	c := server.Client(t)
	staleState(t, c)
	before := dump(t, c)
	names := []string{requestOne, "pix-stuck-1", "pix-stuck-deb"}
	for _, name := range names {
		if _, stderr, code := command(t, "explain", name, unixAddr(server)); code != 0 {
			t.Fatal(name, stderr)
		}
	}
	if after := dump(t, c); !maps.Equal(before, after) {
		t.Error("something was written")
	}
}

// The flag of the command has its row in docs/flags.md, with its default.
func TestDocsListTheFlagOfExplain(t *testing.T) {
	cmd := newProgram(io.Discard, io.Discard).app.GetCommand("explain")
	for _, f := range cmd.Model().Flags {
		if row := fmt.Sprintf("| `explain` | `--%s` | `%s` |", f.Name, strings.Join(f.Default, " ")); !strings.Contains(readDoc(t, "docs/flags.md"), row) {
			t.Errorf("no row begins with %s", row)
		}
	}
}
