package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/crypto/bcrypt"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// webConfig writes exporter-toolkit's file, with users who are their own passwords.
func webConfig(t *testing.T, users ...string) string {
	t.Helper()
	text := "basic_auth_users:\n"
	for _, user := range users {
		hash, err := bcrypt.GenerateFromPassword([]byte(user), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("  %s: %s\n", user, hash)
	}
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// ask sends a request that change has changed, as ada with JSON.
func (e *exporter) ask(method, path, body string, change func(*http.Request)) (status int, answer string) {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), method, "http://"+e.addr+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	r.SetBasicAuth("ada", "ada")
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// contents is all that stands in Redis, but for the exporter's lease and the countdown of
// TTLs.
func contents(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, key := range c.Keys(t.Context(), "*").Val() {
		if !strings.HasPrefix(key, "vmpooler_exporter__lease") {
			all[key] = c.Dump(t.Context(), key).Val()
		}
	}
	return all
}

// troubled has a stuck VM, a dead letter and a failed request in it.
func troubled(t *testing.T) (*testredis.Server, *redis.Client, string) {
	t.Helper()
	s := testredis.New(t)
	c := s.Client(t)
	pending(t, c, "p", 1, 3*time.Hour)
	at := time.Now().UTC().Truncate(time.Second)
	must(t, c, "ZADD", vmpooler.DLQKey("pending"), at.Unix(), fmt.Sprintf(
		`vm:%d:{"vm":"vm","pool":"p","queue_from":"pending","error_class":"Timeout","error_message":"too late","failed_at":"%s","retry_count":0,"request_id":"r"}`,
		at.Unix(), at.Format("2006-01-02T15:04:05+00:00")))
	must(t, c, "HSET", vmpooler.RequestKey("r"), "requested", "alias:p:1", "status", "failed", "token:token", "s3cr3tt0ken")
	out, _, code := command(t, "dlq", "list", unixAddr(s), "--output=csv")
	lines := strings.Split(out, "\n")
	if code != 0 || len(lines) < 2 {
		t.Fatalf("dlq list: %d %s", code, out)
	}
	id, _, _ := strings.Cut(lines[1], ",")
	return s, c, id
}

// Every call that changes something is refused without each one of its conditions,
// and then nothing has changed.
func TestWhatChangesSomethingNeedsAllOfItsConditions(t *testing.T) {
	s, c, id := troubled(t)
	users := webConfig(t, "ada", "bob")
	on := start(t, unixAddr(s), "--web.config.file="+users, "--web.enable-admin-api", "--web.admin-users=ada")
	off := start(t, unixAddr(s), "--web.config.file="+users)
	before := contents(t, c)
	calls := map[string]func(e *exporter, change func(*http.Request)) (int, string){
		"purge": func(e *exporter, f func(*http.Request)) (int, string) {
			return e.ask("POST", "/api/v1/queue/purge", "{}", f)
		},
		"requeue": func(e *exporter, f func(*http.Request)) (int, string) {
			return e.ask("POST", "/api/v1/queue/dlq/requeue", `{"requests":["r"]}`, f)
		},
		"delete": func(e *exporter, f func(*http.Request)) (int, string) {
			return e.ask("DELETE", "/api/v1/queue/dlq/"+id, "", f)
		},
		"reload": func(e *exporter, f func(*http.Request)) (int, string) { return e.ask("POST", "/-/reload", "", f) },
	}
	for path, body := range map[string]string{
		"purge/plan": "", "purge/apply": "plan=x", "dlq/requeue": "confirm=yes&id=" + id, "dlq/delete": "confirm=yes&id=" + id,
	} {
		calls["the form "+path] = func(e *exporter, f func(*http.Request)) (int, string) {
			return e.ask("POST", "/admin/"+path, body, asForm(f))
		}
	}
	for name, call := range calls {
		for why, lack := range map[string]struct {
			e      *exporter
			change func(*http.Request)
			want   []int
		}{
			"it is off":                   {off, nil, []int{403}},
			"no login":                    {on, func(r *http.Request) { r.Header.Del("Authorization") }, []int{401}},
			"a wrong password":            {on, func(r *http.Request) { r.SetBasicAuth("ada", "guess") }, []int{401}},
			"no admin":                    {on, func(r *http.Request) { r.SetBasicAuth("bob", "bob") }, []int{403}},
			"another site's page":         {on, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, []int{403}},
			"another site, by its origin": {on, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, []int{403}},
			"no JSON":                     {on, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, []int{403}},
			"another method":              {on, func(r *http.Request) { r.Method = "PUT" }, []int{405}},
		} {
			if why == "no JSON" && (name == "delete" || name == "reload" || strings.HasPrefix(name, "the form")) { // they have none
				continue
			}
			if status, body := call(lack.e, lack.change); !slices.Contains(lack.want, status) {
				t.Errorf("%s, %s: %d %s", name, why, status, body)
			}
		}
	}
	if after := contents(t, c); !maps.Equal(before, after) {
		t.Errorf("it wrote something: %q", slices.Sorted(maps.Keys(after)))
	}
	on.has2(t, `vmpooler_exporter_refused_calls_total{reason="not_admin"} 8`)
	if text := on.log.String(); strings.Contains(text, "guess") || !strings.Contains(text, "a login failed") {
		t.Errorf("the log:\n%s", text)
	}

	for name, want := range map[string]string{"requeue": `"state":"requeued"`, "delete": `"deleted":1`, "purge": `"outcome":"applied"`, "reload": `"success"`} {
		status, body := calls[name](on, nil)
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if out, _, _ := command(t, "purge", "history", unixAddr(s), "--output=csv"); !strings.Contains(out, "web:ada") {
		t.Errorf("the audit does not say who: %s", out)
	}
	if got := c.HGet(t.Context(), vmpooler.RequestKey("r"), "status").Val(); got != "pending" {
		t.Errorf("the request is %s", got)
	}
}

// asForm lets a request be one of the page's forms, and then f change it.
func asForm(f func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if f != nil {
			f(r)
		}
	}
}

// The page asks a second time, and then does what was asked for.
func TestThePagesFormsRequeueAndDelete(t *testing.T) {
	s, c, id := troubled(t)
	e := start(t, unixAddr(s), "--web.config.file="+webConfig(t, "ada"), "--web.enable-admin-api", "--web.admin-users=ada")
	status := func() string { return c.HGet(t.Context(), vmpooler.RequestKey("r"), "status").Val() }
	left := func() int64 { return c.ZCard(t.Context(), vmpooler.DLQKey("pending")).Val() }
	for _, step := range []struct {
		path, form, has string
		status          string
		left            int64
	}{
		{"requeue", "id=" + id, "Requeue the requests of 1 dead letter?", "failed", 1},
		{"requeue", "confirm=yes&id=" + id, "1 of 1 request put back", "pending", 1},
		{"delete", "id=" + id, "Delete 1 dead letter?", "pending", 1},
		{"delete", "confirm=yes&id=" + id, "1 of 1 dead letter deleted", "pending", 0},
	} {
		code, page := e.ask("POST", "/admin/dlq/"+step.path, step.form, asForm(nil))
		if code != http.StatusOK || !strings.Contains(page, step.has) || status() != step.status || left() != step.left {
			t.Errorf("%s %s: %d, the request is %s, %d are left:\n%.3000s", step.path, step.form, code, status(), left(), page)
		}
	}
	if code, page := e.ask("POST", "/admin/dlq/delete", "confirm=yes&id="+id, asForm(nil)); code != http.StatusNotFound {
		t.Errorf("again: %d %.500s", code, page)
	}
	if n := strings.Count(e.log.String(), "an admin asks for a change"); n != 3 || !strings.Contains(e.log.String(), "user=ada") {
		t.Errorf("%d lines:\n%s", n, &e.log)
	}
}

// A path that is not clean is answered as the API answers.
func TestWhatIsNoCallOfTheAPIIsNeverRedirected(t *testing.T) {
	server.Client(t)
	e := start(t, unixAddr(server))
	for _, path := range []string{"//api/v1/queue/health", "/api//v1/queue/health", "/api/v1/../v1/queue/health", "/x/../api/v1/queue/health", "/api", "/api/", "/api/v1"} {
		if status, body := e.ask("GET", path, "", nil); status != http.StatusNotFound || !strings.Contains(body, `"errorType":"not_found"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := e.ask("GET", "/apix", "", nil); status != http.StatusNotFound || !strings.Contains(body, "<html") {
		t.Errorf("/apix: %d %.200s", status, body)
	}
}

// has2 waits for a line of /metrics, with ada's login.
func (e *exporter) has2(t *testing.T, want string) {
	t.Helper()
	e.until("/metrics has "+want, func() bool {
		_, body := e.ask("GET", "/metrics", "", nil)
		return strings.Contains(body, want+"\n")
	})
}

func TestTheAdminAPIDoesNotStartWhereStrangersCouldUseIt(t *testing.T) {
	for name, args := range map[string][]string{
		"open to all":   {"--web.enable-admin-api", "--web.listen-address=:0"},
		"without users": {"--web.enable-admin-api", "--web.listen-address=127.0.0.1:0", "--web.config.file=" + webConfig(t, "ada")},
	} {
		if _, stderr, code := command(t, args...); code != 1 || !strings.Contains(stderr, "--web.") {
			t.Errorf("%s: %d %s", name, code, stderr)
		}
	}
}

func TestWhatIsServed(t *testing.T) {
	s, _, id := troubled(t)
	e := start(t, unixAddr(s))
	for path, want := range map[string]struct {
		status int
		has    string
	}{
		"/":                           {200, "<html"},
		"/-/healthy":                  {200, "runs"},
		"/-/ready":                    {200, "answers"},
		"/api/v1/queue/health":        {200, `"status":"success"`},
		"/api/v1/queue/dlq":           {200, id},
		"/api/v1/queue/dlq/" + id:     {200, "too late"},
		"/api/v1/queue/vm/vm":         {200, "too late"},
		"/api/v1/queue/request/r":     {200, "failed"},
		"/api/v1/queue/purge":         {200, `"enabled":false`},
		"/api/v1/queue/purge/history": {200, `"records":[]`},
		"/api/v1/openapi.json":        {200, "3.1"},
		"/api/v1/nothing":             {404, "not_found"},
		"/vm/vm":                      {200, "too late"},
		"/nothing":                    {404, "<html"},
		"/debug/pprof/":               {404, "<html"},
	} {
		status, body := e.get(path)
		if status != want.status || !strings.Contains(body, want.has) {
			t.Errorf("%s: %d, lacks %q:\n%.300s", path, status, want.has, body)
		}
		if strings.Contains(body, "s3cr3tt0ken") {
			t.Errorf("%s has a user's token", path)
		}
	}
	if status, body := e.ask("POST", "/-/reload", "", nil); status != http.StatusForbidden {
		t.Errorf("reload: %d %s", status, body)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if status, _ := e.get("/-/ready"); status != http.StatusServiceUnavailable {
		t.Errorf("ready without Redis: %d", status)
	}
	if status, _ := e.get("/-/healthy"); status != http.StatusOK {
		t.Errorf("not healthy without Redis: %d", status)
	}
	profiled := start(t, "--redis.addr=redis://127.0.0.1:1", "--web.enable-pprof")
	if status, _ := profiled.get("/debug/pprof/cmdline"); status != http.StatusOK {
		t.Errorf("pprof: %d", status)
	}
}

// From the page a purge is planned first, shown, and then confirmed: by the user who
// saw it, once.
func TestAPurgeFromThePageIsThePlanThatWasShown(t *testing.T) {
	s, c, _ := troubled(t)
	e := start(t, unixAddr(s), "--web.config.file="+webConfig(t, "ada", "bob"), "--web.enable-admin-api", "--web.admin-users=ada", "--web.admin-users=bob")
	as := func(user string) func(*http.Request) {
		return func(r *http.Request) {
			r.SetBasicAuth(user, user)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	before := contents(t, c)
	status, page := e.ask("POST", "/admin/purge/plan", "", as("ada"))
	_, rest, ok := strings.Cut(page, `name="plan" value="`)
	if status != http.StatusOK || !ok {
		t.Fatalf("%d %s", status, page)
	}
	id, _, _ := strings.Cut(rest, `"`)
	if !maps.Equal(before, contents(t, c)) {
		t.Error("the plan wrote something")
	}
	must(t, c, "SADD", vmpooler.Pending.Key("p"), "later") // it comes after the plan
	must(t, c, "HSET", vmpooler.VMKey("later"), "pool", "p", "clone", vmpooler.FormatTime(time.Now().Add(-3*time.Hour)))
	for _, c := range []struct {
		user string
		want int
		has  string
	}{
		{"bob", http.StatusNotFound, "no such plan of yours"},
		{"ada", http.StatusOK, "applied"},
		{"ada", http.StatusNotFound, "no such plan of yours"},
	} {
		if status, page := e.ask("POST", "/admin/purge/apply", "plan="+id, as(c.user)); status != c.want || !strings.Contains(page, c.has) {
			t.Errorf("%s: %d, lacks %q:\n%.2000s", c.user, status, c.has, page)
		}
	}
	if left := c.SMembers(t.Context(), vmpooler.Pending.Key("p")).Val(); !slices.Equal(left, []string{"later"}) {
		t.Errorf("%q are left", left)
	}
}
