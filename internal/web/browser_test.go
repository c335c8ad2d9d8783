package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// inCI says whether what can't be tested is a failure.
func inCI() bool { return os.Getenv("CI") == "true" }

var told sync.Map

// notTested says what is left out, once: in the output, of which go test shows nothing
// where it runs many packages, and in the file that NOT_TESTED names, for make to show.
func notTested(what string) string {
	line := "!!! NOT TESTED: " + what + "."
	if _, before := told.LoadOrStore(line, true); before {
		return line
	}
	fmt.Fprintln(os.Stderr, line)
	name := os.Getenv("NOT_TESTED")
	if name == "" {
		return line
	}
	if _, err := os.ReadFile(name); err == nil || errors.Is(err, fs.ErrNotExist) { // read, so that what is cached without it is not taken for tested
		_ = os.MkdirAll(filepath.Dir(name), 0o755)
		if f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
			fmt.Fprintln(f, line)
			f.Close()
		}
	}
	return line
}

// browser is one tab of a real Chromium. What its console says, which is where a
// violated Content-Security-Policy shows, fails the test.
type browser struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp's handle of a tab is a context

	mu       sync.Mutex
	console  []string
	expected []string // parts of what the console may say
}

// leaveOut ends a test that needs a browser, where there is to be none.
func leaveOut(t *testing.T, why string) {
	t.Helper()
	t.Skip(why) //nolint:forbidigo // the one thing that may be missing, other than in CI
}

// newBrowser starts a Chromium. Where there is none the test is left out, loudly, and
// fails in CI; and it is left out in the short form of the tests: the race detector has
// nothing to find in a browser.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	if *update {
		leaveOut(t, "this run writes golden files, and tests nothing")
	}
	if testing.Short() {
		leaveOut(t, notTested("the page in a browser: this is the short form of the tests"))
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		line := notTested("the page in a browser: there is no Chromium. Install the package chromium")
		if inCI() {
			t.Fatal(line)
		}
		leaveOut(t, line)
	}
	b := &browser{t: t}
	alloc, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))...)
	ctx, cancel := chromedp.NewContext(alloc, chromedp.WithListener(b.listen))
	t.Cleanup(func() {
		cancel()
		stop()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, line := range b.console {
			if !slices.ContainsFunc(b.expected, func(part string) bool { return strings.Contains(line, part) }) {
				t.Errorf("the browser's console: %s", line)
			}
		}
	})
	b.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // the browser's life is this context's, which has no deadline
		t.Fatal(err)
	}
	return b
}

func (b *browser) listen(ev any) {
	var line string
	switch ev := ev.(type) {
	case *cdplog.EventEntryAdded:
		line = ev.Entry.Text + " " + ev.Entry.URL
	case *runtime.EventExceptionThrown:
		line = ev.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		line = fmt.Sprint("console.", ev.Type)
	default:
		return
	}
	b.mu.Lock()
	b.console = append(b.console, line)
	b.mu.Unlock()
}

// do runs steps within a time that a page never needs.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval returns what a JavaScript expression is, as a string.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.200s: %v", expression, err)
	}
	return text
}

// until waits for a JavaScript expression to be true, on whatever page comes.
func (b *browser) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(20*time.Millisecond)))
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			b.t.Fatalf("waiting for %s: %v\n%s", expression, err, b.eval("location.href + document.body.innerText"))
		} // else the page that was asked went away
	}
}

// look sets what the page is looked at with.
func (b *browser) look(width, height int64, scheme string) {
	b.t.Helper()
	options := []chromedp.EmulateViewportOption{}
	if width < 600 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateScale(2))
	}
	b.do(chromedp.EmulateViewport(width, height, options...), func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return chromedp.Void{}, err
	})
}

func (b *browser) shoot(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		dir = b.t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// fits fails where a page is wider than the window: a phone would have to be moved
// about to read it.
func (b *browser) fits() {
	b.t.Helper()
	if wide := b.eval(`String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`); wide != "0" {
		b.t.Errorf("%s is %s pixels too wide", b.eval("location.href"), wide)
	}
}

// axe fails for what axe-core finds; it is a file that AXE names, and not ours. Without
// it this is left out, loudly, and fails in CI.
func (b *browser) axe() {
	b.t.Helper()
	source, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		line := notTested("whether the page is accessible: $AXE names no axe.min.js, which make test fetches")
		if inCI() {
			b.t.Fatal(line)
		}
		return
	}
	b.eval(string(source) + `;"loaded"`)
	found := b.eval(`axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.map((v) =>
		v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map((n) => n.html + " " + (n.any[0]?.message ?? "")).join(" | ")).join("\n"))`)
	if found != "" {
		b.t.Errorf("axe, %s:\n%s", b.eval("location.href"), found)
	}
}
