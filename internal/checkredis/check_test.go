package checkredis

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

func TestOfAFilledServer(t *testing.T) {
	c := shared.Client(t)
	if err := testredis.CaptureHard().Replay(t.Context(), c, 300, 0); err != nil {
		t.Fatal(err)
	}
	r := check(t, as(t, shared, "", 0))
	want := &Report{
		Address: shared.Socket, Needs: Needs{Write: true}, Version: Version{"Redis", r.Version.Number}, Role: Master,
		User: "default", Pools: int(c.SCard(t.Context(), "vmpooler__pools").Val()),
		Read: Read{Fast: "SORT_RO"}, Write: Write{State: Possible}, ACL: r.ACL,
	}
	if d := cmp.Diff(want, r); d != "" || len(r.ACL) != 3 || r.Pools == 0 {
		t.Error(d)
	}
}

func TestNothingIsWritten(t *testing.T) {
	s := testredis.New(t)
	admin := s.Client(t)
	if err := testredis.CaptureHard().Replay(t.Context(), admin, 300, 0); err != nil {
		t.Fatal(err)
	}
	// What a sample would change, if it were run.
	for _, cmd := range []string{
		"SADD vmpooler__completed__check-redis check-redis", "SADD vmpooler__ready__check-redis check-redis",
		"HSET vmpooler__vm__check-redis destroy x clone y", "ZADD vmpooler__dlq__pending 0 check-redis -5 other",
	} {
		run(t, admin, cmd)
	}
	before := dump(t, admin)
	for _, line := range []string{
		"ACL SETUSER vmpooler_exporter on >PASSWORD ~* +@all", WriteACL(0).Line, without(WriteACL(0).Line, "+discard"),
		without(WriteACL(0).Line, "+multi"), "ACL SETUSER vmpooler_exporter on >PASSWORD ~* +@all -multi", // would run what isn't queued
	} {
		setUser(t, s, line)
		if err := admin.ConfigResetStat(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		check(t, as(t, s, aclUser, 0))
		assertNoWrite(t, admin)
	}
	if d := cmp.Diff(before, dump(t, admin)); d != "" {
		t.Error(d)
	}
}

// assertNoWrite looks at how often each writing command was run. A queued one
// that is discarded does not count.
func assertNoWrite(t *testing.T, admin *redis.Client) {
	t.Helper()
	stats := admin.Info(t.Context(), "commandstats").Val()
	reads := map[string]bool{"DISCARD": true, "MULTI": true}
	for _, c := range ReadCommands {
		reads[c.Name] = true
	}
	for _, c := range WriteCommands {
		name := strings.ToLower(strings.ReplaceAll(c.Name, " ", "|"))
		if i := strings.Index(stats, "cmdstat_"+name+":calls="); !reads[c.Name] && i >= 0 &&
			!strings.HasPrefix(stats[i:], "cmdstat_"+name+":calls=0,") {
			t.Errorf("it was run: %s", strings.SplitN(stats[i:], "\n", 2)[0])
		}
	}
}

// dump returns every key's content and TTL, as Redis serialises it.
func dump(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	out := map[string]string{}
	for it := c.Scan(t.Context(), 0, "*", 1000).Iterator(); it.Next(t.Context()); {
		k := it.Val()
		out[k] = c.Dump(t.Context(), k).Val() + "|" + c.ExpireTime(t.Context(), k).Val().String()
	}
	if len(out) < 100 {
		t.Fatalf("only %d keys", len(out))
	}
	return out
}

// breaker closes the connection as soon as MULTI has been answered; the pool can
// see that and would open another one.
type breaker struct {
	*net.UnixConn

	multi bool
}

func (b *breaker) Write(p []byte) (int, error) {
	b.multi = b.multi || bytes.Contains(bytes.ToLower(p), []byte("\r\nmulti\r\n"))
	return b.UnixConn.Write(p)
}

func (b *breaker) Read(p []byte) (int, error) {
	n, err := b.UnixConn.Read(p)
	if b.multi {
		b.Close()
	}
	return n, err
}

func TestAConnectionThatBreaksAfterMULTIRunsNothing(t *testing.T) {
	s := testredis.New(t)
	c := redis.NewClient(&redis.Options{
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: s.Socket})
			return &breaker{UnixConn: conn}, err
		},
	})
	defer c.Close()
	r, err := Check(t.Context(), c, Needs{})
	if err == nil || !strings.Contains(err.Error(), "broke off") && !redisclient.IsConnection(err) {
		t.Errorf("report %+v, error %v", r, err)
	}
	admin := s.NewClient()
	defer admin.Close()
	assertNoWrite(t, admin)
}

