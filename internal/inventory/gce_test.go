package inventory

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

var (
	debian    = config.Pool{Name: "debian-12-x86_64", Provider: "gce"}
	gceConfig = config.Provider{Name: "gce", Class: config.ClassGCE, Project: "example", Zone: "us-central1-f"}
)

const gcePath = "/compute/v1/projects/example/zones/us-central1-f/instances"

// page is an answer of the Compute API's, with the extra members as JSON.
func page(extra string, vms ...string) string {
	var items []string
	for _, vm := range vms {
		items = append(items, fmt.Sprintf(`{"name":%q,"labels":{"vm":%q,"pool":"debian-12-x86_64"}}`, vm, vm))
	}
	return `{"kind":"compute#instanceList","items":[` + strings.Join(items, ",") + `]` + extra + `}`
}

// computeAPI stands for Google's; answer gets the number of the call, from 1.
func computeAPI(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) Options {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		answer(w, r, n)
	}))
	t.Cleanup(server.Close)
	return Options{GCEURL: server.URL + "/compute/v1", GCEClient: server.Client()}
}

// listGCE is listPool without the wait before a second attempt.
func listGCE(t *testing.T, p config.Provider, pool config.Pool, opts Options) ([]string, error) {
	t.Helper()
	inv, err := New([]config.Provider{p}, []config.Pool{pool}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	inv.providers[p.Name].lister.(*gce).wait = func(context.Context, time.Duration) {}
	l := inv.List(t.Context(), []config.Pool{pool})[0]
	return l.VMs, l.Err
}

func TestGCEReadsAllPages(t *testing.T) {
	var asked []string
	opts := computeAPI(t, func(w http.ResponseWriter, r *http.Request, n int) {
		q := r.URL.Query()
		asked = append(asked, r.URL.Path+" "+q.Get("filter")+" "+q.Get("pageToken"))
		fmt.Fprint(w, []string{page(`,"nextPageToken":"t&1"`, "a", "b"), page(`,"nextPageToken":"t2"`), page("", "c")}[n-1])
	})
	vms, err := listGCE(t, gceConfig, debian, opts)
	if diff := cmp.Diff([]string{"a", "b", "c"}, vms); diff != "" || err != nil {
		t.Error(err, diff)
	}
	want := []string{
		gcePath + " (labels.pool = debian-12-x86_64) ", gcePath + " (labels.pool = debian-12-x86_64) t&1", gcePath + " (labels.pool = debian-12-x86_64) t2",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

func TestGCETakesAPoolsOwnZone(t *testing.T) {
	opts := computeAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if !strings.Contains(r.URL.Path, "/zones/europe-west1-b/") {
			t.Error(r.URL.Path)
		}
		fmt.Fprint(w, `{"kind":"compute#instanceList"}`)
	})
	pool := debian
	pool.Zone = "europe-west1-b"
	if vms, err := listGCE(t, gceConfig, pool, opts); err != nil || vms == nil || len(vms) != 0 {
		t.Error(vms, err)
	}
}

func TestGCEWhatIsNoListIsAnError(t *testing.T) {
	second := func(status int, body string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, n int) {
			if n == 1 {
				fmt.Fprint(w, page(`,"nextPageToken":"t"`, "a"))
				return
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	first := func(status int, body string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request, int)
		want   string
	}{
		"the second page fails": {second(http.StatusServiceUnavailable, ""), "page 2: 503"},
		"a warning":             {first(200, page(`,"warning":{"code":"UNREACHABLE","message":"zone\nis down"}`, "a")), "page 1: it comes with a warning: UNREACHABLE: zone is down"},
		"a late warning":        {second(200, page(`,"warning":{"code":"NEXT_HOP_ADDRESS_NOT_ASSIGNED"}`, "a")), "page 2: it comes with a warning"},
		"not allowed": {
			first(http.StatusForbidden, `{"error":{"code":403,"message":"Required 'compute.instances.list' permission"}}`),
			"403 Forbidden: Required 'compute.instances.list' permission",
		},
		"no such zone":       {first(http.StatusNotFound, "<html>hunter2"), "404"},
		"garbage":            {first(200, "hello"), "can't be read"},
		"half an answer":     {first(200, page("", "a")[:40]), "can't be read"},
		"another's page":     {first(200, "{}"), "is no list of instances"},
		"a login page":       {first(http.StatusFound, ""), "302"},
		"the filter ignored": {first(200, `{"kind":"compute#instanceList","items":[{"name":"db","labels":{"pool":"other"}}]}`), `"db" has not the label`},
		"no name":            {first(200, page("", "")), "without a name"},
		"pages for ever":     {first(200, page(`,"nextPageToken":"t"`, "a")), "the pages do not end"},
		"too much": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			chunk := strings.Repeat(" ", 1<<20)
			for range maxGCEBody>>20 + 1 {
				fmt.Fprint(w, chunk)
			}
		}, "larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := computeAPI(t, c.answer)
			opts.GCEClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			_, err := listGCE(t, gceConfig, debian, opts)
			wantError(t, err, c.want)
		})
	}
}

func TestGCEWhatCantBeAskedIsAnError(t *testing.T) {
	opts := computeAPI(t, func(http.ResponseWriter, *http.Request, int) { t.Error("asked") })
	for want, change := range map[string]func(*config.Provider, *config.Pool){
		"has no project":           func(p *config.Provider, _ *config.Pool) { p.Project = "" },
		"has no zone":              func(p *config.Provider, _ *config.Pool) { p.Zone = "" },
		"can't be a label's value": func(_ *config.Provider, pool *config.Pool) { pool.Name = "a) OR (name = *" },
	} {
		p, pool := gceConfig, debian
		change(&p, &pool)
		_, err := listGCE(t, p, pool, opts)
		wantError(t, err, want)
	}
}

func TestGCETriesAgainOnceWhereThatMayHelp(t *testing.T) {
	for name, c := range map[string]struct {
		statuses []int
		calls    int
		fails    bool
	}{
		"once busy":      {[]int{503, 200}, 2, false},
		"once too much":  {[]int{429, 200}, 2, false},
		"busy":           {[]int{500, 500, 200}, 2, true},
		"not allowed":    {[]int{403, 200}, 1, true},
		"not understood": {[]int{400, 200}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			opts := computeAPI(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				calls = n
				w.WriteHeader(c.statuses[n-1])
				fmt.Fprint(w, page("", "a"))
			})
			vms, err := listGCE(t, gceConfig, debian, opts)
			if calls != c.calls || (err != nil) != c.fails || (len(vms) == 1) == c.fails {
				t.Errorf("%d calls: %v, %v", calls, vms, err)
			}
		})
	}
}

func TestGCEAServerThatHangsIsGivenUp(t *testing.T) {
	opts := computeAPI(t, func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
	opts.Timeout = 50 * time.Millisecond
	_, err := listPool(t, gceConfig, debian, opts)
	wantError(t, err, "no answer in time")
}
