package inventory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// dummyText is a file as vmpooler's dummy provider writes it.
const dummyText = `---
pool:
  centos-7-x86_64:
  - name: pix-a
    hostname: DUMMYpix-a
    vm_template: Templates/centos
    template: centos-7-x86_64
    poolname: centos-7-x86_64
    ready: false
    boottime: 2026-11-23 08:32:46.123456789 +00:00
    snapshots: []
    disks:
    - 20
  - name: pix-b
  empty: []
  nothing:
  nameless:
  - hostname: pix-c
`

// writeOld writes a file that nobody has written to for a while.
func writeOld(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func TestDummyReadsItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dummy.yaml")
	writeOld(t, path, dummyText)
	p := config.Provider{Name: "dummy", Class: config.ClassDummy, Filename: path}
	for pool, want := range map[string][]string{"centos-7-x86_64": {"pix-a", "pix-b"}, "empty": {}} {
		vms, err := listPool(t, p, config.Pool{Name: pool}, Options{})
		if diff := cmp.Diff(want, vms); diff != "" || err != nil {
			t.Error(err, diff)
		}
	}
	for pool, want := range map[string]string{"nosuch": "does not name the pool", "nothing": "does not name the pool", "nameless": "without a name"} {
		_, err := listPool(t, p, config.Pool{Name: pool}, Options{})
		wantError(t, err, want)
	}
}

func TestDummyThatCantBeReadIsAnError(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "garbage": "\t{", "list": "- a\n", "another": "a: b\n"} {
		writeOld(t, filepath.Join(dir, name), text)
	}
	for file, want := range map[string]string{
		"": "can't be asked", "nosuch": "no such file", ".": "is no file", "empty": "is empty",
		"garbage": "is not what the dummy provider writes", "list": "is not what the dummy provider writes", "another": "does not name the pool",
	} {
		if file != "" {
			file = filepath.Join(dir, file)
		}
		_, err := listPool(t, config.Provider{Name: "dummy", Class: config.ClassDummy, Filename: file}, config.Pool{Name: "p"}, Options{})
		wantError(t, err, want)
	}
}

// TestDummyNeverReadsHalfAFile reads while the file is written anew in pieces, each
// of which leaves a valid one.
func TestDummyNeverReadsHalfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dummy.yaml")
	const n = 40
	writeAll := func() {
		f, err := os.Create(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		fmt.Fprint(f, "pool:\n  p:\n")
		for i := range n {
			fmt.Fprintf(f, "  - name: vm%d\n", i)
		}
	}
	writeAll()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				writeAll()
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for ctx.Err() == nil {
		vms, err := dummy{path}.List(ctx, config.Pool{Name: "p"})
		if err == nil && len(vms) != n {
			t.Errorf("%d VMs", len(vms))
		}
	}
	close(stop)
	<-done
}

func TestAPoolWithoutAProviderIsTheDummys(t *testing.T) {
	pool := config.Pool{Name: "p"}
	inv, err := New(nil, []config.Pool{pool}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, inv.List(t.Context(), []config.Pool{pool})[0].Err, `provider "dummy": it keeps its VMs in vmpooler's memory`)
}