func TestAUserWithoutAnyPermission(t *testing.T) {
	setUser(t, shared, "ACL SETUSER vmpooler_exporter on >PASSWORD resetkeys -@all")
	r := check(t, as(t, shared, aclUser, 0))
	var all []Missing
	for _, c := range ReadCommands {
		if !c.Optional {
			all = append(all, Missing{Command: c.Name})
		}
	}
	want := Read{Missing: all, NotFast: "SORT_RO is not permitted"}
	if d := cmp.Diff(want, r.Read); d != "" || r.OK() || r.Version.Number == "" || r.Role != Master || r.Pools != -1 {
		t.Errorf("version %s, role %q, %d pools: %s", r.Version, r.Role, r.Pools, d)
	}
	r = check(t, as(t, shared, aclUser, 1))
	if d := cmp.Diff([]Missing{{Command: "SELECT"}}, r.Read.Missing); d != "" || r.WriteOK() {
		t.Error(d)
	}
}

func TestAReplicaIsReadButNotWritten(t *testing.T) {
	master := testredis.New(t)
	replica := testredis.New(t, testredis.WithArgs("--replicaof", "127.0.0.1", fmt.Sprint(master.Port)))
	r := check(t, as(t, replica, "", 0))
	if r.Role != Replica || !r.OK() || r.Satisfied() || r.Read.Fast != "SORT_RO" {
		t.Errorf("%+v", r)
	}
	if r.Write.State != Impossible || !strings.Contains(r.Write.Reason, "read-only replica") {
		t.Errorf("writing: %+v", r.Write)
	}
	// INFO may be refused, then HELLO knows, and if nobody did, MULTI would.
	calls, err := queue(t.Context(), as(t, replica, "", 0))
	if w := judgeQueued(calls); err != nil || w.State != Impossible || !strings.Contains(w.Reason, "read-only replica") {
		t.Errorf("%v, %+v", err, w)
	}
	if err := master.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if r = check(t, as(t, replica, "", 0)); strings.Contains(strings.Join(r.Warnings, ""), "lost its master") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("no word of the lost master: %v", r.Warnings)
}

func TestAClusterAndAnEmptyDatabaseAreNamed(t *testing.T) {
	r := check(t, as(t, testredis.New(t, testredis.WithArgs("--cluster-enabled", "yes")), "", 0))
	if r.OK() || !strings.Contains(strings.Join(r.Problems, "\n"), "cluster mode") {
		t.Errorf("problems: %v", r.Problems)
	}
	shared.Client(t)
	r = check(t, as(t, shared, "", 7))
	if want := "vmpooler__pools is empty: no vmpooler here, or another database than 7?"; len(r.Warnings) != 1 || r.Warnings[0] != want || !r.OK() {
		t.Errorf("warnings: %v", r.Warnings)
	}
}

func TestAFullServerCannotBeWritten(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--maxmemory", "1", "--maxmemory-policy", "noeviction"))
	r := check(t, as(t, s, "", 0))
	if !r.OK() || r.Write.State != Impossible || !strings.Contains(r.Write.Reason, "OOM") {
		t.Errorf("reading %v, writing %+v", r.OK(), r.Write)
	}
}

func TestAServerThatCannotBeAskedIsAnError(t *testing.T) {
	locked := testredis.New(t, testredis.WithArgs("--requirepass", "other"),
		testredis.WithClient(func(o *redis.Options) { o.Password = "other" }))
	dead := testredis.New(t)
	if err := dead.Kill(); err != nil {
		t.Fatal(err)
	}
	loading := testredis.New(t)
	startLoading(t, loading)
	for name, tc := range map[string]struct {
		c     *redis.Client
		class func(error) bool
	}{
		"no password":      {as(t, locked, "", 0), redisclient.IsAuth},
		"a wrong password": {as(t, locked, "somebody", 0), redisclient.IsAuth},
		"no server":        {as(t, dead, "", 0), redisclient.IsConnection},
		"loading":          {as(t, loading, "", 0), redisclient.IsLoading},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Check(t.Context(), tc.c, Needs{})
			if r != nil || !tc.class(err) {
				t.Fatalf("report %v, error %v", r, err)
			}
			if strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), tc.c.Options().Addr) {
				t.Errorf("error %q: no address, or a password", err)
			}
		})
	}
}

// startLoading makes the server load for seconds, answering LOADING meanwhile.
func startLoading(t *testing.T, s *testredis.Server) {
	t.Helper()
	c := s.Client(t)
	for i := range 2000 {
		c.Set(t.Context(), fmt.Sprint("key", i), strings.Repeat("x", 4096), 0)
	}
	for k, v := range map[string]string{"rdbcompression": "no", "key-load-delay": "5000", "loading-process-events-interval-bytes": "1024"} {
		if err := c.ConfigSet(t.Context(), k, v).Err(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Do(ctx, "DEBUG", "RELOAD")
	}()
	t.Cleanup(func() { cancel(); c.Close(); <-done })
	for range 200 {
		p := s.NewClient()
		err := p.Ping(t.Context()).Err()
		p.Close()
		if redisclient.IsLoading(err) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the server never said LOADING")
}
