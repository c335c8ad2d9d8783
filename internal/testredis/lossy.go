package testredis

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
)

// LossyDialer returns a dialer for redis.Options whose connections end in place of the
// next answer, once the answer has come, each time that lose has been set: the server has
// done its work, and the client does not know. Only the answer to a command that has all
// of these words in it is lost; with none of them, any.
func LossyDialer(lose *atomic.Bool, words ...string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &lossy{Conn: conn, lose: lose, words: words}, nil
	}
}

type lossy struct {
	net.Conn

	lose  *atomic.Bool
	words []string
	asked atomic.Bool // whether what was sent last has all of the words
}

func (l *lossy) Write(b []byte) (int, error) {
	all := true
	for _, w := range l.words {
		all = all && strings.Contains(string(b), w)
	}
	l.asked.Store(all)
	return l.Conn.Write(b)
}

func (l *lossy) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err == nil && l.asked.Load() && l.lose.CompareAndSwap(true, false) {
		_ = l.Close()
		return 0, io.EOF
	}
	return n, err
}
