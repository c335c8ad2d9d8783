package compile

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The project's root and the mixin, as seen from this package.
const (
	root   = "../.."
	source = "../../mixin"
)

func TestCommittedFilesAreWhatTheMixinCompilesTo(t *testing.T) {
	want, err := Files(source)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Existing(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range drift(want, got) {
		t.Error(what)
	}
}

// drift tells what of the committed files is not what compiled.
func drift(compiled, committed map[string][]byte) []string {
	var wrong []string
	for path, content := range compiled {
		if was, ok := committed[path]; !ok {
			wrong = append(wrong, path+" is missing; run: make mixin")
		} else if diff := cmp.Diff(string(was), string(content)); diff != "" {
			wrong = append(wrong, path+" is out of date (committed -, compiled +); run: make mixin\n"+diff)
		}
	}
	for path := range committed {
		if _, ok := compiled[path]; !ok {
			wrong = append(wrong, path+" does not come from the mixin; only what does belongs there")
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestDriftIsFound(t *testing.T) {
	committed := map[string][]byte{"alerts/a.yaml": []byte("a"), "dashboards/b.json": []byte("b")}
	if wrong := drift(maps.Clone(committed), committed); len(wrong) > 0 {
		t.Error(wrong)
	}
	wrong := drift(map[string][]byte{"alerts/a.yaml": []byte("other"), "alerts/c.yaml": []byte("c")}, committed)
	if len(wrong) != 3 || !strings.Contains(wrong[0], "a.yaml is out of date") || !strings.Contains(wrong[1], "c.yaml is missing") || !strings.Contains(wrong[2], "b.json does not come") {
		t.Errorf("%q", wrong)
	}
}

func TestCompilingTwiceGivesTheSame(t *testing.T) {
	first, err := Files(source)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Files(source)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}

func TestSourcesAreFormatted(t *testing.T) {
	sources, err := Sources(source)
	if err != nil {
		t.Fatal(err)
	}
	for path, code := range sources {
		formatted, err := Formatted(path, code)
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(code, formatted); diff != "" {
			t.Errorf("%s is not formatted; run: make mixin\n%s", filepath.ToSlash(path), diff)
		}
	}
}

func TestSourcesAreWithoutSuspectCode(t *testing.T) {
	sources, err := Sources(source)
	if err != nil {
		t.Fatal(err)
	}
	if said := Lint(sources); said != "" {
		t.Error(said)
	}
}
