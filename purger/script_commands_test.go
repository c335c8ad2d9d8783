package purger

import (
	"bufio"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// known62 are the calls of the purge's scripts and of the lease's that Redis 6.2
// knows, by redis.io's command reference: how many words may follow the command at
// most, and which of them are options.
var known62 = map[string]struct {
	words   int
	options []string
}{
	"get": {1, nil}, "type": {1, nil}, "time": {0, nil}, "pttl": {1, nil}, "del": {1, nil}, "incr": {1, nil},
	"exists": {1, nil}, "smembers": {1, nil}, "sismember": {2, nil}, "srem": {2, nil}, "smove": {3, nil},
	"hget": {2, nil}, "hdel": {3, nil}, "hsetnx": {3, nil},
	"expire": {2, nil}, "pexpire": {2, nil}, // with two words: their options came with 7.0
	"zscore": {2, nil}, "zrange": {3, nil}, "zrem": {2, nil},
	"zadd": {5, []string{"nx", "xx", "incr"}},
	"set":  {5, []string{"xx", "px"}},
}

// documentedACL is what check-redis prints for an exporter that writes.
func documentedACL(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../internal/cli/testdata/checkredis/all-possible.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "ACL SETUSER") && strings.Contains(line, "~vmpooler_exporter__*") {
			return strings.Fields(line)
		}
	}
	t.Fatal("no ACL line for writing")
	return nil
}

// Every call of every script on its happy path, as the server saw it: known to 6.2,
// permitted by the ACL line of the documentation, and none of those that write
// is given a queue of users. The request's script has nothing to do with VMs.
func TestWhatTheScriptsCall(t *testing.T) {
	c := server.Client(t)
	seen, permitted := make(map[string]bool), documentedACL(t)
	for _, k := range kinds() {
		c.FlushAll(t.Context())
		s := newScene(t, c, c, k)
		p := s.plan()
		m := startMonitor(t, server)
		l := lease.New(c, lease.KeyPurge+"__test", "a", time.Minute, nil)
		for range 2 {
			if ok, err := l.Acquire(t.Context()); !ok || err != nil {
				t.Fatal(err)
			}
		}
		s.applied(p)
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, words := range m.scriptCalls() {
			name := strings.ToLower(words[0])
			seen[name] = true
			known, ok := known62[name]
			if !ok || len(words)-1 > known.words && name != "exists" { // of any number of keys
				t.Errorf("%v: %q is not among what 6.2 knows", k, words)
			}
			if name == "set" || name == "zadd" {
				for _, word := range words[2:] {
					if isOption := strings.ToUpper(word) == word && len(word) > 1 && word[0] >= 'A' && word[0] <= 'Z'; isOption && !slices.Contains(known.options, strings.ToLower(word)) {
						t.Errorf("%v: %q: %s is no option of 6.2", k, words, word)
					}
				}
			}
			if !slices.Contains(permitted, "+"+name) {
				t.Errorf("%s is not in the documented permissions", name)
			}
			for _, key := range words[1:] {
				forUsers := strings.HasPrefix(key, "vmpooler__running__") || strings.HasPrefix(key, "vmpooler__discovered__") ||
					strings.HasPrefix(key, "vmpooler__migrating__")
				if forUsers && name != "sismember" && name != "exists" {
					t.Errorf("%v: %q", k, words)
				}
				if k.target == Request && (strings.HasPrefix(key, "vmpooler__vm__") || forUsers) {
					t.Errorf("%v: %q has nothing to do with a request", k, words)
				}
			}
		}
	}
	for name := range known62 {
		if !seen[name] {
			t.Errorf("no %s was seen: does the monitor work?", name)
		}
	}
}

// monitor records what a server is sent, and what scripts call there.
type monitor struct {
	tb   testing.TB
	s    *testredis.Server
	conn net.Conn
	r    *bufio.Reader
	at   time.Time // of the command that each is at, by the server's clock
}

func startMonitor(tb testing.TB, s *testredis.Server) *monitor {
	tb.Helper()
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	m := &monitor{tb: tb, s: s, conn: conn, r: bufio.NewReaderSize(conn, 1<<20)}
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		tb.Fatal(err)
	}
	if line, err := m.r.ReadString('\n'); line != "+OK\r\n" {
		tb.Fatalf("MONITOR: %q, %v", line, err)
	}
	return m
}

const monitorEnd = "the end of the monitor"

// end makes the last line of what is recorded.
func (m *monitor) end() {
	m.tb.Helper()
	c := m.s.NewClient()
	defer c.Close()
	if err := c.Echo(m.tb.Context(), monitorEnd).Err(); err != nil {
		m.tb.Fatal(err)
	}
}

// each calls f with every command until the end, and whether a script called it.
func (m *monitor) each(f func(words []string, script bool)) {
	m.tb.Helper()
	for {
		line, err := m.r.ReadString('\n')
		if err != nil {
			m.tb.Error(err)
			return
		}
		words, script := quotedWords(line), strings.Contains(line[:min(len(line), 40)], " lua]")
		if len(words) == 2 && words[1] == monitorEnd {
			return
		}
		if len(words) > 0 {
			stamp, _, _ := strings.Cut(line[1:], " ")
			seconds, _ := strconv.ParseFloat(stamp, 64)
			m.at = time.UnixMicro(int64(seconds * 1e6))
			f(words, script)
		}
	}
}

// scriptCalls returns what scripts have called until now.
func (m *monitor) scriptCalls() (calls [][]string) {
	m.end()
	m.each(func(words []string, script bool) {
		if script {
			calls = append(calls, words)
		}
	})
	return calls
}

// quotedWords reads a line of the form +<time> [<db> <client>] "word" "word".
func quotedWords(line string) (words []string) {
	for rest := line; ; {
		i := strings.IndexByte(rest, '"')
		if i < 0 {
			return words
		}
		quoted, err := strconv.QuotedPrefix(rest[i:])
		if err != nil {
			return words
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return words
		}
		words = append(words, word)
		rest = rest[i+len(quoted):]
	}
}
