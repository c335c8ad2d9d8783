package lease

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Once returns a client that sends each script once, whatever its options say. A
// script whose connection ends before its answer is here may have done its work; sent
// again it would find nothing to do, and say so. Where that matters, the caller wants
// the error: nobody knows. All else is sent as by c.
//
//nolint:ireturn // what it returns is what it takes
func Once(c redis.UniversalClient) redis.UniversalClient { return once{c} }

type once struct{ redis.UniversalClient }

// noRetry is a command that go-redis does not send again.
type noRetry struct{ *redis.Cmd }

// NoRetry implements redis.Cmder.
func (noRetry) NoRetry() bool { return true }

// EvalSha implements redis.Scripter.
func (o once) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return o.send(ctx, "evalsha", sha, keys, args)
}

// Eval implements redis.Scripter.
func (o once) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return o.send(ctx, "eval", script, keys, args)
}

func (o once) send(ctx context.Context, name, script string, keys []string, args []any) *redis.Cmd {
	words := make([]any, 0, 3+len(keys)+len(args))
	words = append(words, name, script, len(keys))
	for _, key := range keys {
		words = append(words, key)
	}
	cmd := redis.NewCmd(ctx, append(words, args...)...)
	_ = o.Process(ctx, noRetry{cmd}) // cmd has the error
	return cmd
}
