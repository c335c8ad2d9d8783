package config

import "os"

// Overrides are the values of the exporter's flags. What is empty or nil was
// not given, and overrides nothing.
type Overrides struct {
	RedisAddr         Secret // --redis.addr; a Secret, for there may be a password in it
	RedisUsername     string // --redis.username
	RedisPasswordFile string // --redis.password-file

	TLSCAFile     string // --redis.tls-ca-file
	TLSCertFile   string // --redis.tls-cert-file
	TLSKeyFile    string // --redis.tls-key-file
	TLSServerName string // --redis.tls-server-name
	TLSSkipVerify bool   // --redis.tls-skip-verify

	SentinelMaster       string   // --redis.sentinel-master
	SentinelAddrs        []string // --redis.sentinel-addr, once for each Sentinel
	SentinelUsername     string   // --redis.sentinel-username
	SentinelPasswordFile string   // --redis.sentinel-password-file

	DLQEnabled    *bool // --[no-]dlq.enabled
	PurgeEnabled  *bool // --[no-]purge.enabled
	PurgeDryRun   *bool // --[no-]purge.dry-run
	HealthPublish *bool // --[no-]health.publish
}

// flagSource is how a flag is named in a source.
func flagSource(name string) string { return "flag " + name }

// overrides applies the flags.
func (d *decoder) overrides(o Overrides) {
	d.overrideAddr(o)
	d.overrideLogin(o)
	d.overrideTLS(o)
	d.overrideSentinel(o)
	for _, f := range []struct {
		flag, key string
		value     *bool
		to        *bool
	}{
		{"--dlq.enabled", "dlq_enabled", o.DLQEnabled, &d.s.DLQ.Enabled},
		{"--purge.enabled", "purge_enabled", o.PurgeEnabled, &d.s.Purge.Enabled},
		{"--purge.dry-run", "purge_dry_run", o.PurgeDryRun, &d.s.Purge.DryRun},
		{"--health.publish", "health_check_enabled", o.HealthPublish, &d.s.Health.Publish},
	} {
		if f.value == nil {
			continue
		}
		*f.to = *f.value
		name := f.flag
		if !*f.value {
			name = "--no-" + name[len("--"):]
		}
		d.from(f.key, flagSource(name))
	}
}

// overrideAddr applies --redis.addr. It replaces the host and the port
// together, and the login as far as it names one.
func (d *decoder) overrideAddr(o Overrides) {
	if o.RedisAddr == "" {
		return
	}
	const name = "--redis.addr"
	a, err := parseRedisAddr(o.RedisAddr.Reveal())
	if err != nil {
		d.fail(place{}, name, "%s", err)
		return
	}
	r := &d.s.Redis
	r.Network, r.Addr, r.DB = a.network, a.addr, a.db
	for _, key := range []string{"redis.server", "redis.port", "redis.socket", "redis.database"} {
		d.from(key, flagSource(name))
	}
	if a.hasUsername {
		r.Username = a.username
		d.from("redis.username", flagSource(name))
	}
	if a.hasPassword {
		r.Password = a.password
		d.from("redis.password", flagSource(name))
	}
	if a.tls {
		r.TLS.Enabled = true
		d.from("redis.tls", flagSource(name))
	}
}

func (d *decoder) overrideLogin(o Overrides) {
	r := &d.s.Redis
	if o.RedisUsername != "" {
		r.Username = o.RedisUsername
		d.from("redis.username", flagSource("--redis.username"))
	}
	if o.RedisPasswordFile != "" {
		r.Password, r.PasswordFile = d.passwordFile("--redis.password-file", o.RedisPasswordFile)
		d.from("redis.password", flagSource("--redis.password-file"))
	}
}

// passwordFile reads a password, and says whether its file can be read again.
func (d *decoder) passwordFile(flag, path string) (Secret, string) {
	password, err := readPassword(path)
	if err != nil {
		d.unreadable(flag, path, err)
		return "", ""
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return password, ""
	}
	return password, path
}

func (d *decoder) unreadable(flag, path string, err error) {
	d.failOf(reason(err), place{}, flag, "cannot read "+path)
}

