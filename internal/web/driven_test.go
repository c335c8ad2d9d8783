package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func serve(t *testing.T, s *scene, o Options) string {
	t.Helper()
	server := httptest.NewServer(s.handler(o))
	t.Cleanup(server.Close)
	return server.URL
}

func everybody(*http.Request) (string, bool) { return "ops", true }

func TestPagesInABrowser(t *testing.T) {
	b := newBrowser(t)
	hostile := hostileScene()
	for name, c := range map[string]struct {
		scene *scene
		path  string
		admin bool
	}{
		"overview-0-pools":   {newScene(), "/", false},
		"overview-6-healthy": {healthyScene(), "/", false},
		"overview-6-pools":   {troubledScene(), "/", true},
		"overview-200-pools": {manyScene(), "/", false},
		"redis-is-down":      {downScene(), "/", false},
		"nothing-known":      {neverScene(), "/", false},
		"hostile":            {hostile, "/", false},
		"hostile-letters":    {hostile, "/dlq", true},
		"dead-letters":       {longScene(), "/dlq?order=oldest", true},
		"kinds":              {manyKinds(71), "/dlq/kinds", false},
		"pool":               {troubledScene(), "/pool/win-2022-x86_64", false},
		"hostile-pool":       {hostile, poolHref(hostileTexts[1]), false},
		"not-known":          {troubledScene(), "/find?q=WIN", false},
		"purge":              {troubledScene(), "/purge", true},
		"vm":                 {troubledScene(), "/vm/quiet-otter", false},
		"request":            {troubledScene(), "/request/7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11", false},
		"not-found":          {troubledScene(), "/nowhere", false},
	} {
		o := Options{}
		if c.admin {
			o = Options{Admin: &fakeAdmin{}, IsAdmin: everybody, MostRequeued: 20}
		}
		if strings.HasPrefix(name, "not-") {
			b.expected = append(b.expected, c.path)
		}
		url := serve(t, c.scene, o)
		for _, scheme := range []string{"light", "dark"} {
			for device, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1366, 900}} {
				b.look(size[0], size[1], scheme)
				b.do(chromedp.Navigate(url + c.path))
				b.fits()
				b.axe()
				b.shoot(name + "-" + device + "-" + scheme)
			}
		}
	}
}

func TestOverviewIsSortedFilteredAndDrilledInto(t *testing.T) {
	b := newBrowser(t)
	s := troubledScene()
	url := serve(t, s, Options{})
	b.look(1366, 900, "light")
	first := `document.querySelector("#pool-list tbody th bdi").textContent`
	rows := `document.querySelectorAll("#pool-list tbody tr").length`
	b.do(chromedp.Navigate(url + "/"))
	if title := b.eval("document.title"); !strings.HasPrefix(title, "unhealthy: 1,204 dead letters") {
		t.Errorf("the title is %q", title)
	}
	b.until(first + ` === "win-2022-x86_64"`)

	b.do(chromedp.Click(`thead th:first-child a`))
	b.until(`location.search === "?sort=name" && ` + first + ` === "centos-7-x86_64"`)
	if s := b.eval(`document.querySelector("[aria-sort]").textContent.trim() + document.querySelectorAll("[aria-sort]").length`); s != "Pool1" {
		t.Errorf("sorted by %q", s)
	}

	b.do(chromedp.SendKeys(`input[name=pool]`, "WIN"))
	b.until(rows + ` === 2 && location.search === "?pool=WIN&sort=name"`)
	b.do(chromedp.SetValue(`select[name=filter]`, "stuck"))
	b.eval(`document.querySelector("select[name=filter]").dispatchEvent(new Event("input", {bubbles: true})); ""`)
	b.until(rows + ` === 1`)
	b.do(chromedp.Reload()) // the address says the same
	b.until(rows + ` === 1 && document.querySelector("input[name=pool]").value === "WIN"`)

	b.do(chromedp.Navigate(url+"/"), chromedp.Click(`.groups a`))
	b.until(`location.pathname === "/dlq"`)
	if got := b.eval(`document.querySelector("input[name=error]").value`); !strings.Contains(got, "no space left on datastore") {
		t.Errorf("the list is filtered by %q", got)
	}
	b.do(chromedp.Click(`tbody th a`))
	b.until(`location.pathname === "/vm/quiet-otter" && document.querySelectorAll(".line li").length === 3`)
	b.do(chromedp.Click(`.facts a[href^="/request/"]`))
	b.until(`document.querySelector("h1").textContent.startsWith("7a1f2c9e")`)
}

func TestStuckVMsAreDrilledInto(t *testing.T) {
	b := newBrowser(t)
	s := troubledScene()
	s.view.State.Snapshot.Pools[5].Queues[0].VMs[60].Name = "quiet-otter"
	url := serve(t, s, Options{})
	b.look(1366, 900, "light")
	b.do(chromedp.Navigate(url+"/"), chromedp.Click(`a.tag.bad`))
	b.until(`location.pathname === "/pool/win-2022-x86_64" && document.querySelectorAll(".vms tbody tr").length === 63`)
	if n := b.eval(`String(document.querySelectorAll(".vms .tag").length)`); n != "61" {
		t.Errorf("%s VMs are said to be stuck", n)
	}
	b.do(chromedp.Click(`.vms tbody tr:first-child a`))
	b.until(`location.pathname === "/vm/quiet-otter"`)
	b.do(chromedp.Navigate(url+"/"), chromedp.Click(`.reasons li:last-child a`))
	b.until(`location.pathname === "/pool/debian-12-x86_64"`)
	b.do(chromedp.Click(`.tabs a:nth-child(3)`))
	b.until(`location.search === "?queue=running" && document.querySelectorAll(".vms tbody tr").length === 30`)
}

