package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"
)

// defaultSource is the source of a setting that nothing sets.
const defaultSource = "default"

// Item is one setting in force, for a person to read.
type Item struct {
	Key    string // "dlq_ttl", "redis.server", "health_thresholds.dlq_max_warning"
	Value  string // with its unit; a secret is redacted
	Source string // "default", "vmpooler.yaml:14", "environment REDIS_SERVER", "flag --redis.addr"
}

// Explain lists every setting in force and where it came from: Redis first,
// then the three features, vmpooler's own limits, the thresholds, the
// providers and the pools. The order is always the same; what is not in use is
// left out.
func (s *Settings) Explain() []Item {
	items := s.explainRedis()
	for _, f := range configFields {
		items = append(items, s.item(f.key, f.text(s)))
	}
	for _, f := range thresholdFields {
		items = append(items, s.item(thresholdsKey+"."+f.key, f.text(s)))
	}
	items = append(items, s.explainProviders()...)
	return append(items, s.explainPools())
}

func (s *Settings) item(key, value string) Item {
	source, ok := s.sources[key]
	if !ok {
		source = defaultSource
	}
	return Item{Key: key, Value: value, Source: printable(source)}
}

func (s *Settings) explainRedis() []Item {
	r := s.Redis
	var items []Item
	add := func(key, value string) { items = append(items, s.item("redis."+key, printable(value))) }
	addIf := func(key, value string) {
		if value != "" {
			add(key, value)
		}
	}
	host, port, _ := net.SplitHostPort(r.Addr)
	switch {
	case r.SentinelMaster != "":
		add("sentinel.master", r.SentinelMaster)
		add("sentinel.addresses", strings.Join(r.SentinelAddrs, " "))
		addIf("sentinel.username", r.SentinelUsername)
		addIf("sentinel.password", r.SentinelPassword.String())
	case r.Network == "unix":
		add("socket", r.Addr)
	default:
		add("server", host)
		add("port", port)
	}
	add("database", strconv.Itoa(r.DB))
	addIf("username", r.Username)
	if r.Password == "" {
		add("password", "none")
	} else {
		add("password", r.Password.String())
	}
	add("tls", tlsText(r.TLS))
	addIf("tls.ca_file", r.TLS.CAFile)
	addIf("tls.cert_file", r.TLS.CertFile)
	addIf("tls.key_file", r.TLS.KeyFile)
	addIf("tls.server_name", r.TLS.ServerName)

	ttl := s.item(dataTTLField.key, dataTTLField.text(s))
	ttl.Key = "redis." + ttl.Key
	return append(items, ttl)
}

func tlsText(t TLS) string {
	switch {
	case t.InsecureSkipVerify:
		return "on, the server's certificate is not verified"
	case t.Enabled:
		return "on"
	}
	return "off"
}

func (s *Settings) explainPools() Item {
	if s.Pools == nil {
		return s.item("pools", "as Redis has them")
	}
	vms := 0
	for _, p := range s.Pools {
		vms += p.Size.Value
	}
	return s.item("pools", fmt.Sprintf("%d, of %d VMs in all", len(s.Pools), vms))
}

// printable quotes a text that would not stay in its column or would steer the
// terminal.
func printable(text string) string {
	if oneLine(text) != text {
		return strconv.Quote(text)
	}
	return text
}

// oneLine escapes what is not printable, as a Go string would.
func oneLine(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return !strconv.IsPrint(c) }) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		c, size := utf8.DecodeRuneInString(text)
		if strconv.IsPrint(c) && (c != utf8.RuneError || size > 1) {
			b.WriteRune(c)
		} else {
			quoted := strconv.Quote(text[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	return b.String()
}
