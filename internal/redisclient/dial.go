package redisclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
)

// dialer opens connections for go-redis, whose own dialer does a TLS handshake
// without looking at the context.
type dialer struct {
	net net.Dialer
	tls *tlsFiles // nil without TLS
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.net.Timeout) // over both steps
	defer cancel()
	raw, err := d.net.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if d.tls == nil {
		return checkedConn(raw), nil
	}
	conf, err := d.tls.config(addr)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	conn := tls.Client(raw, conf)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // it is of no use any more
		// As net does for its own errors: which step, to whom.
		return nil, &net.OpError{Op: "TLS handshake", Net: network, Addr: raw.RemoteAddr(), Err: err}
	}
	return deadlineConn{conn}, nil
}

// deadlineConn turns a deadline that passed in a read or a write into
// context.DeadlineExceeded. go-redis takes any other timeout for a reason to
// send the command again, which makes a hung server wait longer for its fourth
// answer than a scrape has time, and may run a script twice.
type deadlineConn struct{ net.Conn }

func (c deadlineConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, asDeadline(err)
}

func (c deadlineConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, asDeadline(err)
}

func asDeadline(err error) error {
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return &timeoutError{err}
	}
	return err
}

// timeoutError is both what the network said and context.DeadlineExceeded.
type timeoutError struct{ err error }

func (e *timeoutError) Error() string   { return e.err.Error() }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }
func (e *timeoutError) Unwrap() []error { return []error{e.err, context.DeadlineExceeded} }

// socketConn is a deadlineConn whose socket go-redis may look at before it
// takes an idle connection, to see that the server has closed it. Not for TLS,
// where records that are no answer may wait in the socket.
type socketConn struct {
	deadlineConn
	syscall.Conn
}

func checkedConn(raw net.Conn) net.Conn {
	if sc, ok := raw.(syscall.Conn); ok {
		return socketConn{deadlineConn{raw}, sc}
	}
	return deadlineConn{raw}
}
