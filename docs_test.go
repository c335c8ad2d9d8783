package main

import (
	"bufio"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/access"
	"github.com/vmpooler/vmpooler_exporter/internal/api"
	"github.com/vmpooler/vmpooler_exporter/internal/checkredis"
	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/publish"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// docFiles are what these tests hold against the program, by path.
func docFiles(t *testing.T) map[string]string {
	t.Helper()
	paths := []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "mixin/README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/runbooks/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	files := make(map[string]string)
	for _, path := range paths {
		files[path] = readDoc(t, path)
	}
	return files
}

func readDoc(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tableRows returns the cells of the rows of Markdown tables whose first cell
// that is a code span begins with prefix.
func tableRows(text, prefix string) [][]string {
	var rows [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| `"+prefix) || !strings.HasSuffix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

var codeSpan = regexp.MustCompile("`([^`]*)`")

func codeSpans(text string) []string {
	var spans []string
	for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
		spans = append(spans, m[1])
	}
	slices.Sort(spans)
	return spans
}

// family is a metric's type and the names of its labels, ascending.
type family struct {
	kind   string
	labels []string
}

var labelName = regexp.MustCompile(`([a-z_]+)="(?:[^"\\]|\\.)*"`)

// metricFamilies reads the golden exposition, and adds build_info, which is not
// in it.
func metricFamilies(t *testing.T) map[string]family {
	t.Helper()
	families := make(map[string]family)
	for line := range strings.Lines(readDoc(t, "collector/testdata/metrics.txt")) {
		line = strings.TrimSuffix(line, "\n")
		if typed, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(typed, " ")
			families[name] = family{kind: kind}
		}
		if line == "" || line[0] == '#' {
			continue
		}
		name := line[:strings.IndexAny(line, "{ ")]
		f, ok := families[name]
		if !ok {
			t.Fatalf("%s has no TYPE: histograms and summaries need a rule of their own here", name)
		}
		if len(f.labels) == 0 {
			for _, m := range labelName.FindAllStringSubmatch(line, -1) {
				f.labels = append(f.labels, m[1])
			}
			slices.Sort(f.labels)
			families[name] = f
		}
	}
	reg := baseRegistry()
	registerLeader(reg, func() bool { return true })
	newReloadOutcome(reg)
	gathered, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, mf := range gathered {
		if !strings.HasPrefix(mf.GetName(), "vmpooler_") {
			continue
		}
		f := family{kind: strings.ToLower(mf.GetType().String())}
		for _, l := range mf.GetMetric()[0].GetLabel() {
			f.labels = append(f.labels, l.GetName())
		}
		slices.Sort(f.labels)
		families[mf.GetName()] = f
	}
	return families
}

func TestDocsListEveryMetricWithItsTypeAndLabels(t *testing.T) {
	text := readDoc(t, "docs/metrics.md")
	families := metricFamilies(t)
	if len(families) < 30 {
		t.Fatalf("only %d metrics found", len(families))
	}
	seen := make(map[string]bool)
	for _, row := range tableRows(text, "vmpooler_") {
		name := codeSpans(row[0])[0]
		f, ok := families[name]
		switch {
		case !ok:
			t.Errorf("%s is documented and does not exist", name)
		case seen[name]:
			t.Errorf("%s is documented twice", name)
		case row[1] != f.kind || !slices.Equal(codeSpans(row[2]), f.labels):
			t.Errorf("%s is documented as %s %v, and is %s %v", name, row[1], codeSpans(row[2]), f.kind, f.labels)
		}
		seen[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !seen[name] {
			t.Errorf("docs/metrics.md: %s is not in the table", name)
		}
		if !strings.Contains(text, "\n### `"+name+"`\n") {
			t.Errorf("docs/metrics.md: %s has no section", name)
		}
	}
}

// metricName finds what could be a metric of ours; keys of vmpooler's have two
// underscores.
var metricName = regexp.MustCompile(`\bvmpooler_[a-z0-9][a-z0-9_]*`)

// mixinName finds what looks like one and is none: what the mixin records, behind its
// level, and its files.
var mixinName = regexp.MustCompile(`[a-z]:vmpooler_\w+|vmpooler_\w+\.yaml`)

// described takes what is registered and says what it is.
type described struct {
	prometheus.Registerer

	families map[string]family
}

var descOf = regexp.MustCompile(`^Desc\{fqName: "([^"]*)",.* variableLabels: \{([^}]*)\}\}$`)

func (d described) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		descs := make(chan *prometheus.Desc, 10)
		c.Describe(descs)
		close(descs)
		for desc := range descs {
			found := descOf.FindStringSubmatch(desc.String())
			f := family{labels: strings.FieldsFunc(found[2], func(r rune) bool { return r == ',' })}
			slices.Sort(f.labels)
			switch c.(type) {
			case *prometheus.CounterVec, *prometheus.GaugeVec, prometheus.Gauge, prometheus.Counter:
				f.kind = "counter"
				if !strings.HasSuffix(found[1], "_total") {
					f.kind = "gauge"
				}
			case *prometheus.HistogramVec:
				f.kind = "histogram"
			}
			d.families[found[1]] = f
		}
	}
}

// backgroundFamilies are the metrics that no scrape's collector makes, by the page
// that lists them and by name.
func backgroundFamilies() map[string]map[string]family {
	letters, events := described{families: map[string]family{}}, described{families: map[string]family{}}
	listings, purges := described{families: map[string]family{}}, described{families: map[string]family{}}
	dlq.NewMetrics(letters, time.Now)
	dlq.NewEvents(events)
	published, answers := described{families: map[string]family{}}, described{families: map[string]family{}}
	publish.NewMetrics(published)
	api.NewMetrics(answers)
	access.NewGuard(&access.Policy{}, answers, log.NewNopLogger())
	inventory.NewMetrics(listings, nil)
	purger.NewMetrics(purges)
	return map[string]map[string]family{
		"docs/api.md": answers.families, "docs/dlq.md": letters.families, "docs/events.md": events.families, "docs/health.md": published.families, "docs/inventory.md": listings.families,
		"docs/purge.md": purges.families,
	}
}

func TestDocsListEveryMetricOfTheBackground(t *testing.T) {
	for page, families := range backgroundFamilies() {
		for _, row := range tableRows(readDoc(t, page), "vmpooler_") {
			name := codeSpans(row[0])[0]
			if f, ok := families[name]; !ok || row[1] != f.kind || !slices.Equal(codeSpans(row[2]), f.labels) {
				t.Errorf("%s: %s is documented as %s %s, and is %+v", page, name, row[1], row[2], f)
			}
			delete(families, name)
		}
		for name := range families {
			t.Errorf("%s: no row for %s", page, name)
		}
	}
}

func TestDocsNameNoMetricThatDoesNotExist(t *testing.T) {
	families := metricFamilies(t)
	for _, more := range backgroundFamilies() {
		maps.Copy(families, more)
	}
	others := []string{
		programName,
		"vmpooler_vmpooler_health", // vmpooler's own
	}
	for path, text := range docFiles(t) {
		for _, name := range metricName.FindAllString(mixinName.ReplaceAllString(text, ""), -1) {
			_, ok := families[name]
			if base, found := strings.CutSuffix(name, "_bucket"); found && families[base].kind == "histogram" {
				ok = true
			}
			if !ok && !slices.Contains(others, name) && !strings.Contains(name, "__") {
				t.Errorf("%s: there is no metric %s", path, name)
			}
		}
	}
}

// documentedFlag is how docs/flags.md writes a flag.
func documentedFlag(f *kingpin.FlagModel) string {
	if f.IsBoolFlag() {
		return "--[no-]" + f.Name
	}
	return "--" + f.Name
}

func TestDocsListEveryFlagWithItsDefault(t *testing.T) {
	text := readDoc(t, "docs/flags.md")
	model := newProgram(io.Discard, io.Discard).app.Model()
	want := make(map[string]string) // command and flag → default
	add := func(command string, flags []*kingpin.FlagModel) {
		for _, f := range flags {
			if !f.Hidden {
				want[strings.TrimSpace(command+" "+documentedFlag(f))] = strings.Join(f.Default, " ")
			}
		}
	}
	add("", model.Flags)
	for _, c := range model.Commands {
		if c.Hidden {
			continue
		}
		add(c.Name, c.Flags)
		if rows := tableRows(text, c.Name); len(rows) == 0 {
			t.Errorf("docs/flags.md: no command %s", c.Name)
		}
	}
	got := make(map[string]string)
	for _, row := range tableRows(text, "--") {
		got[strings.Trim(row[0], "`")] = strings.Trim(row[1], "`")
	}
	for _, c := range model.Commands {
		for _, row := range tableRows(text, c.Name) {
			if flag := strings.Trim(row[1], "`"); strings.HasPrefix(flag, "--") {
				got[c.Name+" "+flag] = strings.Trim(row[2], "`")
			}
		}
	}
	if runtime.GOOS != "linux" { // there it is no flag
		delete(got, "--[no-]web.systemd-socket")
	}
	for flag, def := range want {
		documented, ok := got[flag]
		if !ok {
			t.Errorf("docs/flags.md: no %s", flag)
		} else if documented != def {
			t.Errorf("docs/flags.md: the default of %s is %q, not %q", flag, def, documented)
		}
	}
	for flag := range got {
		if _, ok := want[flag]; !ok {
			t.Errorf("docs/flags.md: there is no %s", flag)
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notSlug = regexp.MustCompile(`[^a-z0-9 _-]`)
)

func slug(title string) string {
	return strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}

func TestDocsLinksLeadSomewhere(t *testing.T) {
	for path, text := range docFiles(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", path, m[1])
				continue
			}
			if anchor == "" {
				continue
			}
			found := slices.ContainsFunc(heading.FindAllStringSubmatch(readDoc(t, target), -1), func(h []string) bool {
				return slug(h[1]) == anchor
			})
			if !found {
				t.Errorf("%s: %s has no heading for #%s", path, target, anchor)
			}
		}
	}
}

// shellLines are the calls of the program in fenced blocks, without a prompt.
func shellLines(text string) []string {
	var lines []string
	fenced := false
	s := bufio.NewScanner(strings.NewReader(text))
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		line = strings.TrimPrefix(line, "$ ")
		if fenced && strings.HasPrefix(line, programName+" ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestDocsShellLinesParse(t *testing.T) {
	n := 0
	for path, text := range docFiles(t) {
		for _, line := range shellLines(text) {
			n++
			if strings.ContainsAny(line, `|&;<>#"'\`) {
				t.Errorf("%s: %q: write it without what only a shell understands", path, line)
				continue
			}
			p := newProgram(io.Discard, io.Discard)
			p.app.Terminate(func(int) {})
			if _, err := p.app.Parse(strings.Fields(line)[1:]); err != nil {
				t.Errorf("%s: %q: %v", path, line, err)
			} else if err := p.validate(); err != nil {
				t.Errorf("%s: %q: %v", path, line, err)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d lines found", n)
	}
}

func TestDocsShowTheACLThatCheckRedisPrints(t *testing.T) {
	text := readDoc(t, "docs/redis.md")
	for _, acl := range []checkredis.ACLLine{
		checkredis.ReadACL(0),
		checkredis.FastReadACL(checkredis.Version{Product: "Redis", Number: "7.0.0"}),
		checkredis.FastReadACL(checkredis.Version{Product: "Redis", Number: "6.2.0"}),
	} {
		if !strings.Contains(text, "\n"+acl.Line+"\n") {
			t.Errorf("docs/redis.md lacks the ACL for %s:\n%s", acl.Purpose, acl.Line)
		}
	}
}

func TestDocsShowAReportThatHealthPrints(t *testing.T) {
	_, shown, ok := strings.Cut(readDoc(t, "README.md"), "On a bad night:\n\n```text\n")
	if !ok {
		t.Fatal("README.md shows no report")
	}
	shown, _, _ = strings.Cut(shown, "…\n```")
	if printed := readDoc(t, "internal/cli/testdata/health/unhealthy-pipe.txt"); !strings.HasPrefix(printed, shown) {
		t.Errorf("README.md shows\n%s\nand health prints\n%s", shown, printed)
	}
}
