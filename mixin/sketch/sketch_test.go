package sketch_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmpooler/vmpooler_exporter/mixin/sketch"
)

// -sketches=DIR keeps the pages:
//
//	go test ./mixin/sketch -sketches=/tmp/sketches
//	chromium --headless --screenshot=overview.png --window-size=1400,2400 file:///tmp/sketches/vmpooler-overview.html
var sketches = flag.String("sketches", "", "folder into which the pages are written")

type panels []struct {
	Title, Type string
	Panels      panels
}

func (p panels) titles() []string {
	var all []string
	for _, panel := range p {
		all = append(append(all, panel.Title), panel.Panels.titles()...)
	}
	return all
}

func TestASketchHasEveryPanelOfItsDashboard(t *testing.T) {
	paths, err := filepath.Glob("../../dashboards/vmpooler-*.json")
	if err != nil || len(paths) != 3 {
		t.Fatalf("%v, %v: want three dashboards", paths, err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page, err := sketch.HTML(content)
		if err != nil {
			t.Fatal(err)
		}
		var d struct{ Panels panels }
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatal(err)
		}
		text := html.UnescapeString(string(page))
		for _, title := range d.Panels.titles() {
			if !strings.Contains(text, title) {
				t.Errorf("%s: the sketch lacks %s", path, title)
			}
		}
		if *sketches == "" {
			continue
		}
		to := filepath.Join(*sketches, strings.TrimSuffix(filepath.Base(path), ".json")+".html")
		if err := os.WriteFile(to, page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const one = `{"uid": "u", "title": "<T>", "panels": [
	{"type": "row", "title": "Closed", "collapsed": true, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 0}, "panels": [
		{"type": "stat", "title": "Inside", "gridPos": {"h": 4, "w": 6, "x": 6, "y": 1}}]},
	{"type": "row", "title": "Open", "gridPos": {"h": 1, "w": 24, "x": 0, "y": 1}},
	{"type": "timeseries", "title": "Below", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 2}, "targets": [{"refId": "A", "expr": "a < b", "legendFormat": "{{pool}}"}]}
]}`

func TestACollapsedRowMovesWhatIsBelowIt(t *testing.T) {
	page, err := sketch.HTML([]byte(one))
	if err != nil {
		t.Fatal(err)
	}
	const grid = 38 // pixels a line
	for _, want := range []string{
		"<title>&lt;T&gt;</title>", "▸ Closed", "▾ Open", "A a &lt; b", "{{pool}}",
		fmt.Sprintf("left:25%%;width:25%%;top:%dpx", 1*grid),
		fmt.Sprintf("left:0%%;width:100%%;top:%dpx", 5*grid),
		fmt.Sprintf("left:0%%;width:50%%;top:%dpx", 6*grid),
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
}

func TestWhatIsNoDashboardIsAnError(t *testing.T) {
	for _, content := range []string{"", "[]", `{"panels": 1}`} {
		if _, err := sketch.HTML([]byte(content)); err == nil {
			t.Errorf("no error of %q", content)
		}
	}
}
