package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// redisKeys are the keys of :redis: that the exporter reads.
var redisKeys = []string{"server", "port", "password", "data_ttl"}

// decoder fills in Settings from one source after the other, and notes where
// each value came from.
type decoder struct {
	report

	s          *Settings
	host, port string           // of Redis.Addr, which two keys of the file make up
	places     map[string]place // of the settings that came from a file, by Explain's key
	order      []string         // what was read, for the order of the errors
}

func newDecoder() *decoder {
	return &decoder{s: Defaults(), host: defaultRedisHost, port: defaultRedisPort, places: map[string]place{}}
}

// from notes the source of a setting, by Explain's key.
func (d *decoder) from(key, source string) {
	d.s.sources[key] = source
	delete(d.places, key)
}

// fromFile is from for a line of a file.
func (d *decoder) fromFile(key string, at place) {
	d.from(key, at.String())
	d.places[key] = at
}

// file reads what the merged files say. The pools wait until their defaults
// are known; see pools.
func (d *decoder) file(root *value) {
	if root == nil {
		return
	}
	d.checkSections(root)
	if config := d.section(root, "config"); config != nil {
		for _, f := range configFields {
			d.field(f, f.key, config.field(f.key))
		}
		d.thresholds(config.field(thresholdsKey))
		d.checkKeys(config, configKeys())
	}
	if redis := d.section(root, "redis"); redis != nil {
		d.redis(redis)
		d.checkKeys(redis, redisKeys)
	}
	d.providers(root)
}

// section returns a map at the top of the file; nil when it is not there.
func (d *decoder) section(root *value, name string) *value {
	k := key{name, true}
	v := root.get(k)
	if v != nil && v.kind != kindDict {
		d.fail(v.at, k.String(), "must be a map, not %s", v.describe())
		return nil
	}
	return v
}

// field reads one value of the file; name is its key in errors and in Explain.
func (d *decoder) field(f field, name string, v *value) {
	if v == nil {
		return
	}
	if f.flag != nil {
		if v.kind != kindScalar || v.scalar.kind != scalarBool {
			d.fail(v.at, name, "must be true or false, not %s", v.describe())
			return
		}
		*f.flag(d.s) = v.scalar.truth
		d.fromFile(name, v.at)
		return
	}
	if n, ok := d.number(f, name, v); ok {
		f.setNumber(d.s, n)
		d.fromFile(name, v.at)
	}
}

// number reads a number of the file, in the field's unit, and checks it.
func (d *decoder) number(f field, name string, v *value) (int64, bool) {
	n, ok := int64(0), false
	if v.kind == kindScalar {
		n, ok = v.scalar.integer()
	}
	if !ok {
		d.fail(v.at, name, "must be a whole number%s, not %s", f.noun(), v.describe())
		return 0, false
	}
	return n, d.inRange(f, v.at, name, n)
}

func (d *decoder) inRange(f field, at place, name string, n int64) bool {
	switch {
	case n < 0:
		d.fail(at, name, "must not be negative: %d", n)
	case n < f.min:
		d.fail(at, name, "must be at least %d, not %d", f.min, n)
	case n > f.max():
		d.fail(at, name, "must be at most %d%s", f.max(), f.noun())
	default:
		return true
	}
	return false
}

// thresholds reads health_thresholds. Nothing but the exporter and vmpooler's
// own health check reads that map, so a key that is unknown there is a mistake.
func (d *decoder) thresholds(v *value) {
	if v == nil {
		return
	}
	if v.kind != kindDict {
		d.fail(v.at, thresholdsKey, "must be a map, not %s", v.describe())
		return
	}
	names := keysOf(thresholdFields)
	for _, e := range v.entries {
		i := slices.Index(names, e.key.name)
		if i < 0 || e.key.symbol {
			d.fail(e.value.at, thresholdsKey+"."+e.key.String(), "is no threshold%s", didYouMean(e.key.name, names))
			continue
		}
		if e.value.kind != kindNull {
			d.field(thresholdFields[i], thresholdsKey+"."+e.key.name, e.value)
		}
	}
}

// redis reads :redis:.
func (d *decoder) redis(section *value) {
	if v := section.field("server"); v != nil {
		if host, ok := text(v); !ok {
			d.fail(v.at, "server", "must be a host name or an address, not %s", v.describe())
		} else if hint := wrongHost(host); hint != "" {
			d.fail(v.at, "server", "%s", hint)
		} else {
			d.host = host
			d.fromFile("redis.server", v.at)
		}
	}
	if v := section.field("port"); v != nil {
		n, ok := int64(0), false
		if v.kind == kindScalar {
			n, ok = v.scalar.integer()
		}
		if !ok || n < 1 || n > 65535 {
			d.fail(v.at, "port", "must be a number from 1 to 65535, not %s", v.describe())
		} else {
			d.port = strconv.FormatInt(n, 10)
			d.fromFile("redis.port", v.at)
		}
	}
	if v := section.field("password"); v != nil {
		password, ok := text(v)
		if !ok {
			d.fail(v.at, "password", "must be a text")
		} else {
			if !v.scalar.isText() {
				d.warn(v.at, "password", "should be in quotes: Ruby reads it as something else than a text")
			}
			d.s.Redis.Password = Secret(password)
			d.fromFile("redis.password", v.at)
		}
	}
	d.field(dataTTLField, "data_ttl", section.field("data_ttl"))
}

// text is a scalar's text, whatever Ruby would make of it.
func text(v *value) (string, bool) {
	if v.kind != kindScalar {
		return "", false
	}
	return v.scalar.text, true
}

// wrongHost says what is wrong with a host's name; it never repeats the name,
// which may be an address with a password in it.
func wrongHost(host string) string {
	switch {
	case host == "":
		return "must not be empty"
	case strings.ContainsAny(host, "/@?#") || strings.ContainsFunc(host, notInHost):
		return "must be a host name or an address, and nothing else (--redis.addr takes a redis:// address)"
	case strings.Contains(host, ":") && !isIP(host):
		return "must be a host name or an address without a port: the port has a setting of its own"
	}
	return ""
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func notInHost(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' || c == '"' }

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

// configKeys are all keys of :config: that are read.
func configKeys() []string {
	return append(keysOf(configFields), thresholdsKey, extraConfigKey)
}