// TestTheLimitIsSeenOnABar counts the colours of a bar that is past its limit: its own,
// what is not filled, the mark, and the gaps beside it.
func TestTheLimitIsSeenOnABar(t *testing.T) {
	b := newBrowser(t)
	url := serve(t, troubledScene(), Options{})
	for _, scheme := range []string{"light", "dark"} {
		b.look(1366, 900, scheme)
		b.do(chromedp.Navigate(url + "/"))
		if got := b.eval(`(() => {
			const bar = document.querySelector(".bar.half.warn"), style = (e) => getComputedStyle(e);
			const mark = style(bar.querySelector(".m")).stroke, row = style(bar.closest("table")).backgroundColor;
			const light = (c) => c.match(/[\d.]+/g).slice(0, 3).map((x) => (x /= 255) <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4)
				.reduce((sum, x, i) => sum + x * [.2126, .7152, .0722][i], .05);
			const contrast = (a, b) => Math.max(light(a) / light(b), light(b) / light(a));
			return [contrast(mark, row) >= 4.5, style(bar).maskImage.includes("gradient"), bar.querySelector("path").getBBox().width > 30].join();
		})()`); got != "true,true,true" {
			t.Errorf("%s: a mark that contrasts with the gaps beside it, the gaps, a bar beyond the mark: %s", scheme, got)
		}
	}
}

func TestNamesAreFound(t *testing.T) {
	b := newBrowser(t)
	url := serve(t, troubledScene(), Options{})
	find := func(name string) {
		b.do(chromedp.Navigate(url+"/dlq"), chromedp.SendKeys(`.find input`, name), chromedp.Click(`.find button`))
	}
	find("quiet-otter")
	b.until(`location.pathname === "/vm/quiet-otter"`)
	find(" 7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11 ")
	b.until(`location.pathname === "/request/7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11"`)
	find("win-2019-x86_64")
	b.until(`location.pathname === "/pool/win-2019-x86_64"`)
	b.expected = append(b.expected, "/find?q=win")
	find("win")
	b.until(`document.querySelector("h1").textContent === "Nothing is known of it" && document.querySelector(".find input").value === "win"`)
	b.do(chromedp.Click(`.oops a`))
	b.until(`location.search === "?pool=win" && document.querySelectorAll("#pool-list tbody tr").length === 2`)
}

func TestPageIsRefreshedWithoutDisturbing(t *testing.T) {
	b := newBrowser(t)
	s := healthyScene()
	url := serve(t, s, Options{})
	b.do(chromedp.Navigate(url+"/"), chromedp.Click("#config summary"), chromedp.SendKeys(`input[name=pool]`, "win"))
	b.until(`document.querySelectorAll("#pool-list tbody tr").length === 2`)
	s.mu.Lock()
	s.view = troubledScene().view
	s.mu.Unlock()
	b.eval(`document.dispatchEvent(new Event("visibilitychange")); ""`)
	b.until(`document.title.startsWith("unhealthy")`)
	for what, expression := range map[string]string{
		"the details are open":                 `document.getElementById("config").open`,
		"the field has its text and the focus": `document.activeElement.name === "pool" && document.activeElement.value === "win"`,
		"the filter is kept":                   `document.querySelectorAll("#pool-list tbody tr").length === 2`,
		"the icon is red":                      `document.querySelector("link[rel=icon]").href.includes("icon-bad")`,
		"the change is read out":               `document.getElementById("news").textContent.startsWith("unhealthy")`,
	} {
		if b.eval("String("+expression+")") != "true" {
			t.Errorf("not so: %s", what)
		}
	}
}

func TestPageWorksWithoutJavaScript(t *testing.T) {
	b := newBrowser(t)
	url := serve(t, troubledScene(), Options{})
	b.do(func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}, chromedp.Navigate(url+"/"), chromedp.SendKeys(`input[name=pool]`, "win"), chromedp.Click(`.filters button`),
		chromedp.WaitVisible(`input[name=pool][value=win]`))
	at := func() string {
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		defer cancel()
		at, err := chromedp.Run(ctx, chromedp.Location())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := at(); !strings.Contains(at, "pool=win&filter=all&sort=worst") {
		t.Errorf("the form led to %q", at)
	}
	b.do(chromedp.SendKeys(`.find input`, "quiet-otter"), chromedp.Click(`.find button`), chromedp.WaitVisible(`ol.line`))
	if at := at(); at != url+"/vm/quiet-otter" {
		t.Errorf("what was looked for is at %q", at)
	}
}

