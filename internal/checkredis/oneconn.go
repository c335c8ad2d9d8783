package checkredis

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// errOneConnection is what a second dial of oneConnection's client gives.
var errOneConnection = errors.New("the connection broke off")

// oneConnection returns a client like c that has one connection and never a
// second: not by a retry, not by its pool, not after the first one broke. What
// is sent after MULTI's answer therefore reaches the connection that answered,
// or nothing; on another one, Redis would run it. The caller closes the client,
// and with it the connection.
func oneConnection(c *redis.Client) *redis.Client {
	o := *c.Options()
	dial, dialled := o.Dialer, new(atomic.Bool)
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dialled.Swap(true) {
			return nil, errOneConnection
		}
		return dial(ctx, network, addr)
	}
	o.PoolSize, o.MinIdleConns, o.PipelinePoolSize = 1, 0, -1
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ConnMaxLifetime, o.ConnMaxLifetimeJitter = 0, 0
	return redis.NewClient(&o)
}
