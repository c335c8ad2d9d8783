package main

import (
	"encoding/json"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

func TestPurgeHistory(t *testing.T) {
	c := server.Client(t)
	stdout, stderr, code := command(t, "purge", "history", unixAddr(server))
	if code != 0 || stdout != "Nothing was purged.\n" || stderr != "" {
		t.Errorf("of nothing, code %d: %s%s", code, stdout, stderr)
	}
	staleState(t, c)
	doc, _, _ := purgeOutput(t, "--yes", quickly, "--target=pending", "--target=request")
	must(t, c, "XADD", purger.KeyAudit, "*", "entry", "no JSON\x1b")
	must(t, c, "XADD", purger.KeyAudit, "*", "entry", `{"at":"2026-11-23T09:59:30Z","who":"loop\u001b[31m","plan_id":"P","target":"ready","pool":"deb","vm":"pix-\u202ex","outcome":"applied"}`)
	for name, tc := range map[string]struct {
		args  []string
		lines int
		want  []string
	}{
		"all":       {nil, 6, []string{"TIME (UTC)", "pix-stuck-deb", requestOne, "command", doc.PlanID, "1 entry of the stream is no record"}},
		"a pool":    {[]string{"--pool=win"}, 3, []string{"pix-stuck-1"}},
		"a VM":      {[]string{"--vm=pix-stuck-2"}, 1, []string{"pending for 5h0m"}},
		"a request": {[]string{"--request=" + requestOne}, 1, []string{"waiting for 2d0h"}},
		"a plan":    {[]string{"--plan=P"}, 1, []string{`loop\x1b[31m`, `pix-\u202ex`}},
		"no one":    {[]string{"--plan=none"}, -1, []string{"Nothing was purged."}},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := command(t, append([]string{"purge", "history", unixAddr(server)}, tc.args...)...)
			if code != 0 || strings.Count(stdout, "\n")-1 != max(tc.lines, 0) || strings.ContainsAny(stdout, "\x1b\u202e") {
				t.Errorf("code %d: %q%s", code, stdout, stderr)
			}
			for _, want := range tc.want {
				if !strings.Contains(stdout+stderr, want) {
					t.Errorf("no %q in\n%s%s", want, stdout, stderr)
				}
			}
		})
	}

	var seen []string
	for cursor := ""; ; {
		args := []string{"purge", "history", "--output=json", "--limit=2", unixAddr(server)}
		if cursor != "" {
			args = append(args, "--cursor="+cursor)
		}
		stdout, stderr, code := command(t, args...)
		var page struct {
			Records []purger.Record `json:"records"`
			Next    string          `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(stdout), &page); err != nil || code != 0 {
			t.Fatal(err, stdout, stderr)
		}
		for _, r := range page.Records {
			seen = append(seen, r.VM+r.RequestID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	slices.Sort(seen)
	if len(seen) != 6 || len(slices.Compact(seen)) != 6 {
		t.Errorf("page by page: %v", seen)
	}

	stdout, _, code = command(t, "purge", "history", "--output=csv", unixAddr(server))
	if code != 0 || !strings.HasPrefix(stdout, "at,who,plan_id,") || strings.Count(stdout, "\r\n") != 7 {
		t.Errorf("code %d:\n%s", code, stdout)
	}
}

func TestPurgeHistoryMistakes(t *testing.T) {
	c := server.Client(t)
	must(t, c, "SADD", vmpooler.KeyPools, "deb")
	for _, tc := range []struct{ arg, want string }{
		{"--limit=0", "--limit must be from 1"},
		{"--limit=10001", "--limit must be from 1"},
		{"--cursor=next", "--cursor"},
		{"--cursor=1-", "--cursor"},
		{"--cursor=-1-1", "--cursor"},
		{"--cursor=99999999999999999999-1", "--cursor"},
		{"--output=yaml", "yaml"},
	} {
		if stdout, stderr, code := command(t, "purge", "history", tc.arg, unixAddr(server)); code != 1 || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: code %d, %s%s", tc.arg, code, stdout, stderr)
		}
	}
	must(t, c, "SET", purger.KeyAudit, "a string")
	if _, stderr, code := command(t, "purge", "history", unixAddr(server)); code != 1 || !strings.Contains(stderr, purger.KeyAudit+": WRONGTYPE") {
		t.Errorf("code %d: %s", code, stderr)
	}
}

// Flags of commands within a command are held against docs/purge.md here.
func TestDocsListEveryFlagOfPurgeWithItsDefault(t *testing.T) {
	want := make(map[string]string)
	for _, c := range newProgram(io.Discard, io.Discard).app.Model().Commands {
		if c.Name != "purge" {
			continue
		}
		for _, sub := range c.Commands {
			name := map[string]string{"run": "purge", "history": "purge history"}[sub.Name]
			for _, f := range sub.Flags {
				want[documentedFlag(f)+" of "+name] = strings.Join(f.Default, " ")
			}
		}
	}
	got := make(map[string]string)
	text := readDoc(t, "docs/purge.md")
	for _, row := range tableRows(text, "--") {
		for _, command := range codeSpans(row[1]) {
			got[codeSpans(row[0])[0]+" of "+command] = strings.Trim(row[2], "`")
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("documented: %v\nthere are:  %v", got, want)
	}
	for _, flag := range regexp.MustCompile("`--(?:\\[no-\\])?(?:purge|inventory)\\.[a-z.-]*[a-z]").FindAllString(text, -1) {
		if name := strings.TrimPrefix(strings.TrimPrefix(flag, "`--"), "[no-]"); newProgram(io.Discard, io.Discard).app.GetFlag(strings.TrimPrefix(name, "no-")) == nil {
			t.Errorf("docs/purge.md: there is no flag %s", flag)
		}
	}
}
