package compile

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small is a mixin with one of each.
var small = map[string]string{
	"alerts.jsonnet":     `std.manifestYamlDoc({ groups: [{ name: 'g', rules: [{ alert: 'A', annotations: { d: 'x' }, expr: 'a\n  > 1', 'for': '5m', labels: { severity: 'info' } }] }] })`,
	"rules.jsonnet":      `std.manifestYamlDoc({ groups: [{ name: 'r', rules: [{ record: 'a:b:c', expr: 'up' }] }] })`,
	"dashboards.jsonnet": `{ 'one.json': { b: '<&>', a: [1.5, 100000000000000000000] } }`,
	"manifests.jsonnet":  `{ 'alerts/kubernetes/p.yaml': std.manifestYamlDoc({ spec: { x: 1 }, kind: 'K', apiVersion: 'v1' }) }`,
}

// mixin writes the files into a folder, some of them replaced; "" leaves one out.
func mixin(t *testing.T, replaced map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := maps.Clone(small)
	maps.Copy(files, replaced)
	for name, text := range files {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEachEntryBecomesFiles(t *testing.T) {
	files, err := Files(mixin(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for path, content := range files {
		got[path] = string(content)
	}
	want := map[string]string{
		"alerts/vmpooler_alerts.yaml": `# Generated from mixin/alerts.jsonnet: change that, then run: make mixin
groups:
  - name: g
    rules:
      - alert: A
        expr: |-
          a
            > 1
        for: 5m
        labels:
          severity: info
        annotations:
          d: x
`,
		"alerts/vmpooler_rules.yaml": `# Generated from mixin/rules.jsonnet: change that, then run: make mixin
groups:
  - name: r
    rules:
      - record: a:b:c
        expr: up
`,
		"dashboards/one.json": `{
  "a": [
    1.5,
    100000000000000000000
  ],
  "b": "<&>"
}
`,
		"alerts/kubernetes/p.yaml": `# Generated from mixin/manifests.jsonnet: change that, then run: make mixin
apiVersion: v1
kind: K
spec:
  x: 1
`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestTextsKeepTheirType(t *testing.T) {
	files, err := Files(mixin(t, map[string]string{"rules.jsonnet": `std.manifestYamlDoc({ a: '1', b: 'true', c: 'null', d: ': ', e: '{{ x }}', f: 1, g: '# no' })`}))
	if err != nil {
		t.Fatal(err)
	}
	want := "a: \"1\"\nb: \"true\"\nc: \"null\"\nd: ': '\ne: '{{ x }}'\nf: 1\ng: '# no'\n"
	if _, got, _ := strings.Cut(string(files["alerts/vmpooler_rules.yaml"]), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatCannotBeCompiledIsAnError(t *testing.T) {
	for name, replaced := range map[string]map[string]string{
		"a missing entry":       {"rules.jsonnet": ""},
		"code that fails":       {"rules.jsonnet": `error 'no'`},
		"an entry of no text":   {"alerts.jsonnet": `{ a: 1 }`},
		"an empty document":     {"alerts.jsonnet": `''`},
		"broken YAML":           {"alerts.jsonnet": `'a: b: c'`},
		"two for one file":      {"manifests.jsonnet": `{ 'alerts/vmpooler_rules.yaml': 'a: 1' }`},
		"another folder":        {"manifests.jsonnet": `{ 'docs/x.yaml': 'a: 1' }`},
		"out of the folder":     {"dashboards.jsonnet": `{ '../../x.json': {} }`},
		"not a file in a field": {"dashboards.jsonnet": `[1]`},
	} {
		if files, err := Files(mixin(t, replaced)); err == nil {
			t.Errorf("%s compiled to %v", name, slices.Sorted(maps.Keys(files)))
		}
	}
}

func TestWritingRemovesWhatTheMixinNoLongerHas(t *testing.T) {
	root := t.TempDir()
	first := map[string][]byte{"alerts/a.yaml": []byte("1"), "dashboards/kubernetes/b.yaml": []byte("2")}
	second := map[string][]byte{"alerts/a.yaml": []byte("3"), "dashboards/c.json": []byte("4")}
	for _, files := range []map[string][]byte{first, second} {
		if err := Write(root, files); err != nil {
			t.Fatal(err)
		}
		got, err := Existing(root)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(files, got); diff != "" {
			t.Errorf("want (-), got (+):\n%s", diff)
		}
	}
}

func TestUnformattedAndSuspectSourcesAreTold(t *testing.T) {
	dir := mixin(t, map[string]string{"bad.libsonnet": "local unused = 1;\n{a:\"b\"}\n"})
	sources, err := Sources(dir)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.libsonnet")
	got, err := Formatted(bad, sources[bad])
	if want := "local unused = 1;\n{ a: 'b' }\n"; err != nil || got != want {
		t.Errorf("Formatted: %q, %v", got, err)
	}
	if said := Lint(sources); !strings.Contains(said, "bad.libsonnet") || !strings.Contains(said, "unused") {
		t.Errorf("the linter says %q", said)
	}
	delete(sources, bad)
	if said := Lint(sources); said != "" {
		t.Errorf("the linter says %q of what is right", said)
	}
}
