package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	own := a.issue("authority", true)
	a.key = own.PrivateKey.(*ecdsa.PrivateKey)
	a.cert = own.Leaf
	return a
}

// issue signs a certificate of that name; one of an authority itself as long as there is
// none.
func (a *authority) issue(name string, isCA bool) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: isCA, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// file writes a certificate, or its key, and returns the path.
func (a *authority) file(dir, name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(dir, name)
	writeFile(a.t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	return path
}

// Whoever has a certificate that was verified is known by its name, and the name has to
// be an admin's.
func TestAClientCertificateIsALogin(t *testing.T) {
	s, c, _ := troubled(t)
	ca, stranger, dir := newAuthority(t), newAuthority(t), t.TempDir()
	own := ca.issue("exporter", false)
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "web.yml")
	writeFile(t, config, fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n  client_ca_file: %s\n  client_auth_type: RequireAndVerifyClientCert\n",
		ca.file(dir, "cert.pem", "CERTIFICATE", own.Certificate[0]), ca.file(dir, "key.pem", "PRIVATE KEY", key),
		ca.file(dir, "ca.pem", "CERTIFICATE", ca.cert.Raw)))
	e := start(t, unixAddr(s), "--web.config.file="+config, "--web.enable-admin-api", "--web.admin-users=robot")
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	ask := func(method, path string, certs ...tls.Certificate) (int, string, error) {
		t.Helper()
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{
				RootCAs: roots, MinVersion: tls.VersionTLS12,
				// also one that the server does not ask for by its authority
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if len(certs) == 0 {
						return &tls.Certificate{}, nil
					}
					return &certs[0], nil
				},
			},
		}}
		r, err := http.NewRequestWithContext(t.Context(), method, "https://"+e.addr+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth("robot", "robot") // that nobody checks here
		resp, err := client.Do(r)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body), err
	}
	const purge = "/api/v1/queue/purge"
	for name, certs := range map[string][]tls.Certificate{"none": nil, "of a stranger's authority": {stranger.issue("robot", false)}} {
		if status, body, err := ask("POST", purge, certs...); err == nil {
			t.Errorf("a certificate: %s: %d %s", name, status, body)
		}
	}
	if status, body, err := ask("POST", purge, ca.issue("cat", false)); status != http.StatusForbidden || !strings.Contains(body, "not among --web.admin-users") {
		t.Errorf("another's: %d %s %v", status, body, err)
	}
	if status, _, err := ask("GET", "/api/v1/queue/health", ca.issue("cat", false)); status != http.StatusOK {
		t.Errorf("a reader: %d %v", status, err)
	}
	if c.SCard(t.Context(), vmpooler.Pending.Key("p")).Val() != 1 {
		t.Fatal("something was purged")
	}
	if status, body, err := ask("POST", purge, ca.issue("robot", false)); status != http.StatusOK || !strings.Contains(body, `"outcome":"applied"`) {
		t.Errorf("an admin's: %d %s %v", status, body, err)
	}
	if out, _, _ := command(t, "purge", "history", unixAddr(s), "--output=csv"); !strings.Contains(out, "web:robot") {
		t.Errorf("the audit does not say who: %s", out)
	}
}
