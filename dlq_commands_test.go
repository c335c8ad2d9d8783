package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// deadLetters writes n entries of a pool into a queue, a minute apart.
func deadLetters(t *testing.T, c *redis.Client, queue, pool string, n int) {
	t.Helper()
	for i := range n {
		vm := fmt.Sprintf("pix-%s-noun%d", queue, i)
		member, score := dlq.Encode(dlq.Entry{
			VM: vm, Pool: pool, QueueFrom: queue, ErrorClass: "Timeout",
			ErrorMessage: "No route to host - " + vm, FailedAt: time.Now().Add(-time.Duration(i+1) * time.Minute),
		})
		must(t, c, "ZADD", vmpooler.DLQKey(queue), score, member)
	}
}

// ids are those of a list's entries.
func ids(t *testing.T, args ...string) (ids []string, next string) {
	t.Helper()
	stdout, stderr, code := command(t, append([]string{"dlq", "list", "--output=json", unixAddr(server)}, args...)...)
	if code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	var page struct {
		Entries []struct {
			ID string `json:"id"`
		} `json:"entries"`
		NextCursor string `json:"next_cursor"`
	}
	if err := json.Unmarshal([]byte(stdout), &page); err != nil {
		t.Fatalf("%v:\n%s", err, stdout)
	}
	for _, e := range page.Entries {
		ids = append(ids, e.ID)
	}
	return ids, page.NextCursor
}

func TestDLQCommandsRead(t *testing.T) {
	c := server.Client(t)
	deadLetters(t, c, "clone", "debian", 3)
	deadLetters(t, c, "ready", "windows", 2)
	must(t, c, "ZADD", vmpooler.DLQKey("clone"), 1, "garbage\x1b[31m")
	must(t, c, "SET", vmpooler.DLQKey("pending"), "a string")
	entries, _ := ids(t)
	if len(entries) != 6 {
		t.Fatalf("%v", entries)
	}
	for name, tc := range map[string]struct {
		args           []string
		stdout, stderr []string
	}{
		"list":           {[]string{"list"}, []string{"TIME (UTC)", "pix-clone-noun2", "windows", "unreadable"}, []string{"1 unreadable member", "queue pending is no sorted set"}},
		"list, filtered": {[]string{"list", "--pool=windows", "--since=2d", "--error=ROUTE", "--limit=1"}, []string{"pix-ready-noun0"}, []string{"--cursor="}},
		"csv":            {[]string{"list", "--output=csv", "--queue=ready"}, []string{"id,queue,vm,", "pix-ready-noun1,windows,ready,Timeout"}, nil},
		"stats":          {[]string{"stats"}, []string{"5 dead letters of", "5×", "No route to host", "1 unreadable member"}, nil},
		"stats, json":    {[]string{"stats", "--output=json"}, []string{`"groups": [`, `"entries": 5`}, nil},
		"show":           {[]string{"show", entries[0]}, []string{"pix-", "MESSAGE", entries[0]}, nil},
		"show, json":     {[]string{"show", entries[0], "-o", "json"}, []string{`"id": "` + entries[0]}, nil},
		"export":         {[]string{"export", "--queue=clone"}, []string{`"unreadable":"`, `"vm":"pix-clone-noun0"`}, []string{"exported 4 dead letters, of them 1 unreadable"}},
		"empty":          {[]string{"list", "--queue=none"}, []string{"No dead letters."}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := command(t, append(append([]string{"dlq"}, tc.args...), unixAddr(server))...)
			if code != 0 || strings.ContainsRune(stdout, '\x1b') {
				t.Errorf("code %d: %q", code, stdout)
			}
			for _, want := range tc.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in\n%s", want, stdout)
				}
			}
			for _, want := range tc.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("no %q in stderr:\n%s", want, stderr)
				}
			}
		})
	}
	first, cursor := ids(t, "--limit=4")
	second, end := ids(t, "--limit=4", "--cursor="+cursor)
	if !slices.Equal(append(first, second...), entries) || end != "" {
		t.Errorf("pages %v and %v of %v", first, second, entries)
	}
}

