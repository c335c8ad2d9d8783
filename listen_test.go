package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// asTheProgram lets the tests' binary be the program, for what only a process of its
// own can have.
const asTheProgram = "VMPOOLER_EXPORTER_IS_THE_PROGRAM"

// A page of a stranger's site, in a browser on the exporter's host, can let its own name
// stand for 127.0.0.1: its requests are then of the same origin.
func TestAStrangersNameForALoopbackAddressChangesNothing(t *testing.T) {
	s, c, id := troubled(t)
	e := start(t, unixAddr(s), "--web.enable-admin-api")
	before := contents(t, c)
	as := func(host, media string) func(*http.Request) {
		return func(r *http.Request) {
			r.Host = host
			r.Header.Set("Origin", "http://"+host)
			r.Header.Del("Authorization")
			r.Header.Set("Content-Type", media)
		}
	}
	const form, jsonType = "application/x-www-form-urlencoded", "application/json"
	calls := []struct{ method, path, body, media string }{
		{"POST", "/api/v1/queue/purge", "{}", jsonType},
		{"POST", "/api/v1/queue/purge?dry_run=true", "{}", jsonType},
		{"POST", "/api/v1/queue/dlq/requeue", `{"requests":["r"]}`, jsonType},
		{"DELETE", "/api/v1/queue/dlq/" + id, "", jsonType},
		{"POST", "/-/reload", "", jsonType},
		{"POST", "/admin/purge/plan", "", form},
		{"POST", "/admin/purge/apply", "plan=x", form},
		{"POST", "/admin/dlq/requeue", "confirm=yes&id=" + id, form},
		{"POST", "/admin/dlq/delete", "confirm=yes&id=" + id, form},
	}
	for _, call := range calls {
		if status, body := e.ask(call.method, call.path, call.body, as("evil.example", call.media)); status != http.StatusForbidden || !strings.Contains(body, "another name") {
			t.Errorf("%s %s: %d %s", call.method, call.path, status, body)
		}
	}
	if after := contents(t, c); !maps.Equal(before, after) {
		t.Error("it wrote something")
	}
	if _, page := e.ask("GET", "/", "", as("evil.example", form)); strings.Contains(page, "/admin/") {
		t.Error("the page has buttons")
	}
	e.has2(t, fmt.Sprintf(`vmpooler_exporter_refused_calls_total{reason="foreign_host"} %d`, len(calls)))
	if n := strings.Count(e.log.String(), "reason=foreign_host"); n != len(calls) || strings.Contains(e.log.String(), "msg=refused") {
		t.Errorf("%d lines in the log:\n%s", n, &e.log)
	}
	if status, body := e.ask("POST", "/api/v1/queue/purge", "{}", as(strings.Replace(e.addr, "127.0.0.1", "localhost", 1), jsonType)); status != http.StatusOK || !strings.Contains(body, "applied") {
		t.Errorf("by its own name: %d %s", status, body)
	}
}

func TestFailedLoginsAreCountedOnEveryAddress(t *testing.T) {
	server.Client(t)
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := second.Addr().String()
	second.Close()
	e := start(t, unixAddr(server), "--web.listen-address="+other, "--web.config.file="+webConfig(t, "ada"))
	first := e.addr
	for _, addr := range []string{first, other} {
		e.addr = addr
		if status, _ := e.ask("GET", "/", "", func(r *http.Request) { r.SetBasicAuth("ada", "guess") }); status != http.StatusUnauthorized {
			t.Errorf("%s: a wrong password: %d", addr, status)
		}
		if status, _ := e.ask("GET", "/", "", nil); status != http.StatusOK {
			t.Errorf("%s: %d", addr, status)
		}
	}
	e.has2(t, "vmpooler_exporter_failed_logins_total 2")
	if n := strings.Count(e.log.String(), "a login failed"); n != 2 {
		t.Errorf("%d lines in the log:\n%s", n, &e.log)
	}
}

// A refusal of the API's own is no failed login.
func TestWhoIsNotKnownIsCountedOnce(t *testing.T) {
	server.Client(t)
	web := filepath.Join(t.TempDir(), "web.yml")
	writeFile(t, web, "basic_auth_users: {}\n")
	e := start(t, unixAddr(server), "--web.enable-admin-api", "--web.config.file="+web)
	// Whoever reads the file anew finds that somebody has to log in, by what this
	// listener can't do: exporter-toolkit lets them pass.
	writeFile(t, web, "tls_server_config: {client_auth_type: RequireAndVerifyClientCert}\n")
	for _, path := range []string{"/api/v1/queue/purge", "/-/reload"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+e.addr+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: %s %v", path, resp.Status, resp.Header)
		}
	}
	e.has(t, `vmpooler_exporter_refused_calls_total{reason="unidentified"} 2`, "vmpooler_exporter_failed_logins_total 0")
}