// overrideTLS applies --redis.tls-*, each of which turns TLS on.
func (d *decoder) overrideTLS(o Overrides) {
	tls := &d.s.Redis.TLS
	for _, f := range []struct {
		flag, key, value string
		to               *string
		file             bool
	}{
		{"--redis.tls-ca-file", "redis.tls.ca_file", o.TLSCAFile, &tls.CAFile, true},
		{"--redis.tls-cert-file", "redis.tls.cert_file", o.TLSCertFile, &tls.CertFile, true},
		{"--redis.tls-key-file", "redis.tls.key_file", o.TLSKeyFile, &tls.KeyFile, true},
		{"--redis.tls-server-name", "redis.tls.server_name", o.TLSServerName, &tls.ServerName, false},
	} {
		if f.value == "" {
			continue
		}
		*f.to = f.value
		d.from(f.key, flagSource(f.flag))
		d.enableTLS(f.flag)
		if f.file {
			if err := readable(f.value); err != nil {
				d.unreadable(f.flag, f.value, err)
			}
		}
	}
	if o.TLSSkipVerify {
		tls.InsecureSkipVerify = true
		d.enableTLS("--redis.tls-skip-verify")
	}
	switch {
	case tls.CertFile != "" && tls.KeyFile == "":
		d.fail(place{}, "--redis.tls-cert-file", "needs --redis.tls-key-file beside it")
	case tls.CertFile == "" && tls.KeyFile != "":
		d.fail(place{}, "--redis.tls-key-file", "needs --redis.tls-cert-file beside it")
	}
	if tls.Enabled && d.s.Redis.Network == "unix" && o.SentinelMaster == "" {
		d.fail(place{}, "--redis.addr", "is a unix socket, which takes no TLS: leave --redis.tls-* out")
	}
}

func (d *decoder) enableTLS(flag string) {
	if d.s.Redis.TLS.Enabled {
		return
	}
	d.s.Redis.TLS.Enabled = true
	d.from("redis.tls", flagSource(flag))
}

// overrideSentinel applies --redis.sentinel-*.
func (d *decoder) overrideSentinel(o Overrides) {
	const master, addr = "--redis.sentinel-master", "--redis.sentinel-addr"
	r := &d.s.Redis
	for _, s := range o.SentinelAddrs {
		a, err := hostPort(s, defaultSentinelPort)
		if err != nil {
			d.fail(place{}, addr, "%s", err)
			continue
		}
		r.SentinelAddrs = append(r.SentinelAddrs, a)
		d.from("redis.sentinel.addresses", flagSource(addr))
	}
	if o.SentinelMaster != "" {
		r.SentinelMaster = o.SentinelMaster
		d.from("redis.sentinel.master", flagSource(master))
		if o.RedisAddr != "" {
			d.warn(place{}, "--redis.addr", "its host is not used: Sentinel says where Redis is")
		}
	}
	if o.SentinelUsername != "" {
		r.SentinelUsername = o.SentinelUsername
		d.from("redis.sentinel.username", flagSource("--redis.sentinel-username"))
	}
	if o.SentinelPasswordFile != "" {
		r.SentinelPassword, r.SentinelPasswordFile = d.passwordFile("--redis.sentinel-password-file", o.SentinelPasswordFile)
		d.from("redis.sentinel.password", flagSource("--redis.sentinel-password-file"))
	}
	switch {
	case o.SentinelMaster != "" && len(o.SentinelAddrs) == 0:
		d.fail(place{}, master, "needs at least one %s", addr)
	case o.SentinelMaster == "" && len(o.SentinelAddrs) > 0:
		d.fail(place{}, addr, "needs %s, the name of the set of masters and replicas", master)
	case o.SentinelMaster == "" && o.SentinelUsername != "":
		d.fail(place{}, "--redis.sentinel-username", "needs %s", master)
	case o.SentinelMaster == "" && o.SentinelPasswordFile != "":
		d.fail(place{}, "--redis.sentinel-password-file", "needs %s", master)
	}
}