// longScene has a page of 50 dead letters, 40 of which have a request of their own.
func longScene() *scene {
	s := troubledScene()
	first := s.page.Records
	for i := len(first); i < 50; i++ {
		r := first[i%len(first)]
		r.ID = fmt.Sprintf("clone-%016x", i+1)
		if r.RequestID = ""; i < 42 {
			r.RequestID = fmt.Sprintf("0000beef-0000-4000-8000-%012x", i)
		}
		s.page.Records = append(s.page.Records, r)
	}
	return s
}

func TestAdminRequeuesInABrowser(t *testing.T) {
	b := newBrowser(t)
	admin := &fakeAdmin{}
	url := serve(t, longScene(), Options{Admin: admin, IsAdmin: everybody, MostRequeued: 20})
	b.look(1366, 900, "light")
	b.do(chromedp.Navigate(url + "/dlq"))
	seen := `(() => { const r = document.querySelector(".picks").getBoundingClientRect(); return String(r.bottom <= innerHeight && r.top > 0) })()`
	if b.eval(seen) != "true" {
		t.Error("the buttons of a long list are not seen from its beginning")
	}
	contains(t, b.eval(`document.querySelector(".picks").innerText`), "20 at most at once")

	b.do(chromedp.Click(`.picks .all input`))
	b.until(`document.querySelector(".chosen").textContent === "50 chosen, of 40 requests: too many to be requeued at once"`)
	b.until(`document.querySelector(".picks button").disabled && !document.querySelector(".picks button.danger").disabled`)
	b.axe()
	b.shoot("chosen-desktop-light")
	b.do(chromedp.Click(`.picks .all input`))
	b.until(`document.querySelector(".chosen").textContent === "" && document.querySelectorAll("input[name=id]:checked").length === 0`)

	b.do(chromedp.Click(`tbody tr:nth-child(1) input`), chromedp.Click(`tbody tr:nth-child(4) input`))
	b.until(`document.querySelector(".chosen").textContent === "2 chosen" && document.querySelector(".all input").indeterminate`)
	b.do(chromedp.Click(`.picks .with button`))
	b.until(`document.querySelector("h1").textContent === "Requeue the requests of 2 dead letters?"`)
	b.fits()
	b.axe()
	b.shoot("requeue-desktop-light")
	if calls := admin.done(); len(calls) > 0 {
		t.Fatalf("before it was confirmed: %v", calls)
	}
	b.do(chromedp.Click(`main button`))
	b.until(`document.querySelector("h1").textContent === "Requeued"`)
	b.axe()
	b.shoot("requeued-desktop-light")
	want := []string{"requeue clone-0000000000000001,clone-0000000000000004 ops"}
	if got := admin.done(); !slices.Equal(got, want) {
		t.Errorf("calls: %v, want %v", got, want)
	}
}

func TestAdminPurgesInABrowserAndAReaderDoesNot(t *testing.T) {
	b := newBrowser(t)
	admin := &fakeAdmin{}
	url := serve(t, troubledScene(), Options{Admin: admin, IsAdmin: everybody})
	b.look(1366, 900, "light")
	b.do(chromedp.Navigate(url+"/"), chromedp.Click(`#purge button`))
	b.until(`document.querySelector("h1").textContent === "What a purge would do now"`)
	b.fits()
	b.axe()
	b.shoot("purge-plan-desktop-light")
	if calls := admin.done(); len(calls) != 1 || calls[0] != "plan ops" {
		t.Fatalf("calls: %v", calls)
	}
	b.do(chromedp.Click(`button.danger`))
	b.until(`document.querySelector("h1").textContent === "The purge is done"`)
	b.axe()
	b.shoot("purge-done-desktop-light")

	b.do(chromedp.Navigate(url+"/dlq"), chromedp.Click(`tbody tr:first-child input`), chromedp.Click(`.picks button.danger`))
	b.until(`document.querySelector("h1").textContent === "Delete 1 dead letter?"`)
	b.axe()
	b.shoot("delete-desktop-light")
	b.do(chromedp.Click(`button.danger`))
	b.until(`document.querySelector("h1").textContent === "Deleted"`)
	want := []string{"plan ops", "apply K7Q2ZNDM4FXA ops", "delete clone-0000000000000001 ops"}
	if got := admin.done(); !slices.Equal(got, want) {
		t.Errorf("calls: %v, want %v", got, want)
	}

	reader := &fakeAdmin{}
	url = serve(t, troubledScene(), Options{Admin: reader, IsAdmin: func(*http.Request) (string, bool) { return "", false }})
	b.expected = append(b.expected, "403")
	b.do(chromedp.Navigate(url + "/"))
	if n := b.eval(`String(document.querySelectorAll("form[method=post]").length)`); n != "0" {
		t.Errorf("a reader has %s forms that change something", n)
	}
	b.eval(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = "/admin/purge/plan"; document.body.append(f); f.submit(); return "" })()`)
	b.until(`document.querySelector("h1")?.textContent === "Only for admins"`)
	b.shoot("refused-desktop-light")
	if calls := reader.done(); len(calls) > 0 {
		t.Errorf("for a reader it did %v", calls)
	}
}