// through asks through a unix socket.
func through(t *testing.T, socket, method, path, host string) (int, string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+path, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAUnixSocketIsThisHostsAlone(t *testing.T) {
	s, _, _ := troubled(t)
	socket := filepath.Join(t.TempDir(), "web.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false) // as if its process had been killed
	left.Close()
	e := start(t, unixAddr(s), "--web.enable-admin-api", "--web.listen-address=unix:"+socket)
	if status, body := through(t, socket, "GET", "/metrics", "localhost"); status != http.StatusOK || !strings.Contains(body, "vmpooler_up 1") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := through(t, socket, "POST", "/api/v1/queue/purge", "exporter.example"); status != http.StatusForbidden {
		t.Errorf("by another name: %d %s", status, body)
	}
	if status, body := through(t, socket, "POST", "/api/v1/queue/purge", "localhost"); status != http.StatusOK || !strings.Contains(body, "applied") {
		t.Errorf("%d %s", status, body)
	}
	if err := e.end(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestASocketsPlaceIsNotTakenFromAnybody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "somebody's")
	used := filepath.Join(t.TempDir(), "used.sock")
	l, err := net.Listen("unix", used)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, path := range []string{file, used} {
		if _, stderr, code := command(t, "--web.listen-address=unix:"+path); code != 1 || !strings.Contains(stderr, "address already in use") {
			t.Errorf("%s: %d %s", path, code, stderr)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// A host may be named unix.
func TestAHostNamedUnixIsNoSocket(t *testing.T) {
	for address, want := range map[string]string{
		"unix:9000": "lookup unix", "unix:web.sock": "web.sock", "vsock://here": "has no port", "vsock://%": "--web.listen-address",
	} {
		l, err := listenAt(t.Context(), address)
		if err == nil {
			l.Close()
			t.Fatalf("%s listens here", address) // is there such a host?
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// What systemd has opened is looked at as what was opened here.
func TestSystemdsSocketsAreLocalIfTheyAre(t *testing.T) {
	server.Client(t)
	tcp := func(address string) net.Listener {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	socket := filepath.Join(t.TempDir(), "s")
	unix, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sockets []net.Listener
		err     error
		want    string
	}{
		"loopback and a unix socket": {[]net.Listener{tcp("127.0.0.1:0"), unix}, nil, ""},
		"open to all":                {[]net.Listener{tcp(":0")}, nil, "--web.enable-admin-api needs users"},
		"one of two open to all":     {[]net.Listener{tcp("127.0.0.1:0"), tcp("0.0.0.0:0")}, nil, "--web.enable-admin-api needs users"},
		"none":                       {nil, nil, "no socket"},
		"a datagram's":               {[]net.Listener{tcp("127.0.0.1:0"), nil}, nil, "socket 2 is none of a stream"},
		"an error":                   {nil, errTest, errTest.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			var out, log buffer
			p := newProgram(&out, &log)
			p.activated = func() ([]net.Listener, error) { return c.sockets, c.err }
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- p.run(ctx, []string{unixAddr(server), "--web.enable-admin-api", "--web.systemd-socket"})
			}()
			if c.want == "" {
				for _, l := range c.sockets {
					conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
					if err != nil {
						t.Fatal(err)
					}
					conn.Close()
				}
				if status, body := through(t, socket, "POST", "/api/v1/queue/purge?dry_run=true", "localhost"); status != http.StatusOK {
					t.Errorf("%d %s", status, body)
				}
				cancel()
			}
			err := <-ended
			cancel()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("it ended with %v\n%s", err, &log)
			}
			for _, l := range c.sockets {
				if l == nil {
					continue
				}
				if conn, err := net.Dial(l.Addr().Network(), l.Addr().String()); err == nil {
					conn.Close()
					t.Errorf("%s is open still", l.Addr())
				}
			}
		})
	}
}

var errTest = errors.New("no descriptor")

// systemd's own way: a descriptor that the process finds open.
func TestServeOnASocketOfSystemds(t *testing.T) {
	s := testredis.New(t)
	for address, refused := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"`, "sh",
			os.Args[0], unixAddr(s), "--web.systemd-socket", "--web.enable-admin-api")
		cmd.Env = append(os.Environ(), asTheProgram+"=1")
		cmd.ExtraFiles = []*os.File{file}
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = patience
		var log buffer
		cmd.Stderr = &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		l.Close() // the child has its own
		file.Close()
		if !refused {
			resp, err := (&http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + addr + "/-/ready")
			if err != nil {
				t.Fatalf("%v\n%s", err, &log)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s", resp.Status)
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}
		if err := cmd.Wait(); (err != nil) != refused || refused && !strings.Contains(log.String(), "--web.enable-admin-api needs users") {
			t.Errorf("%s: it ended with %v\n%s", address, err, &log)
		}
	}
}

// A client that is slow or says too much is cut off.
func TestClientsCannotHoldTheServer(t *testing.T) {
	for name, limit := range map[string]time.Duration{
		"header": defaultLimits().header, "read": defaultLimits().read, "write": defaultLimits().write, "idle": defaultLimits().idle,
	} {
		if limit <= 0 || limit > 5*time.Minute {
			t.Errorf("%s: %s", name, limit)
		}
	}
	server.Client(t)
	const short, never = 50 * time.Millisecond, time.Hour
	head := "POST /api/v1/queue/purge HTTP/1.1\r\nHost: localhost\r\n"
	whole := "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, c := range map[string]struct {
		change func(*serverLimits)
		send   string
		want   string // of the answer before the end
	}{
		"a header that does not come":   {func(l *serverLimits) { l.header = short }, head, ""},
		"nothing at all":                {func(l *serverLimits) { l.header = short }, "", ""},
		"a body that does not come":     {func(l *serverLimits) { l.read = short }, head + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{", "can't be read"},
		"no second request":             {func(l *serverLimits) { l.idle = short }, whole, "the exporter runs"},
		"a header that is too big":      {func(l *serverLimits) { l.headerBytes = 8 << 10 }, head + "X: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", "431 "},
		"a header just about too large": {func(l *serverLimits) { l.headerBytes = defaultLimits().headerBytes }, head + "X: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", "431 "},
	} {
		t.Run(name, func(t *testing.T) {
			e := startChanged(t, func(p *program) {
				p.limits = serverLimits{header: never, read: never, write: never, idle: never}
				c.change(&p.limits)
			}, unixAddr(server), "--web.enable-admin-api")
			conn, err := net.Dial("tcp", e.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, c.send); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(string(answer), c.want) {
				t.Errorf("%v %q", err, answer)
			}
		})
	}
}
