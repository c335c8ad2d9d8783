package access

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func webFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	withUsers = "basic_auth_users:\n  ada: $2y$10$abc\n  bob: $2y$10$def\n"
	withCerts = "tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n"
)

func post(change func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://exporter/api/v1/queue/purge", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.SetBasicAuth("ada", "secret")
	if change != nil {
		change(r)
	}
	return r
}

func verified(name string) *tls.ConnectionState {
	return &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{Subject: pkix.Name{CommonName: name}}}}}
}

// Each of the conditions is needed.
func TestWhoMayChangeSomething(t *testing.T) {
	users, certs := webFile(t, withUsers), webFile(t, withCerts)
	admins := Policy{Enabled: true, Users: []string{"ada"}, WebConfig: users}
	for name, c := range map[string]struct {
		policy Policy
		change func(*http.Request)
		form   bool
		want   string
		err    error
	}{
		"an admin":                         {admins, nil, false, "ada", nil},
		"it is off":                        {Policy{Users: []string{"ada"}, WebConfig: users}, nil, false, "", ErrOff},
		"another user":                     {admins, func(r *http.Request) { r.SetBasicAuth("bob", "x") }, false, "", ErrNotAdmin},
		"nobody":                           {admins, func(r *http.Request) { r.Header.Del("Authorization") }, false, "", ErrUnidentified},
		"a name that nobody has checked":   {Policy{Enabled: true, Users: []string{"ada"}}, nil, false, "", ErrUnidentified},
		"from another site":                {admins, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, false, "", ErrCrossOrigin},
		"from another site, older browser": {admins, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, false, "", ErrCrossOrigin},
		"from its own page":                {admins, func(r *http.Request) { r.Header.Set("Origin", "http://exporter") }, false, "ada", nil},
		"a form that is none of ours":      {admins, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, false, "", ErrWrongMediaType},
		"a form of the page":               {admins, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, true, "ada", nil},
		"no media type":                    {admins, func(r *http.Request) { r.Header.Del("Content-Type") }, false, "", ErrWrongMediaType},
		"a client certificate": {
			Policy{Enabled: true, Users: []string{"robot"}, WebConfig: certs},
			func(r *http.Request) { r.TLS = verified("robot") }, false, "robot", nil,
		},
		"a certificate of another": {
			Policy{Enabled: true, Users: []string{"robot"}, WebConfig: certs},
			func(r *http.Request) { r.TLS = verified("cat") }, false, "", ErrNotAdmin,
		},
		"a certificate that was not verified": {
			Policy{Enabled: true, Users: []string{"robot"}, WebConfig: certs},
			func(r *http.Request) {
				r.TLS = &tls.ConnectionState{PeerCertificates: verified("robot").VerifiedChains[0]}
			}, false, "", ErrUnidentified,
		},
		"whoever is on this host": {Policy{Enabled: true, Local: true}, func(r *http.Request) { r.Host = "localhost" }, false, "local", nil},
		"nobody, on this host, where users log in": {
			Policy{Enabled: true, Local: true, Users: []string{"ada"}, WebConfig: users},
			func(r *http.Request) { r.Host = "localhost"; r.Header.Del("Authorization") }, false, "", ErrUnidentified,
		},
		"on this host, where users log in": {Policy{Enabled: true, Local: true, Users: []string{"bob"}, WebConfig: users}, nil, false, "", ErrNotAdmin},
	} {
		t.Run(name, func(t *testing.T) {
			r := post(c.change)
			got, err := c.policy.Who(r, c.form)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q %v, not %q %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestAPolicyThatLetsStrangersInIsRefusedAtTheStart(t *testing.T) {
	users, certs := webFile(t, withUsers), webFile(t, withCerts)
	for name, c := range map[string]struct {
		policy Policy
		want   string // of the error
	}{
		"off":                              {Policy{}, ""},
		"off, with admins":                 {Policy{Users: []string{"ada"}}, "no effect"},
		"on, with users":                   {Policy{Enabled: true, Users: []string{"ada"}, WebConfig: users}, ""},
		"on, with certificates":            {Policy{Enabled: true, Users: []string{"robot"}, WebConfig: certs}, ""},
		"on, with nobody who logs in":      {Policy{Enabled: true, Users: []string{"ada"}}, "loopback"},
		"on, and TLS alone":                {Policy{Enabled: true, Users: []string{"ada"}, WebConfig: webFile(t, "tls_server_config: {cert_file: a}\n")}, "loopback"},
		"on, on this host alone":           {Policy{Enabled: true, Local: true}, ""},
		"on, certificates if there are":    {Policy{Enabled: true, Users: []string{"robot"}, WebConfig: webFile(t, "tls_server_config: {client_auth_type: VerifyClientCertIfGiven}\n")}, "loopback"},
		"on, any certificate":              {Policy{Enabled: true, Users: []string{"robot"}, WebConfig: webFile(t, "tls_server_config: {client_auth_type: RequireAnyClientCert}\n")}, "loopback"},
		"on, without admins":               {Policy{Enabled: true, WebConfig: users}, "--web.admin-users"},
		"on, with an admin who is no user": {Policy{Enabled: true, Users: []string{"eve"}, WebConfig: users}, "eve"},
		"a file that is not there":         {Policy{Enabled: true, WebConfig: "/nonexistent"}, "nonexistent"},
		"a file that is none":              {Policy{Enabled: true, WebConfig: webFile(t, "basic_auth_users: [secret")}, "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.policy.Check()
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestWhichListenersAreThisHostsAlone(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }
	socket := &net.UnixAddr{Name: "/run/x", Net: "unix"}
	for address, want := range map[net.Addr]bool{
		tcp("127.0.0.1"): true, tcp("127.9.9.9"): true, tcp("::1"): true, socket: true,
		tcp(""): false, tcp("0.0.0.0"): false, tcp("::"): false, tcp("10.0.0.1"): false, &net.UDPAddr{IP: net.ParseIP("::1")}: false,
	} {
		if got := Local([]net.Addr{address}); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if Local(nil) || Local([]net.Addr{socket, tcp("10.0.0.1")}) {
		t.Error("one that is open, or none, is taken for local")
	}
}

// A page of a stranger's site can make its own name stand for a loopback address, and
// then it is of the same origin.
func TestWhoeverIsOnThisHostCallsItByItsOwnName(t *testing.T) {
	p := Policy{Enabled: true, Local: true}
	for host, want := range map[string]error{
		"localhost": nil, "localhost:10124": nil, "LocalHost:1": nil, "127.0.0.1:10124": nil, "127.0.0.2": nil, "[::1]:10124": nil, "[::1]": nil,
		"evil.example": ErrForeignHost, "evil.example:10124": ErrForeignHost, "localhost.evil.example": ErrForeignHost, "evil.localhost": ErrForeignHost,
		"127.0.0.1.evil.example:1": ErrForeignHost, "10.0.0.1:1": ErrForeignHost, "0.0.0.0:1": ErrForeignHost, "": ErrForeignHost,
	} {
		r := post(func(r *http.Request) {
			r.Host = host
			r.Header.Set("Origin", "http://"+host)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Del("Authorization")
		})
		if _, err := p.Who(r, false); !errors.Is(err, want) {
			t.Errorf("%q: %v, not %v", host, err, want)
		}
		if _, admin := p.Admin(r); admin != (want == nil) {
			t.Errorf("%q: an admin: %v", host, admin)
		}
	}
	// Where users log in, the name of the host is the login's to protect.
	p = Policy{Enabled: true, Local: true, Users: []string{"ada"}, WebConfig: webFile(t, withUsers)}
	if user, err := p.Who(post(func(r *http.Request) { r.Host = "exporter.example" }), false); user != "ada" || err != nil {
		t.Errorf("%q %v", user, err)
	}
}

func TestRefusalsAreCountedAndNothingTypedIsLogged(t *testing.T) {
	var logged strings.Builder
	reg := prometheus.NewPedanticRegistry()
	g := NewGuard(&Policy{Enabled: true, Users: []string{"ada"}, WebConfig: webFile(t, withUsers)}, reg, log.NewLogfmtLogger(&logged))
	r := post(func(r *http.Request) { r.SetBasicAuth("intruder", "hunter2") })
	if _, err := g.Who(r, false); !errors.Is(err, ErrNotAdmin) {
		t.Error(err)
	}
	turnAway := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	g.Logins(turnAway).ServeHTTP(httptest.NewRecorder(), r)
	g.Logins(LetIn(turnAway)).ServeHTTP(httptest.NewRecorder(), r) // the login is not what was refused
	if n := testutil.ToFloat64(g.refused.WithLabelValues("not_admin")) + testutil.ToFloat64(g.logins); n != 2 {
		t.Errorf("%v counted", n)
	}
	if text := logged.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "intruder") || strings.Count(text, "\n") != 2 {
		t.Errorf("the log:\n%s", text)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
}

func TestOneJobAtATimeAndNotTooMany(t *testing.T) {
	now := time.Unix(0, 0)
	j := NewJobs(2, func() time.Time { return now })
	end, _, _ := j.Begin()
	if again, busy, _ := j.Begin(); again != nil || !busy {
		t.Error("two at a time")
	}
	end()
	now = now.Add(20 * time.Second)
	end, _, _ = j.Begin()
	end()
	if third, busy, wait := j.Begin(); third != nil || busy || wait != 40*time.Second {
		t.Errorf("a third: %v %v", busy, wait)
	}
	now = now.Add(40 * time.Second)
	if end, _, _ := j.Begin(); end == nil {
		t.Error("none after a minute")
	}
}
