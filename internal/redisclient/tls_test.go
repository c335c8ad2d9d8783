package redisclient

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// authority signs certificates for the tests.
type authority struct {
	tb   testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	n    int64
}

// newAuthority writes its certificate to file.
func newAuthority(tb testing.TB, file string) *authority {
	tb.Helper()
	a := &authority{tb: tb, n: 1}
	t := a.template("authority " + file)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	a.cert, a.key = t, a.newKey()
	der := a.sign(t, a.key)
	writeFile(tb, file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

func (a *authority) template(name string) *x509.Certificate {
	a.n++
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.n), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	return key
}

func (a *authority) sign(t *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	a.tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.tb.Fatal(err)
	}
	return der
}

// issue writes a certificate for the server name and for a client, and its
// key, to base.pem and base.key.
func (a *authority) issue(base, serverName string) {
	a.tb.Helper()
	t, key := a.template(base), a.newKey()
	t.DNSNames = []string{serverName}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.tb.Fatal(err)
	}
	writeFile(a.tb, base+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	writeFile(a.tb, base+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.sign(t, key)}))
}

// startTLS runs a server that asks for client certificates of dir/ca.pem, and
// returns it with a configuration that it accepts.
func startTLS(t *testing.T, dir string) (*testredis.Server, config.Redis) {
	t.Helper()
	ca := newAuthority(t, dir+"/ca.pem")
	ca.issue(dir+"/server", "redis.test")
	ca.issue(dir+"/client", "client")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	s := testredis.New(t, testredis.WithArgs("--tls-port", fmt.Sprint(addr.Port), "--tls-ca-cert-file", dir+"/ca.pem",
		"--tls-cert-file", dir+"/server.pem", "--tls-key-file", dir+"/server.key"))
	return s, config.Redis{Network: "tcp", Addr: addr.String(), TLS: config.TLS{
		Enabled: true, CAFile: dir + "/ca.pem", CertFile: dir + "/client.pem", KeyFile: dir + "/client.key",
		ServerName: "redis.test",
	}}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	_, good := startTLS(t, dir)
	newAuthority(t, dir+"/other-ca.pem")
	for name, tc := range map[string]struct {
		change func(*config.TLS)
		fails  bool
		want   string // in the error
	}{
		"authority and client certificate": {func(*config.TLS) {}, false, ""},
		"no verification":                  {func(c *config.TLS) { c.InsecureSkipVerify, c.CAFile, c.ServerName = true, "", "" }, false, ""},
		"another authority":                {func(c *config.TLS) { c.CAFile = dir + "/other-ca.pem" }, true, "unknown authority"},
		"another name":                     {func(c *config.TLS) { c.ServerName = "elsewhere" }, true, "elsewhere"},
		"the address as the name":          {func(c *config.TLS) { c.ServerName = "" }, true, "127.0.0.1"},
		"no client certificate":            {func(c *config.TLS) { c.CertFile, c.KeyFile = "", "" }, true, ""}, // it may hang up before it says why,
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			tc.change(&cfg.TLS)
			err := open(t, cfg, Options{}).Ping(t.Context()).Err()
			switch {
			case !tc.fails && err != nil:
				t.Error(err)
			case tc.fails && (!IsConnection(err) || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error %v, want one of the connection with %q in it", err, tc.want)
			}
		})
	}
}

func TestTheNextCommandAfterARestartWorksWithTLS(t *testing.T) {
	s, cfg := startTLS(t, t.TempDir())
	c := open(t, cfg, Options{})
	ping(t, c)
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	ping(t, c)
}

func TestACertificateRenewedOnDiskIsUsedFromTheNextConnectionOn(t *testing.T) {
	dir := t.TempDir()
	s, cfg := startTLS(t, dir)
	c := open(t, cfg, Options{})
	ping(t, c)

	// The server moves to another authority; only the renewed files fit it.
	next := newAuthority(t, dir+"/next-ca.pem")
	next.issue(dir+"/server", "redis.test")
	admin(t, s, "CONFIG", "SET", "tls-ca-cert-file", dir+"/next-ca.pem",
		"tls-cert-file", dir+"/server.pem", "tls-key-file", dir+"/server.key")
	kill(t, s)
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Fatal("the old authority is still good enough: the test proves nothing")
	}
	next.issue(dir+"/client", "client")
	copyFile(t, dir+"/next-ca.pem", dir+"/ca.pem")
	ping(t, c)

	// A half-written pair is no reason to lose Redis.
	writeFile(t, dir+"/client.key", []byte("half a ke"))
	kill(t, s)
	ping(t, c)
}

func kill(t *testing.T, s *testredis.Server) {
	t.Helper()
	admin(t, s, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, b)
}
