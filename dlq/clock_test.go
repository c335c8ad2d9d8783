package dlq

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// atMoment returns a client of c's server to which its keys live as long as they
// would if the time were that of now, which may be some minutes ago.
func atMoment(t *testing.T, c *redis.Client, now func() time.Time) *redis.Client {
	t.Helper()
	moved := redis.NewClient(c.Options())
	t.Cleanup(func() { moved.Close() })
	moved.AddHook(clockHook(now))
	return moved
}

type clockHook func() time.Time

func (clockHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h clockHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		h.move(cmd)
		return err
	}
}

func (h clockHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			h.move(cmd)
		}
		return err
	}
}

func (h clockHook) move(cmd redis.Cmder) {
	if d, ok := cmd.(*redis.DurationCmd); ok && cmd.Name() == "pttl" && d.Val() > 0 {
		d.SetVal(d.Val() + time.Since(h()))
	}
}
