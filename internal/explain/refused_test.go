package explain

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// Without the permission for dead letters and the audit the rest is told, and
// without that for the hashes nothing is.
func TestWhatMayNotBeRead(t *testing.T) {
	c := scene(t)
	t.Cleanup(func() { c.Do(t.Context(), "ACL", "DELUSER", "reader") })
	as := func(rules ...any) Deps {
		if err := c.Do(t.Context(), append([]any{"ACL", "SETUSER", "reader", "reset", "on", "nopass", "~*"}, rules...)...).Err(); err != nil {
			t.Fatal(err)
		}
		o := *c.Options()
		o.Username, o.Password = "reader", "any"
		reader := redis.NewClient(&o)
		t.Cleanup(func() { reader.Close() })
		return deps(t, reader, now)
	}
	reading := []any{"+time", "+smembers", "+hmget", "+hget", "+pttl", "+zrange"}
	d := as(reading...)
	for _, tell := range []func() (*Report, error){
		func() (*Report, error) { return VM(t.Context(), d, "pix-given") },
		func() (*Report, error) { return Request(t.Context(), d, id) },
	} {
		r, err := tell()
		check(t, r, err)
		if !r.Known || len(r.Where) == 0 || !strings.Contains(strings.Join(r.Warnings, " "), "The dead letters may not be read: ") ||
			!strings.Contains(strings.Join(r.Warnings, " "), "What was purged may not be read: ") {
			t.Errorf("%+v", r)
		}
	}
	for _, without := range reading[1:] {
		d := as(slices.DeleteFunc(slices.Clone(reading), func(x any) bool { return x == without })...)
		_, err := VM(t.Context(), d, "pix-given")
		_, err2 := Request(t.Context(), d, id)
		if err := errors.Join(err, err2); err == nil || !strings.Contains(err.Error(), "NOPERM") || strings.Contains(err.Error(), secret) {
			t.Errorf("without %v: %v", without, err)
		}
	}
}

func TestARedisThatIsGoneIsAnError(t *testing.T) {
	s, err := testredis.Start(testredis.WithArgs("--requirepass", "hunter2"), testredis.WithClient(func(o *redis.Options) { o.Password = "hunter2" }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true})
	defer c.Close()
	for _, want := range []string{"NOAUTH", "redis.sock"} {
		d := deps(t, c, now)
		if r, err := VM(t.Context(), d, "pix"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v", r, err)
		}
		if r, err := Request(t.Context(), d, id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v", r, err)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}
