package compile

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-jsonnet/formatter"
	"github.com/google/go-jsonnet/linter"
)

// Sources are the mixin's jsonnet files by path, the folder included.
func Sources(mixin string) (map[string]string, error) {
	sources := make(map[string]string)
	folder := os.DirFS(mixin)
	err := fs.WalkDir(folder, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := filepath.Ext(path); ext == ".jsonnet" || ext == ".libsonnet" {
			text, err := fs.ReadFile(folder, path)
			if err != nil {
				return err
			}
			sources[filepath.Join(mixin, path)] = string(text)
		}
		return nil
	})
	return sources, err
}

// Formatted is the code as `make mixin` writes it: the formatter's own defaults are
// the style of the other mixins.
func Formatted(path, code string) (string, error) {
	return formatter.Format(path, code, formatter.DefaultOptions())
}

// Lint returns what jsonnet's linter holds against the sources: names that are
// unused or unknown, fields that can't be there; "" is nothing.
func Lint(sources map[string]string) string {
	snippets := make([]linter.Snippet, 0, len(sources))
	for _, path := range slices.Sorted(maps.Keys(sources)) {
		snippets = append(snippets, linter.Snippet{FileName: path, Code: sources[path]})
	}
	var said strings.Builder
	linter.LintSnippet(machine(), &said, snippets)
	return said.String()
}
