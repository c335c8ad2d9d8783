package redisclient

import (
	"context"
	"net"

	"github.com/redis/go-redis/v9"
)

// hook stands between go-redis and the server's (not the Sentinels')
// connections: it reports new ones, names them, and gives a failed dial its type.
type hook struct {
	addr      string
	onConnect func()
}

// DialHook implements redis.Hook.
func (h *hook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			return nil, &ConnectError{Addr: h.addr, Err: err}
		}
		if h.onConnect != nil {
			h.onConnect()
		}
		return conn, nil
	}
}

// ProcessHook implements redis.Hook. It adds the connection's name to the
// handshake: HELLO … SETNAME needs no permission, while the CLIENT SETNAME that
// go-redis' own option sends besides fails the connection of a user without it.
func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		args := cmd.Args()
		if len(args) < 2 || cmd.Name() != "hello" { // a bare HELLO only asks
			return next(ctx, cmd)
		}
		named := make([]any, 0, len(args)+2)
		named = append(append(named, args...), "setname", Name)
		// go-redis looks at the handshake's error alone.
		return next(ctx, redis.NewMapStringInterfaceCmd(ctx, named...))
	}
}

// ProcessPipelineHook implements redis.Hook; it changes nothing.
func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
