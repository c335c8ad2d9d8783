package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// redisAddr is what --redis.addr says.
type redisAddr struct {
	network     string // "tcp" or "unix"
	addr        string // host:port, or the socket's path
	db          int
	tls         bool
	username    string
	password    Secret
	hasUsername bool
	hasPassword bool
}

// What is wrong with an address. None of these repeats any part of it: where a
// password has a / or a # that is not percent-encoded, any part may be the
// password. For the same reason the errors of net/url are not passed on.
var (
	errAddrForm   = errors.New("is no address: write redis://[user:password@]host:port/db, rediss://…, unix:///path/to.sock or host:port, and in a user or password write / as %2F, # as %23, ? as %3F, @ as %40")
	errAddrScheme = errors.New("must begin with redis://, rediss:// or unix://, or be host:port")
	errAddrHost   = errors.New("has no valid host")
	errAddrPort   = errors.New("has a port that is not a number from 1 to 65535")
	errAddrDB     = errors.New("has a database that is not a whole number from 0")
	errAddrQuery  = errors.New("has parameters after a ?; only unix:// takes one, db")
	errAddrSocket = errors.New("needs an absolute path after unix://, as in unix:///run/redis.sock")
)

// parseRedisAddr reads an address of Redis.
func parseRedisAddr(s string) (redisAddr, error) {
	if !strings.Contains(s, "://") {
		if strings.ContainsAny(s, "/@?#") {
			return redisAddr{}, errAddrScheme
		}
		addr, err := hostPort(s, defaultRedisPort)
		return redisAddr{network: "tcp", addr: addr}, err
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return redisAddr{}, errAddrForm
	}
	a := redisAddr{network: "tcp"}
	if u.User != nil {
		a.username = u.User.Username()
		a.hasUsername = a.username != ""
		password, _ := u.User.Password()
		a.password, a.hasPassword = Secret(password), password != ""
	}
	switch u.Scheme {
	case "redis", "rediss":
		a.tls = u.Scheme == "rediss"
		return a.host(u)
	case "unix":
		return a.socket(u)
	}
	return redisAddr{}, errAddrScheme
}

func (a redisAddr) host(u *url.URL) (redisAddr, error) {
	if u.RawQuery != "" || u.ForceQuery {
		return redisAddr{}, errAddrQuery
	}
	addr, err := hostPort(u.Host, defaultRedisPort)
	if err != nil {
		return redisAddr{}, err
	}
	a.addr = addr
	if db := strings.TrimPrefix(u.Path, "/"); db != "" {
		if a.db, err = database(db); err != nil {
			return redisAddr{}, err
		}
	}
	return a, nil
}

func (a redisAddr) socket(u *url.URL) (redisAddr, error) {
	if u.Host != "" || !strings.HasPrefix(u.Path, "/") || len(u.Path) == 1 {
		return redisAddr{}, errAddrSocket
	}
	a.network, a.addr = "unix", u.Path
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return redisAddr{}, errAddrQuery
	}
	for name, values := range query {
		if name != "db" || len(values) != 1 {
			return redisAddr{}, errAddrQuery
		}
		if a.db, err = database(values[0]); err != nil {
			return redisAddr{}, err
		}
	}
	return a, nil
}

func database(s string) (int, error) {
	if !decimal.MatchString(s) {
		return 0, errAddrDB
	}
	db, err := strconv.Atoi(s)
	if err != nil || db < 0 || db > maxCount {
		return 0, errAddrDB
	}
	return db, nil
}

// hostPort reads host, host:port, an IPv6 address and [IPv6]:port.
func hostPort(s, defaultPort string) (string, error) {
	bare := s
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		bare = s[1 : len(s)-1]
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		return net.JoinHostPort(ip.String(), defaultPort), nil
	}
	host, port := s, defaultPort
	if strings.Contains(s, ":") {
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", errAddrHost
		}
	}
	if wrongHost(host) != "" {
		return "", errAddrHost
	}
	if n, err := strconv.Atoi(port); err != nil || !decimal.MatchString(port) || n < 1 || n > 65535 {
		return "", errAddrPort
	}
	return net.JoinHostPort(host, port), nil
}
