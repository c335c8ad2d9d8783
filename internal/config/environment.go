package config

import (
	"strconv"
	"strings"
)

// Variables of the environment that vmpooler itself reads. As with vmpooler,
// VMPOOLER_CONFIG is the text of a configuration and goes before any file.
const (
	envConfig        = "VMPOOLER_CONFIG"
	envConfigFile    = "VMPOOLER_CONFIG_FILE"
	envExtraConfig   = "EXTRA_CONFIG"
	envRedisServer   = "REDIS_SERVER"
	envRedisPort     = "REDIS_PORT"
	envRedisPassword = "REDIS_PASSWORD"
)

// inEnvironment is how a variable is named in errors and sources.
func inEnvironment(name string) string { return "environment " + name }

// environment applies vmpooler's variables. An empty one counts as not set.
// The host and the port are left alone where a flag overrides them: in a
// Kubernetes namespace with a service named redis, every container has a
// REDIS_PORT that is no port.
func (d *decoder) environment(getenv func(string) string, addrByFlag bool) {
	if host := getenv(envRedisServer); host != "" && !addrByFlag {
		if hint := wrongHost(host); hint != "" {
			d.fail(place{}, inEnvironment(envRedisServer), "%s", hint)
		} else {
			d.host = host
			d.from("redis.server", inEnvironment(envRedisServer))
		}
	}
	if port := getenv(envRedisPort); port != "" && !addrByFlag {
		d.environmentPort(port)
	}
	if password := getenv(envRedisPassword); password != "" {
		d.s.Redis.Password = Secret(password)
		d.from("redis.password", inEnvironment(envRedisPassword))
	}
	for _, f := range append([]field{dataTTLField}, configFields...) {
		if f.env == "" {
			continue
		}
		s := strings.TrimSpace(getenv(f.env))
		if s == "" {
			continue
		}
		name := inEnvironment(f.env)
		if !decimal.MatchString(s) {
			d.fail(place{}, name, "must be a whole number%s, not %s", f.noun(), shown(s))
			continue
		}
		n, _ := strconv.ParseInt(s, 10, 64)
		if d.inRange(f, place{}, name, n) {
			f.setNumber(d.s, n)
			d.from(f.key, name)
		}
	}
}

func (d *decoder) environmentPort(port string) {
	name := inEnvironment(envRedisPort)
	n, err := strconv.Atoi(port)
	switch {
	case strings.HasPrefix(port, "tcp://"):
		d.fail(place{}, name, "must be a number from 1 to 65535: this one is Kubernetes' own, for a service named redis; "+
			"set enableServiceLinks: false in the pod, or give --redis.addr")
	case err != nil || n < 1 || n > 65535:
		d.fail(place{}, name, "must be a number from 1 to 65535, not %s", shown(port))
	default:
		d.port = strconv.Itoa(n)
		d.from("redis.port", name)
	}
}
