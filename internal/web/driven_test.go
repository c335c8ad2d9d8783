package web

import (
	"context"
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
		"dead-letters":       {troubledScene(), "/dlq?order=oldest", true},
		"purge":              {troubledScene(), "/purge", true},
		"vm":                 {troubledScene(), "/vm/quiet-otter", false},
		"request":            {troubledScene(), "/request/7a1f2c9e-5a0b-4a3e-9f70-2f1d7a9f3c11", false},
		"not-found":          {troubledScene(), "/nowhere", false},
	} {
		o := Options{}
		if c.admin {
			o = Options{Admin: &fakeAdmin{}, IsAdmin: everybody}
		}
		if c.path == "/nowhere" {
			b.expected = append(b.expected, "/nowhere")
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
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil || !strings.Contains(at, "pool=win&filter=all&sort=worst") {
		t.Errorf("the form led to %q, %v", at, err)
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

	b.do(chromedp.Navigate(url+"/dlq"), chromedp.Click(`tbody tr:first-child input`), chromedp.Click(`button.danger`))
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
