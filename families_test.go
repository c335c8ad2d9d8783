package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// familiesFile lists every metric that the exporter can serve: what alerts and
// dashboards ask for is held against it, in mixin/lint.
const familiesFile = "testdata/families.txt"

func TestFamiliesAreListedForTheMixin(t *testing.T) {
	families := metricFamilies(t)
	for _, more := range backgroundFamilies() {
		maps.Copy(families, more)
	}
	var listed strings.Builder
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		fmt.Fprintln(&listed, strings.TrimSpace(fmt.Sprintf("%s %s %s", name, f.kind, strings.Join(f.labels, ","))))
	}
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(familiesFile, []byte(listed.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(readDoc(t, familiesFile), listed.String()); diff != "" {
		t.Errorf("%s (-) and the exporter (+) differ; run: go test . -run Families -update\n%s", familiesFile, diff)
	}
}
