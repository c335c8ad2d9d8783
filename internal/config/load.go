package config

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
)

const extraConfigKey = "extra_config"

// Options say what to read.
type Options struct {
	File      string              // vmpooler.yaml; empty to go by the environment
	Getenv    func(string) string // nil for os.Getenv
	Overrides Overrides
}

// Load reads the settings, by rising precedence: vmpooler's defaults, the
// file, the files of its extra_config, the environment, the flags.
//
// The error is an Errors with all that is wrong; the settings are then nil.
func Load(opts Options) (*Settings, error) {
	getenv := opts.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	d := newDecoder()
	root := d.files(opts.File, getenv)
	d.file(root)
	d.environment(getenv, opts.Overrides.RedisAddr != "")
	d.pools(root)
	d.s.Redis.Addr = net.JoinHostPort(d.host, d.port)
	d.overrides(opts.Overrides)
	d.review()

	d.sort(d.order)
	d.cut()
	if len(d.errs) > 0 {
		return nil, d.errs
	}
	d.s.Warnings = d.warnings
	return d.s, nil
}

// files reads the file and its extra files into one value, nil when there is
// none or nothing in it.
func (d *decoder) files(file string, getenv func(string) string) *value {
	if file == "" {
		if text := getenv(envConfig); text != "" {
			return d.parse(inEnvironment(envConfig), []byte(text))
		}
		if file = getenv(envConfigFile); file == "" {
			return nil
		}
	}
	root := d.open(file, place{file: file}, "")
	for _, extra := range d.extraFiles(root, getenv) {
		path := extra.name
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && !filepath.IsAbs(path) {
			// vmpooler looks only in the directory it was started in, which
			// need not be the exporter's.
			if beside := filepath.Join(filepath.Dir(file), path); readable(beside) == nil {
				path = beside
			}
		}
		root = mergeExtra(root, d.open(path, extra.at, extra.key), &d.report)
	}
	return root
}

// open reads one file. An error is reported at the place that names the file.
func (d *decoder) open(path string, at place, key string) *value {
	data, err := readLimited(path, maxFileSize)
	if err != nil {
		msg := "cannot be read"
		if key != "" {
			msg = "cannot read " + path
		}
		d.failOf(reason(err), at, key, msg)
		return nil
	}
	d.s.Files = append(d.s.Files, path)
	return d.parse(path, data)
}

// parse reads the text of one file.
func (d *decoder) parse(name string, data []byte) *value {
	d.order = append(d.order, name)
	v, err := parse(name, data, &d.report)
	if err != nil {
		d.add(err)
		return nil
	}
	return v
}

// extraFile is a file that extra_config names, and where it does.
type extraFile struct {
	name string
	at   place
	key  string
}

// extraFiles lists the files of EXTRA_CONFIG, else of extra_config.
func (d *decoder) extraFiles(root *value, getenv func(string) string) []extraFile {
	names, at, key := getenv(envExtraConfig), place{}, inEnvironment(envExtraConfig)
	if names == "" {
		v := root.get(symbolConfig).field(extraConfigKey)
		if v == nil {
			return nil
		}
		var ok bool
		if names, ok = text(v); !ok {
			d.fail(v.at, extraConfigKey, "must be names of files with commas between them, not %s", v.describe())
			return nil
		}
		at, key = v.at, extraConfigKey
	}
	var extras []extraFile
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); name != "" {
			extras = append(extras, extraFile{name, at, key})
		}
	}
	return extras
}
