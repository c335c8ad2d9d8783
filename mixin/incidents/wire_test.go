package incidents

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// wire is the way to the server, which can be cut. It is safe for concurrent use.
type wire struct {
	server *miniredis.Miniredis

	mu    sync.Mutex
	down  bool          // nobody gets through
	takes time.Duration // each time that something is sent
	ahead time.Duration // the server's clock
}

// The calls below change how things are from now on.

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = false
}

func (w *wire) slow(takes time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.takes = takes
}

func (w *wire) skew(ahead time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead = ahead
}

func (w *wire) pass() error {
	w.mu.Lock()
	down, takes, ahead := w.down, w.takes, w.ahead
	w.mu.Unlock()
	if down {
		return errors.New("connection refused")
	}
	time.Sleep(takes)
	if ahead != 0 {
		w.server.SetTime(time.Now().Add(ahead)) // else it is the bubble's
	}
	return nil
}

// DialHook implements redis.Hook. No socket is opened: a goroutine that waits for
// one would hold up the bubble's clock.
func (w *wire) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) {
		if err := w.pass(); err != nil {
			return nil, err
		}
		pipe, err := w.server.Dial()
		if err != nil {
			return nil, err
		}
		c := &wireConn{Conn: pipe, wire: w}
		c.arrived.L = &c.mu
		go c.receive()
		return c, nil
	}
}

// ProcessHook implements redis.Hook.
func (*wire) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (*wire) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// wireConn is a pipe that takes answers before anybody reads them: the server answers
// the first command of a pipeline while the last is still being written.
type wireConn struct {
	net.Conn

	wire *wire

	mu      sync.Mutex
	arrived sync.Cond
	answer  []byte
	err     error
}

func (c *wireConn) receive() {
	chunk := make([]byte, 16<<10)
	for {
		n, err := c.Conn.Read(chunk)
		c.mu.Lock()
		c.answer, c.err = append(c.answer, chunk[:n]...), err
		c.mu.Unlock()
		c.arrived.Signal()
		if err != nil {
			return
		}
	}
}

func (c *wireConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.answer) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.arrived.Wait()
	}
	n := copy(b, c.answer)
	c.answer = append(c.answer[:0], c.answer[n:]...)
	return n, nil
}

func (c *wireConn) Write(b []byte) (int, error) {
	if err := c.wire.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// The server always answers. A deadline of the pipe would be one of receive.
func (*wireConn) SetDeadline(time.Time) error      { return nil }
func (*wireConn) SetReadDeadline(time.Time) error  { return nil }
func (*wireConn) SetWriteDeadline(time.Time) error { return nil }
