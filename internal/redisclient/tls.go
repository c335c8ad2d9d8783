package redisclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// tlsFiles makes the TLS configuration of each new connection from the files as
// they are on disk at that moment, so that a renewed certificate or authority
// is in use from the next reconnect on, without a restart.
type tlsFiles struct {
	cfg    config.TLS
	logger log.Logger

	mu   sync.Mutex
	last *tls.Config // what could be read last
}

// config returns the configuration for a connection to addr (host:port). Files
// that can't be used now, such as a certificate whose new key isn't there yet,
// leave the last good ones in use; the logger hears of it.
func (t *tlsFiles) config(addr string) (*tls.Config, error) {
	conf, err := t.load()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.last = conf
	case t.last == nil:
		return nil, err
	default:
		_ = level.Warn(t.logger).Log("msg", "keeping the TLS files read before", "err", err)
		conf = t.last
	}
	conf = conf.Clone()
	if conf.ServerName == "" {
		if conf.ServerName, _, err = net.SplitHostPort(addr); err != nil {
			return nil, fmt.Errorf("redis TLS: no server name to verify at %s: %w", addr, err)
		}
	}
	return conf, nil
}

// load reads the files. Its errors name the file.
func (t *tlsFiles) load() (*tls.Config, error) {
	conf := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.cfg.ServerName,
		InsecureSkipVerify: t.cfg.InsecureSkipVerify, //nolint:gosec // the operator's explicit choice
	}
	if (t.cfg.CertFile == "") != (t.cfg.KeyFile == "") {
		return nil, errors.New("redis TLS: a client certificate needs both its certificate file and its key file")
	}
	if f := t.cfg.CAFile; f != "" {
		pem, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("redis TLS: CA file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("redis TLS: CA file %s holds no PEM certificate", f)
		}
	}
	if t.cfg.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.cfg.CertFile, t.cfg.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("redis TLS: client certificate %s with key %s: %w", t.cfg.CertFile, t.cfg.KeyFile, err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}
