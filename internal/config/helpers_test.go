package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// env is an environment of the given variables only.
func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// write makes files in a new directory, which becomes the working directory,
// so that messages show the names as given.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// loadText loads a file of the given text, and nothing else.
func loadText(t *testing.T, text string) (*Settings, error) {
	t.Helper()
	write(t, map[string]string{"vmpooler.yaml": text})
	return Load(Options{File: "vmpooler.yaml", Getenv: env(nil)})
}

// mustLoad is Load without an error.
func mustLoad(t *testing.T, o Options) *Settings {
	t.Helper()
	if o.Getenv == nil {
		o.Getenv = env(nil)
	}
	s, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func explained(s *Settings, key string) Item {
	for _, item := range s.Explain() {
		if item.Key == key {
			return item
		}
	}
	return Item{}
}

// warnings are the warnings as lines.
func warnings(s *Settings) string {
	var lines []string
	for _, w := range s.Warnings {
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n")
}
