package testredis

import (
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// Proxy stands between a client and a server and can cut a connection in the
// middle of a reply, as a failing network does. (The proxy libraries that can
// do as much bring an HTTP server and a logger along.)
type Proxy struct {
	Socket string // path of the unix socket to connect to

	mu    sync.Mutex
	after int64 // bytes of replies after which the connection is cut; < 0 never
	sent  int64 // bytes of replies that have passed
	conns map[net.Conn]struct{}
}

// Passed returns how many bytes of replies have passed.
func (p *Proxy) Passed() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// NewProxy starts a proxy in front of the server, for one test.
func NewProxy(tb testing.TB, s *Server) *Proxy {
	tb.Helper()
	p := &Proxy{Socket: filepath.Join(s.Dir, "proxy.sock"), after: -1, conns: make(map[net.Conn]struct{})}
	l, err := net.Listen("unix", p.Socket)
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c, s.Socket) })
		}
	})
	tb.Cleanup(func() {
		l.Close()
		p.closeAll()
		wg.Wait()
	})
	return p
}

// CutAfter makes every connection end, with a reset, once this many bytes of
// replies have passed since now; -1 ends that.
func (p *Proxy) CutAfter(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after = n
}

func (p *Proxy) serve(client net.Conn, socket string) {
	server, err := net.Dial("unix", socket)
	if err != nil {
		client.Close()
		return
	}
	p.track(client, server)
	var wg sync.WaitGroup
	wg.Go(func() {
		io.Copy(server, client)
		server.Close()
	})
	buf := make([]byte, 4096)
	for {
		n, err := server.Read(buf)
		send, cut := p.allow(int64(n))
		if _, werr := client.Write(buf[:send]); err != nil || werr != nil || cut {
			break
		}
	}
	client.Close()
	server.Close()
	wg.Wait()
}

// allow takes n bytes off what may still pass.
func (p *Proxy) allow(n int64) (send int64, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.after < 0 {
		p.sent += n
		return n, false
	}
	send = min(n, p.after)
	p.after -= send
	p.sent += send
	return send, send < n
}

func (p *Proxy) track(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
}

func (p *Proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}