func TestDLQDeleteRefuses(t *testing.T) {
	c := server.Client(t)
	deadLetters(t, c, "clone", "debian", 3)
	entries, _ := ids(t)
	for name, tc := range map[string]struct {
		args []string
		want string
		code int
	}{
		"nothing said":          {nil, "Give ids, or a filter", 1},
		"ids and a filter":      {[]string{entries[0], "--pool=debian"}, "not both", 1},
		"no terminal, no --yes": {[]string{entries[0]}, "give --yes", 1},
		"a filter, no terminal": {[]string{"--pool=debian", "--expect=3"}, "give --yes", 1},
		"a filter, no --expect": {[]string{"--pool=debian", "--yes"}, "--expect=3", 1},
		"too many":              {[]string{"--pool=debian", "--expect=2", "--yes"}, "matches 3 dead letters, not the 2 expected", 1},
		"a negative --expect":   {[]string{"--pool=debian", "--expect=-1", "--yes"}, "--expect", 1},
		"an unknown id":         {[]string{entries[0], "clone-000000000000", "--yes"}, "clone-000000000000", 1},
		"a wrong time":          {[]string{"--since=yesterday", "--yes"}, "--since", 1},
		"a dry run":             {[]string{entries[0], "--dry-run"}, "would delete 1 dead letter", 0},
		"a filter's dry run":    {[]string{"--pool=debian", "--dry-run"}, "would delete 3 dead letters", 0},
		"nothing matches":       {[]string{"--pool=none", "--expect=3", "--yes"}, "nothing to delete", 0},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.Dump(t.Context(), vmpooler.DLQKey("clone")).Val()
			stdout, stderr, code := command(t, append([]string{"dlq", "delete", unixAddr(server)}, tc.args...)...)
			if code != tc.code || !strings.Contains(stdout+stderr, tc.want) {
				t.Errorf("code %d: %s%s", code, stdout, stderr)
			}
			if after := c.Dump(t.Context(), vmpooler.DLQKey("clone")).Val(); after != before {
				t.Error("it changed something")
			}
		})
	}
}

func TestDLQDelete(t *testing.T) {
	c := server.Client(t)
	deadLetters(t, c, "clone", "debian", 3)
	entries, _ := ids(t)
	stdout, stderr, code := command(t, "dlq", "delete", entries[1], "--yes", unixAddr(server))
	if code != 0 || stdout != "deleted 1 dead letter\n" {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
	if left, _ := ids(t); !slices.Equal(left, []string{entries[0], entries[2]}) {
		t.Errorf("left: %v", left)
	}
	stdout, stderr, code = command(t, "dlq", "delete", "--queue=clone", "--expect=5", "--yes", unixAddr(server))
	if code != 0 || stdout != "deleted 2 dead letters\n" {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}

func TestDLQDeleteAsksOnATerminal(t *testing.T) {
	for answer, want := range map[string]int{"y\n": 0, "Yes\n": 0, "\n": 1, "n\n": 1, "": 1} {
		c := server.Client(t)
		deadLetters(t, c, "clone", "debian", 2)
		var out, errs buffer
		p := newProgram(&out, &errs)
		p.dlq.stdin, p.dlq.stdinTerminal = strings.NewReader(answer), func() bool { return true }
		err := p.run(t.Context(), []string{"dlq", "delete", "--pool=debian", "--expect=2", unixAddr(server)})
		left := c.ZCard(t.Context(), vmpooler.DLQKey("clone")).Val()
		if exitCode(err) != want || left != int64(2*want) || !strings.Contains(errs.String(), "Delete 2 dead letters? [y/N]") {
			t.Errorf("%q: %v, %d left, asked %q", answer, err, left, &errs)
		}
	}
}

func TestDLQMistakes(t *testing.T) {
	for _, args := range [][]string{
		{"list", "--limit=0"},
		{"list", "--limit=10001"},
		{"list", "--order=random"},
		{"list", "--cursor=next"},
		{"list", "--since=2h", "--until=3h"},
		{"list", "--until=x"},
		{"list", "--output=yaml"},
		{"show"},
		{"show", "clone-000000000000"},
	} {
		stdout, stderr, code := command(t, append(append([]string{"dlq"}, args...), unixAddr(server))...)
		if code != 1 || stdout != "" || stderr == "" {
			t.Errorf("%v: code %d, %s%s", args, code, stdout, stderr)
		}
	}
	_, stderr, code := command(t, "dlq", "list", "--redis.addr=127.0.0.1:1")
	if code != 1 || !strings.Contains(stderr, "127.0.0.1:1") {
		t.Errorf("without Redis: code %d, %s", code, stderr)
	}
}

// Flags of commands within a command are held against docs/dlq.md here.
func TestDocsListEveryDLQFlagWithItsDefault(t *testing.T) {
	want := make(map[string]string)
	for _, c := range newProgram(io.Discard, io.Discard).app.Model().Commands {
		if c.Name != "dlq" {
			continue
		}
		for _, sub := range c.Commands {
			for _, f := range sub.Flags {
				want[f.Name+" of "+sub.Name] = strings.Join(f.Default, " ")
			}
		}
	}
	got := make(map[string]string)
	for _, row := range tableRows(readDoc(t, "docs/dlq.md"), "--") {
		name := strings.TrimPrefix(codeSpans(row[0])[0], "--")
		name = strings.TrimPrefix(name, "[no-]")
		for _, sub := range codeSpans(row[1]) {
			got[name+" of "+sub] = strings.Trim(row[2], "`")
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("documented: %v\nthere are:  %v", got, want)
	}
}
