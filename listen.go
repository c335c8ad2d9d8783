package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/mdlayher/vsock"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/vmpooler/vmpooler_exporter/internal/access"
)

// serverLimits are what a client may take of the server's time and memory.
type serverLimits struct {
	header, read, write, idle time.Duration
	headerBytes               int
}

func defaultLimits() serverLimits {
	return serverLimits{
		header: 10 * time.Second, read: 30 * time.Second, write: time.Minute, idle: 2 * time.Minute, headerBytes: 32 << 10,
	}
}

// listeners opens what --web.listen-address asks for, or returns what systemd has
// opened. They are opened here, and not by exporter-toolkit, so that what can reach
// them is known before anybody is served.
func (p *program) listeners(ctx context.Context) (opened []net.Listener, err error) {
	if *p.web.WebSystemdSocket {
		opened, err = p.activated()
		if err == nil && len(opened) == 0 {
			err = errors.New("--web.systemd-socket: systemd has passed no socket on")
		}
		for i, l := range opened {
			if l == nil {
				err = errors.Join(err, fmt.Errorf("--web.systemd-socket: socket %d is none of a stream", i+1))
			}
		}
	} else {
		for _, address := range *p.web.WebListenAddresses {
			l, failed := listenAt(ctx, address)
			if failed != nil {
				err = failed
				break
			}
			opened = append(opened, l)
		}
	}
	if err != nil {
		closeAll(opened)
		return nil, err
	}
	return opened, nil
}

// listenAt listens on unix:/path, on vsock://:port, or on host:port.
func listenAt(ctx context.Context, address string) (net.Listener, error) {
	if strings.HasPrefix(address, "unix:/") { // unix:9000 is a port of a host of that name
		return listenUnix(ctx, strings.TrimPrefix(address, "unix:"))
	}
	if strings.HasPrefix(address, "vsock://") {
		u, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("--web.listen-address: %w", err)
		}
		port, err := strconv.ParseUint(u.Port(), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("--web.listen-address: %s has no port: %w", address, err)
		}
		return vsock.Listen(uint32(port), nil)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// listenUnix takes the place of a socket that its process has left behind, and of
// nothing else.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	listen := new(net.ListenConfig)
	l, err := listen.Listen(ctx, "unix", path)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	if file, statErr := os.Lstat(path); statErr != nil || file.Mode().Type() != os.ModeSocket {
		return nil, err
	}
	conn, dialErr := new(net.Dialer).DialContext(ctx, "unix", path)
	if dialErr == nil {
		return nil, errors.Join(err, conn.Close())
	}
	if !errors.Is(dialErr, syscall.ECONNREFUSED) {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return listen.Listen(ctx, "unix", path)
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		if l != nil {
			_ = l.Close() // those that were served are closed already
		}
	}
}

// policy says who may change something through these listeners.
func (p *program) policy(listeners []net.Listener) *access.Policy {
	addresses := make([]net.Addr, len(listeners))
	for i, l := range listeners {
		addresses[i] = l.Addr()
	}
	return &access.Policy{
		Enabled: *p.adminAPI, Users: *p.adminUsers, WebConfig: *p.web.WebConfigFile, Local: access.Local(addresses),
	}
}

// server returns one for one listener: exporter-toolkit puts itself around the handler
// of each server that it serves.
func (p *program) server(ctx context.Context, handler http.Handler, guard *access.Guard) *http.Server {
	l := p.limits
	server := &http.Server{
		Handler: access.LetIn(handler), ReadHeaderTimeout: l.header, ReadTimeout: l.read, WriteTimeout: l.write,
		IdleTimeout: l.idle, MaxHeaderBytes: l.headerBytes,
	}
	// By now exporter-toolkit has put itself around the handler, and nobody is served
	// yet: the one moment to see whom it turns away.
	server.BaseContext = func(net.Listener) context.Context {
		server.Handler = guard.Logins(server.Handler)
		return context.WithoutCancel(ctx)
	}
	return server
}

// answer serves until ctx is done or a listener fails, then lets requests under way
// end.
func (p *program) answer(ctx context.Context, listeners []net.Listener, handler http.Handler, guard *access.Guard, logger log.Logger) error {
	servers, ended := make([]*http.Server, len(listeners)), make(chan error, len(listeners))
	for i, l := range listeners {
		server := p.server(ctx, handler, guard)
		servers[i] = server
		go func() { ended <- web.Serve(l, server, p.web, newSlog(p.stderr, *p.logLevel, *p.logFormat)) }()
	}
	left := len(listeners)
	var failed error
	select {
	case failed = <-ended:
		left--
	case <-ctx.Done():
		level.Info(logger).Log("msg", "shutting down")
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(grace); err != nil {
			err = errors.Join(fmt.Errorf("requests were still under way: %w", err), server.Close())
			level.Warn(logger).Log("msg", "shutting down", "err", err)
		}
	}
	for range left {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
