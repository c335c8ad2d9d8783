package build

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// root is the project's, as seen from this package.
const root = "../.."

// promu is as much of .promu.yml as this project uses; a key that is not here
// is an error.
type promu struct {
	Go struct {
		Version string
		CGO     bool
	}
	Repository struct{ Path string }
	Build      struct {
		Binaries []struct{ Name, Path string }
		Flags    string
		LDFlags  string `yaml:"ldflags"`
	}
	Tarball    struct{ Files []string }
	Crossbuild struct{ Platforms []string }
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func readPromu(t *testing.T) promu {
	t.Helper()
	var p promu
	dec := yaml.NewDecoder(strings.NewReader(read(t, ".promu.yml")))
	dec.KnownFields(true)
	if err := dec.Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

// The values that both sides are given in place of today's.
var given = map[string]string{
	"VERSION": "1.2.3-rc.4", "REVISION": "0123abc", "BRANCH": "topic", "BUILD_USER": "me@here", "BUILD_DATE": "20060102-15:04:05",
}

// dryRun returns the words of each command that make would run for target, as
// the shell splits them.
func dryRun(t *testing.T, target string, args ...string) [][]string {
	t.Helper()
	for name, value := range given {
		args = append(args, name+"="+value)
	}
	// A make that runs this test must not pass its own flags on.
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "MAKE") || strings.HasPrefix(s, "MFLAGS") })
	var commands [][]string
	for line := range strings.Lines(output(t, env, "make", append([]string{"-n", "--no-print-directory", "GO=go", target}, args...)...)) {
		words := output(t, env, "sh", "-c", "set -f; printf '%s\\n' "+line)
		commands = append(commands, strings.Split(strings.TrimSuffix(words, "\n"), "\n"))
	}
	return commands
}

func output(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = root, env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}

// ldflags fills in .promu.yml's template as promu does.
func (p promu) ldflags(t *testing.T) string {
	t.Helper()
	user, host, _ := strings.Cut(given["BUILD_USER"], "@")
	tmpl, err := template.New("ldflags").Option("missingkey=error").Funcs(template.FuncMap{
		"user": func() string { return user },
		"host": func() string { return host },
		"date": func(layout string) string { return layout },
	}).Parse(p.Build.LDFlags)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = tmpl.Execute(&b, map[string]string{"Version": given["VERSION"], "Revision": given["REVISION"], "Branch": given["BRANCH"]})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestMakeBuildsWhatPromuDescribes(t *testing.T) {
	p := readPromu(t)
	if len(p.Build.Binaries) != 1 {
		t.Fatalf(".promu.yml names %d binaries, want one", len(p.Build.Binaries))
	}
	cgo := "CGO_ENABLED=0"
	if p.Go.CGO {
		cgo = "CGO_ENABLED=1"
	}
	want := slices.Concat([]string{cgo, "go", "build"}, strings.Fields(p.Build.Flags),
		[]string{"-ldflags", p.ldflags(t), "-o", p.Build.Binaries[0].Name, p.Build.Binaries[0].Path})
	if diff := cmp.Diff([][]string{want}, dryRun(t, "build")); diff != "" {
		t.Errorf(".promu.yml (-) and make -n build (+) differ:\n%s", diff)
	}
}

func TestTheTarballHoldsWhatPromuPacks(t *testing.T) {
	p := readPromu(t)
	commands := dryRun(t, "tarball", "EPOCH=1")
	got := commands[len(commands)-1]
	want := slices.Concat([]string{"GO=go", "scripts/tarball.sh", given["VERSION"], "1", p.Build.Binaries[0].Name}, p.Tarball.Files)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf(".promu.yml (-) and make -n tarball (+) differ:\n%s", diff)
	}
	for _, name := range p.Tarball.Files {
		if strings.TrimSpace(read(t, name)) == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

func TestMakeBuildsForTheSamePlatforms(t *testing.T) {
	m := regexp.MustCompile(`(?m)^PLATFORMS +:= ((?:.*\\\n)*.*)$`).FindStringSubmatch(read(t, "Makefile"))
	if m == nil {
		t.Fatal("the Makefile sets no PLATFORMS")
	}
	if diff := cmp.Diff(readPromu(t).Crossbuild.Platforms, strings.Fields(strings.ReplaceAll(m[1], "\\\n", " "))); diff != "" {
		t.Errorf(".promu.yml's platforms (-) and the Makefile's (+) differ:\n%s", diff)
	}
}

func TestPromuNamesTheModuleAndItsGo(t *testing.T) {
	mod := read(t, "go.mod")
	first := func(re string) string {
		m := regexp.MustCompile(re).FindStringSubmatch(mod)
		if m == nil {
			t.Fatalf("go.mod has no %s", re)
		}
		return m[1]
	}
	p := readPromu(t)
	if want := first(`(?m)^module (\S+)$`); p.Repository.Path != want {
		t.Errorf(".promu.yml's repository is %s, go.mod's module %s", p.Repository.Path, want)
	}
	if want := first(`(?m)^go (\d+\.\d+)(?:\.\d+)?$`); p.Go.Version != want {
		t.Errorf(".promu.yml's Go is %s, go.mod's %s", p.Go.Version, want)
	}
}
