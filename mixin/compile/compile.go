// Package compile turns the mixin's jsonnet into the files that people import:
// alerts, recording rules and dashboards. Jsonnet goes in, the bytes of files come
// out; nothing is written but by Write. What they say is judged in mixin/lint.
package compile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-jsonnet"
)

//go:generate go run ./cmd -root ../..

// Folders are those that hold compiled files and nothing else, as seen from the
// project's root.
var Folders = []string{"alerts", "dashboards"}

// entry is a file of the mixin that compiles to something.
type entry struct {
	source string                                   // beside mixin.libsonnet
	read   func(*jsonnet.VM, string) (texts, error) // evaluates it
	format func(source, text string) ([]byte, error)
}

// texts are what an entry says, by path from the project's root.
type texts map[string]string

var entries = []entry{
	{"alerts.jsonnet", one("alerts/vmpooler_alerts.yaml"), formatYAML},
	{"rules.jsonnet", one("alerts/vmpooler_rules.yaml"), formatYAML},
	{"dashboards.jsonnet", many("dashboards", false), formatJSON},
	{"manifests.jsonnet", many("", true), formatYAML},
}

// Files compiles the mixin in the folder, and returns the files by their slashed
// path from the project's root. An entry that is not there, a path outside Folders
// and two entries that write one file are errors.
func Files(mixin string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, e := range entries {
		path := filepath.Join(mixin, e.source)
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
		said, err := e.read(machine(), path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.source, err)
		}
		for path, text := range said {
			if _, ok := files[path]; ok {
				return nil, fmt.Errorf("%s: %s is written by another entry too", e.source, path)
			}
			if folder, _, _ := strings.Cut(path, "/"); !slices.Contains(Folders, folder) || !filepath.IsLocal(path) {
				return nil, fmt.Errorf("%s: %s is in none of %s", e.source, path, Folders)
			}
			if files[path], err = e.format(e.source, text); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", e.source, path, err)
			}
		}
	}
	return files, nil
}

// JSON evaluates jsonnet code that imports relative to the folder.
func JSON(folder, code string) (string, error) {
	vm := machine()
	vm.Importer(&jsonnet.FileImporter{JPaths: []string{folder}})
	return vm.EvaluateAnonymousSnippet("code", code)
}

// machine is made anew for each entry, so that one's imports are not another's.
func machine() *jsonnet.VM { return jsonnet.MakeVM() }

// one reads an entry that is the text of one file.
func one(path string) func(*jsonnet.VM, string) (texts, error) {
	return func(vm *jsonnet.VM, source string) (texts, error) {
		vm.StringOutput = true
		text, err := vm.EvaluateFile(source)
		return texts{path: text}, err
	}
}

// many reads an entry that is an object with a field for each file in the folder.
func many(folder string, asText bool) func(*jsonnet.VM, string) (texts, error) {
	return func(vm *jsonnet.VM, source string) (texts, error) {
		vm.StringOutput = asText
		said, err := vm.EvaluateFileMulti(source)
		placed := make(texts, len(said))
		for name, text := range said {
			path := name
			if folder != "" {
				path = folder + "/" + name
			}
			placed[path] = text
		}
		return placed, err
	}
}
