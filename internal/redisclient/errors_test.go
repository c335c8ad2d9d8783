package redisclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

var classes = map[string]func(error) bool{
	"auth": IsAuth, "permission": IsNoPermission, "loading": IsLoading, "read-only": IsReadOnly,
	"unknown command": IsUnknownCommand, "wrong type": IsWrongType, "connection": IsConnection,
}

func classesOf(err error) []string {
	var is []string
	for name, f := range classes {
		if f(err) {
			is = append(is, name)
		}
	}
	return is
}

// reply is an error as a server sends it.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

func TestEachErrorHasOneClass(t *testing.T) {
	master := testredis.New(t)
	replica := testredis.New(t, testredis.WithArgs("--replicaof", "127.0.0.1", fmt.Sprint(master.Port)))
	locked := testredis.New(t, testredis.WithArgs("--requirepass", secret), testredis.WithClient(asDefault(secret)))
	admin(t, server, "ACL", "SETUSER", "little", "on", ">"+secret, "resetkeys", "~vmpooler__*", "-@all", "+get", "+eval", "+sort_ro")
	admin(t, server, "SADD", "vmpooler__pools", "a")
	little := config.Redis{Network: "tcp", Addr: server.Addr(), Username: "little", Password: secret}
	with := func(user string, p config.Secret) config.Redis {
		return config.Redis{Network: "tcp", Addr: locked.Addr(), Username: user, Password: p}
	}
	for name, tc := range map[string]struct {
		cfg  config.Redis
		cmd  []any
		want []string
	}{
		"no password":                {with("", ""), []any{"GET", "k"}, []string{"auth"}},
		"a wrong password":           {with("", "wrong"), []any{"GET", "k"}, []string{"auth"}},
		"an unknown user":            {with("nobody", "wrong"), []any{"GET", "k"}, []string{"auth"}},
		"a forbidden command":        {little, []any{"TTL", "vmpooler__pools"}, []string{"permission"}},
		"a forbidden key":            {little, []any{"GET", "other"}, []string{"permission"}},
		"a script's command":         {little, []any{"EVAL", "return redis.call('ttl', 'vmpooler__x')", 0}, []string{"permission"}},
		"a script's key":             {little, []any{"EVAL", "return redis.call('get', 'x')", 0}, []string{"permission"}},
		"SORT's GET":                 {little, []any{"SORT_RO", "vmpooler__pools", "BY", "nosort", "GET", "vmpooler__*"}, []string{"permission"}},
		"SELECT in the handshake":    {config.Redis{Addr: server.Addr(), Username: "little", Password: secret, DB: 1}, []any{"GET", "k"}, []string{"permission"}},
		"a write to a replica":       {tcp(replica), []any{"SET", "k", "v"}, []string{"read-only"}},
		"a script's write to one":    {tcp(replica), []any{"EVAL", "return redis.call('set', 'k', 1)", 0}, []string{"read-only"}},
		"an unknown command":         {tcp(server), []any{"NEVER"}, []string{"unknown command"}},
		"an unknown subcommand":      {tcp(server), []any{"CLIENT", "NEVER"}, []string{"unknown command"}},
		"a script's unknown command": {tcp(server), []any{"EVAL", "return redis.call('never')", 0}, []string{"unknown command"}},
		"a set read as a string":     {tcp(server), []any{"GET", "vmpooler__pools"}, []string{"wrong type"}},
		"the same in a script":       {tcp(server), []any{"EVAL", "return redis.call('get', 'vmpooler__pools')", 0}, []string{"wrong type"}},
		"no such key":                {tcp(server), []any{"GET", "nothing"}, nil},
		"success":                    {tcp(server), []any{"PING"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := open(t, tc.cfg, Options{}).Do(t.Context(), tc.cmd...).Err()
			if d := cmp.Diff(tc.want, classesOf(fmt.Errorf("wrapped: %w", err))); err != nil && d != "" {
				t.Errorf("%v: %s", err, d)
			}
			if err == nil && tc.want != nil {
				t.Error("no error")
			}
		})
	}
}

func TestErrorsThatNoServerGivesHere(t *testing.T) {
	const script62 = "ERR Error running script (call to f_c0ffee): @user_script:1: "
	sentinel := func(err error) error {
		return &ConnectError{Addr: "x", Err: fmt.Errorf("redis: all sentinels specified in configuration are unreachable: %w", errors.Join(err))}
	}
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"loading":                     {reply("LOADING Redis is loading the dataset in memory"), []string{"loading"}},
		"6.2, a script's key":         {reply(script62 + "@user_script: 1: The user executing the script can't access at least one of the keys mentioned in the command arguments"), []string{"permission"}},
		"6.2, a script's wrong type":  {reply(script62 + "WRONGTYPE Operation against a key holding the wrong kind of value"), []string{"wrong type"}},
		"6.2, a script's read-only":   {reply(script62 + "-READONLY You can't write against a read only replica."), []string{"read-only"}},
		"6.2, an unknown subcommand":  {reply("ERR Unknown subcommand or wrong number of arguments for 'X'. Try CLIENT HELP."), []string{"unknown command"}},
		"7.2, a script's command":     {reply("ERR ACL failure in script: User u has no permissions to run the 'set' command script: c0ffee, on @user_script:1."), []string{"permission"}},
		"a password for none":         {reply("ERR AUTH <password> called without any password configured for the default user."), []string{"auth"}},
		"end of file":                 {io.ErrUnexpectedEOF, []string{"connection"}},
		"no free connection":          {redis.ErrPoolTimeout, []string{"connection"}},
		"the caller went away":        {context.Canceled, nil},
		"Sentinel: no such master":    {sentinel(redis.Nil), []string{"connection"}},
		"Sentinel: password refused":  {sentinel(reply("NOAUTH Authentication required.")), []string{"auth"}},
		"Sentinel: dialled in vain":   {sentinel(io.EOF), []string{"connection"}},
		"something else in this life": {errors.New("LOADING and NOPERM in a text of somebody else"), nil},
		"none":                        {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, classesOf(tc.err)); d != "" {
				t.Errorf("%v: %s", tc.err, d)
			}
		})
	}
	if errors.Is(sentinel(redis.Nil), redis.Nil) {
		t.Error("an unknown master looks like an absent key")
	}
}
