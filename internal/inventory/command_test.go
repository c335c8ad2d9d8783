package inventory

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

var (
	cloud     = config.Provider{Name: "cloud", Class: "openstack"}
	cloudPool = config.Pool{Name: "centos-7-x86_64"}
)

// script is a command that runs these lines of a shell's. The shell is the command;
// that it is one is not the package's doing.
func script(t *testing.T, lines string, args ...string) Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return Options{Command: append([]string{"/bin/sh", path}, args...), Timeout: 20 * time.Second}
}

func TestCommandIsHandedItsArgumentsAsTheyAre(t *testing.T) {
	opts := script(t, `for arg; do printf '%s|' "$arg" | tr ' ' _; done; echo; echo b`, "--region", "a b;$(x)*")
	vms, err := listPool(t, cloud, cloudPool, opts)
	if diff := cmp.Diff([]string{"--region|a_b;$(x)*|cloud|centos-7-x86_64|", "b"}, vms); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestCommandGetsLittleOfTheEnvironment(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", secret)
	t.Setenv("OS_CLOUD", "mine")
	t.Setenv("HOME", "/home/x")
	opts := script(t, `echo "p=$REDIS_PASSWORD"; echo "c=$OS_CLOUD"; echo "h=$HOME"`)
	opts.CommandEnv = []string{"OS_CLOUD", "NOT_SET"}
	vms, err := listPool(t, cloud, cloudPool, opts)
	if diff := cmp.Diff([]string{"p=", "c=mine", "h=/home/x"}, vms); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestCommandThatPrintsNothingIsAnEmptyList(t *testing.T) {
	if vms, err := listPool(t, cloud, cloudPool, script(t, `exit 0`)); err != nil || vms == nil || len(vms) != 0 {
		t.Error(vms, err)
	}
}

func TestCommandWhatIsNoListIsAnError(t *testing.T) {
	for name, c := range map[string]struct{ lines, want string }{
		"fails": {`echo a; echo 'no such
project' >&2; exit 3`, "/bin/sh: exit status 3: no such project"},
		"fails silently":    {`exit 1`, "/bin/sh: exit status 1"},
		"is killed":         {`kill -TERM $$`, "signal: terminated"},
		"prints garbage":    {`echo 'vm one'`, "line 1 of its output is no VM's name"},
		"is cut off":        {`printf 'a\nb'`, "the last line of its output has no end"},
		"floods":            {`while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done`, "prints more than 8 MiB"},
		"names an address":  {`echo 'https://me:hunter2@cloud/v2: 401' >&2; exit 1`, "https://<secret>@cloud/v2: 401"},
		"steers a terminal": {`printf '\033[31mred\033[0m\007' >&2; exit 1`, "[31mred"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := listPool(t, cloud, cloudPool, script(t, c.lines))
			wantError(t, err, c.want)
		})
	}
}

func TestCommandsComplaintIsCut(t *testing.T) {
	_, err := listPool(t, cloud, cloudPool, script(t, `i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1`))
	wantError(t, err, "line 1999")
	if strings.Contains(err.Error(), "line 1000 ") || len(err.Error()) > mostText+200 {
		t.Errorf("%d bytes", len(err.Error()))
	}
}

// background is what a script starts in the background with its first argument, which
// it holds open as long as it lives.
const background = `sh -c 'echo up; exec sleep 1000' > "$1" & `

// fifo is a pipe with a name, and its reading end.
func fifo(t *testing.T) (path string, reader *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	return path, reader
}

// wantDead reads until nobody has the pipe open for writing any more.
func wantDead(t *testing.T, reader *os.File) {
	t.Helper()
	if err := reader.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil || string(text) != "up\n" {
		t.Errorf("what it started lives on, or never did: %q, %v", text, err)
	}
}

func TestCommandThatHangsIsKilledWithAllItStarted(t *testing.T) {
	path, reader := fifo(t)
	opts := script(t, background+`trap '' TERM; while :; do sleep 1000; done`, path)
	opts.Timeout = time.Second
	start := time.Now()
	_, err := listPool(t, cloud, cloudPool, opts)
	wantError(t, err, "no answer in time")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	wantDead(t, reader)
}

func TestCommandWhoseChildKeepsStdoutOpenIsAnError(t *testing.T) {
	path, reader := fifo(t)
	if err := syscall.Mkfifo(path+".ready", 0o600); err != nil {
		t.Fatal(err)
	}
	opts := script(t, `echo a; sh -c 'exec 3> "$0"; echo up >&3; echo > "$0.ready"; exec sleep 1000' "$1" & read x < "$1.ready"`, path)
	inv, err := New([]config.Provider{cloud}, []config.Pool{{Name: "p", Provider: "cloud"}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	inv.providers["cloud"].lister.(*command).wait = 100 * time.Millisecond
	l := inv.List(t.Context(), []config.Pool{{Name: "p", Provider: "cloud"}})[0]
	wantError(t, l.Err, "something it started held on to its output")
	wantDead(t, reader)
}

func TestCommandIsNotHandedOptions(t *testing.T) {
	for _, name := range []string{"-rf", "a\nb", "a\x00b"} {
		_, err := listPool(t, cloud, config.Pool{Name: name}, script(t, `echo a`))
		if err == nil || !strings.Contains(err.Error(), "can't be handed to a command") || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCommandThatCantBeRunIsNewsError(t *testing.T) {
	for _, path := range []string{"/nosuch", "nosuch-command", "/etc/passwd", ""} {
		if _, err := New(nil, nil, Options{Command: []string{path}}); err == nil {
			t.Errorf("%q: no error", path)
		}
	}
}
