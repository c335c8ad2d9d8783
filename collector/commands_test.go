package collector

import (
	"bufio"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// signature is how a command is called: its positional arguments (-1 for any
// number), then its options, each with how many values follow it.
type signature struct {
	positional int
	options    map[string]int
}

// known62 is what Redis 6.2 knows of the commands that a scrape or a sweep may
// send, with the options that they may have: redis.io's command reference,
// where each command and option says since when it is there.
var known62 = map[string]signature{
	"time": {}, "smembers": {positional: 1}, "hgetall": {positional: 1}, "get": {positional: 1},
	"zcard": {positional: 1}, "scard": {positional: 1}, "hget": {positional: 2}, "hmget": {positional: -1}, "pttl": {positional: 1},
	"zrange": {3, map[string]int{"withscores": 0}},
	"scan":   {1, map[string]int{"match": 1, "count": 1}},
	"sort":   {1, map[string]int{"by": 1, "get": 1}}, // without STORE: it writes nothing
	"hello":  {1, map[string]int{"auth": 2, "setname": 1}}, "auth": {positional: -1}, "select": {positional: 1},
}

// newer is what only newer servers know; each has a way round it, which
// TestEachWayToReadTheQueuesSaysTheSame tests.
var newer = []string{"sort_ro"}

func TestOnlyCommandsAndOptionsOf62AreSent(t *testing.T) {
	for name, args := range map[string][]string{
		"7":                        nil,
		"6.2":                      {"--rename-command", "SORT_RO", ""},
		"neither SORT nor SORT_RO": {"--rename-command", "SORT_RO", "", "--rename-command", "SORT", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := testredis.New(t, testredis.WithArgs(args...))
			c := s.Client(t)
			if err := testredis.CaptureHard().Replay(t.Context(), c, 255, 0); err != nil {
				t.Fatal(err)
			}
			m := startMonitor(t, s.Socket)
			b := newBench(t, client(t, unix(s.Socket)), benchOptions{sweep: true})
			want(t, b.scrape(), map[string]string{"vmpooler_up": "1", success("queues"): "1", success("orphans"): "1"})
			sent := m.stop(c)
			for _, words := range sent {
				checkKnown(t, words)
			}
			for _, must := range []string{"scan", "hmget", "pttl", "smembers", "zrange"} {
				if !slices.ContainsFunc(sent, func(w []string) bool { return w[0] == must }) {
					t.Errorf("no %s was seen: does the monitor work?", must)
				}
			}
		})
	}
}

// checkKnown holds one command against the lists.
func checkKnown(t *testing.T, words []string) {
	t.Helper()
	if slices.Contains(newer, words[0]) {
		return
	}
	sig, ok := known62[words[0]]
	if !ok {
		t.Errorf("%s is not among the commands of 6.2 that a scrape may send", strings.ToUpper(words[0]))
		return
	}
	if sig.positional < 0 {
		return
	}
	if len(words)-1 < sig.positional {
		t.Errorf("%v: too few arguments", words)
		return
	}
	for rest := words[1+sig.positional:]; len(rest) > 0; {
		values, ok := sig.options[strings.ToLower(rest[0])]
		if !ok || len(rest) <= values {
			t.Errorf("%v: 6.2 does not know %q here", words, rest[0])
			return
		}
		if n, err := strconv.Atoi(rest[values]); strings.EqualFold(rest[0], "count") && (err != nil || n > 1000) {
			t.Errorf("%v would block Redis for long", words)
		}
		rest = rest[1+values:]
	}
}

// monitor records every command that a server is sent.
type monitor struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func startMonitor(t *testing.T, socket string) *monitor {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	m := &monitor{t: t, conn: conn, r: bufio.NewReader(conn)}
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		t.Fatal(err)
	}
	if line, err := m.r.ReadString('\n'); line != "+OK\r\n" {
		t.Fatalf("MONITOR: %q, %v", line, err)
	}
	return m
}

// stop returns the commands so far, each with its name in lower case first.
func (m *monitor) stop(c *redis.Client) (sent [][]string) {
	m.t.Helper()
	const end = "the end of the monitor"
	must(m.t, c, "ECHO", end)
	for {
		line, err := m.r.ReadString('\n')
		if err != nil {
			m.t.Fatal(err)
		}
		words := quotedWords(m.t, line)
		if len(words) == 2 && words[1] == end {
			return sent
		}
		words[0] = strings.ToLower(words[0])
		sent = append(sent, words)
	}
}

// quotedWords reads a line of the form +<time> [<db> <client>] "word" "word".
func quotedWords(t *testing.T, line string) (words []string) {
	t.Helper()
	for rest := line; ; {
		i := strings.IndexByte(rest, '"')
		if i < 0 {
			return words
		}
		quoted, err := strconv.QuotedPrefix(rest[i:])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%q: %v", quoted, err)
		}
		words = append(words, word)
		rest = rest[i+len(quoted):]
	}
}
