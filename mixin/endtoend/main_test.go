package endtoend

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// root is the project's own directory, where the bundle's files are.
const root = "../.."

// exporterBinary is the program under test, built once for all tests.
var exporterBinary string

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "endtoend")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if !testing.Short() {
		exporterBinary = filepath.Join(dir, "vmpooler_exporter")
		build := exec.Command("go", "build", "-buildvcs=false", "-o", exporterBinary, ".")
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build the exporter: %w\n%s", err, out)
		}
	}
	if code := m.Run(); code != 0 {
		return code, nil
	}
	return 0, goleak.Find()
}
