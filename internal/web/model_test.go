package web

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

func page(t *testing.T, s *scene, raw string) *Page {
	t.Helper()
	q, err := parseOverview(raw)
	if err != nil {
		t.Fatal(err)
	}
	return newPage(&picture{View: s.view, Now: now}, q, false)
}

// names are those of the pools shown, without what they all have.
func names(p Pools) string {
	var out []string
	for i := range p.Rows {
		out = append(out, strings.TrimSuffix(p.Rows[i].Name, "-x86_64"))
	}
	return strings.Join(out, " ")
}

func TestPoolsAreSortedAndFiltered(t *testing.T) {
	for query, want := range map[string]string{
		"":                    "win-2022 debian-12 redhat-9 ubuntu-2204 centos-7 win-2019",
		"sort=name":           "centos-7 debian-12 redhat-9 ubuntu-2204 win-2019 win-2022",
		"sort=ready":          "win-2022 win-2019 redhat-9 ubuntu-2204 centos-7 debian-12",
		"sort=pending":        "debian-12 win-2022 redhat-9 ubuntu-2204 centos-7 win-2019",
		"sort=stuck":          "win-2022 debian-12 redhat-9 ubuntu-2204 centos-7 win-2019",
		"sort=age":            "win-2022 debian-12 redhat-9 ubuntu-2204 centos-7 win-2019",
		"sort=running":        "debian-12 win-2022 redhat-9 ubuntu-2204 centos-7 win-2019",
		"filter=problems":     "win-2022 debian-12 redhat-9 ubuntu-2204 centos-7",
		"filter=empty":        "win-2022",
		"filter=stuck":        "win-2022",
		"filter=held":         "debian-12",
		"pool=WIN":            "win-2022 win-2019",
		"pool=n-12&sort=name": "debian-12",
		"pool=none":           "",
	} {
		if got := names(page(t, troubledScene(), query).Pools); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

func TestPagesOfPools(t *testing.T) {
	s := manyScene()
	for query, want := range map[string]struct {
		summary, before, after string
	}{
		"":                {"1–50 of 200 pools", "", "/?page=2#pools"},
		"page=2":          {"51–100 of 200 pools", "/#pools", "/?page=3#pools"},
		"page=4&pool=x86": {"151–200 of 200 pools", "/?page=3&pool=x86#pools", ""},
		"page=99":         {"151–200 of 200 pools", "/?page=3#pools", ""},
		"filter=empty":    {"9 of 200 pools", "", ""},
		"pool=-00":        {"10 of 200 pools", "", ""},
	} {
		p := page(t, s, query).Pools
		if p.Summary != want.summary || p.Before != want.before || p.After != want.after {
			t.Errorf("%q: %q, %q, %q", query, p.Summary, p.Before, p.After)
		}
	}
}

func TestSparklines(t *testing.T) {
	for name, c := range map[string]struct {
		samples []int64
		top     int64
		want    string
	}{
		"flat":            {[]int64{5, 5, 5, 5}, 5, "M56 0h3"},
		"a step":          {[]int64{0, 0, 10, 10}, 10, "M56 20h1l1-20h1"},
		"down and up":     {[]int64{10, 5, 10}, 10, "M57 0l1 10l1-10"},
		"a gap":           {[]int64{1, -1, 1, 1}, 1, "M56 0h0M58 0h1"},
		"alone":           {[]int64{-1, 1, -1, 4}, 4, "M57 15h0M59 0h0"},
		"a step at once":  {[]int64{-1, 1, 4}, 4, "M58 15l1-15"},
		"nothing":         {[]int64{-1, -1}, 1, ""},
		"always 0":        {[]int64{0, 0, 0}, 1, ""},
		"a gap at an end": {[]int64{-1, 2, 2, -1}, 2, "M57 0h1"},
	} {
		if got := strokes(c.samples, c.top); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if newSpark(nil) != nil || newSpark(&live.Hour{Ready: []int64{-1, -1}, Pending: []int64{-1, -1}}) != nil {
		t.Error("a line of nothing")
	}
	if s := newSpark(&live.Hour{Ready: []int64{-1, 1}, Pending: []int64{-1, 0}}); s == nil || s.Ready != "M59 0h0" || s.Pending != "" {
		t.Errorf("the first sample is %+v", s)
	}
	long := make([]int64, 120)
	for i := range long {
		long[i] = int64(i)
	}
	if thinned := thin(long); len(thinned) != 60 || thinned[59] != 119 || thinned[0] != 1 {
		t.Errorf("thinned to %v", thinned)
	}
	spark := newSpark(&live.Hour{Ready: []int64{9, 3, -1, 4}, Pending: []int64{2, 2, 2, 2}})
	if spark.Label != "last hour: ready 3 to 9, now 4, pending 2" {
		t.Errorf("the label is %q", spark.Label)
	}
}

func TestBars(t *testing.T) {
	for name, c := range map[string]struct {
		got, want Bar
	}{
		"at the limit":              {limitBar(100, 100, good), Bar{"30", "good half", true}},
		"critical":                  {limitBar(1000, 100, bad), Bar{"60", "bad half", true}},
		"one of very many is seen":  {limitBar(1, 100_000, good), Bar{"1", "good half", true}},
		"no limit":                  {limitBar(5, 0, warn), Bar{"60", "warn half", true}},
		"as many as wanted":         {readyBar(10, vmpooler.Known(10), 500, good), Bar{"60", "good", false}},
		"more than wanted":          {readyBar(12, vmpooler.Known(10), 500, good), Bar{"60", "good", false}},
		"none":                      {readyBar(0, vmpooler.Known(10), 500, good), Bar{"0", "warn", false}},
		"nobody knows how many":     {readyBar(50, vmpooler.Number{}, 500, good), Bar{"3", "good half", true}},
		"none wanted":               {readyBar(0, vmpooler.Known(0), 500, good), Bar{"0", "good half", true}},
		"beyond the limit of ready": {readyBar(600, vmpooler.Known(10), 500, warn), Bar{"36", "warn half", true}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", name, c.got, c.want)
		}
	}
}

func TestLikenessChoosesTheWholeGroup(t *testing.T) {
	for fingerprint, want := range map[string]string{
		`RuntimeError: Clone of "<vm>" failed: no space left on datastore ds-<n>`: `" failed: no space left on datastore ds-`,
		"Timeout: <vm> <n>":       "Timeout",
		"Timeout":                 "Timeout",
		"<n> <n>":                 "",
		`X: a\nb <n>, again`:      "X",
		`X: a\nb <n>, once again`: ", once again",
		"Errno::EHOSTUNREACH: No route to host - connect(2) for <ip>:<n>": "No route to host - connect(2) for",
		"E: " + strings.Repeat("é", 300):                                  strings.Repeat("é", 100),
	} {
		if got := likeness(fingerprint); got != want {
			t.Errorf("%q: %q, want %q", fingerprint, got, want)
		}
	}
}

func TestLikenessIsFoundByTheFilter(t *testing.T) {
	r := dlq.Record{Entry: dlq.Entry{VM: "quiet-otter", ErrorClass: "RuntimeError", ErrorMessage: `Clone of "quiet-otter" failed: no space left on datastore ds-4`}}
	if part := likeness(dlq.Fingerprint(&r)); !strings.Contains(r.ErrorMessage, part) || len(part) < 20 {
		t.Errorf("%q is no part of %q", part, r.ErrorMessage)
	}
}

func TestChartOfTheLastDay(t *testing.T) {
	at := func(hours int, n int) dlq.Hour {
		return dlq.Hour{Start: now.Truncate(time.Hour).Add(time.Duration(hours) * time.Hour), Count: n}
	}
	c := newChart([]dlq.Hour{at(-30, 999), at(-24, 999), at(-23, 1), at(-1, 48), at(0, 24), at(2, 5)}, now)
	want := &Chart{Path: "M2 24v-1M90 24v-24M94 24v-12", Width: 96, Label: "73 in the last 24 hours, at most 48 in one: that of 08:00 UTC"}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if newChart([]dlq.Hour{at(-40, 3)}, now) != nil {
		t.Error("a chart of nothing")
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m", time.Hour: "1h", 192 * time.Minute: "3h 12m",
		52 * time.Hour: "2d 4h", 48 * time.Hour: "2d", 5000 * time.Hour: "208d",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1204: "1,204", -1234567: "-1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	for at, want := range map[time.Time]string{
		{}: "never", now: "just now", now.Add(500 * time.Millisecond): "now", ago(90 * time.Second): "1m ago", now.Add(21 * time.Minute): "in 21m",
	} {
		if got := moment(at, now, "never").Ago; got != want {
			t.Errorf("%v: %q, want %q", at, got, want)
		}
	}
	if got := about(20 * time.Second); got != "under 1m" {
		t.Errorf("about %q", got)
	}
}

func TestWhatIsUnknownIsNeverZero(t *testing.T) {
	s := healthyScene()
	snap := s.view.State.Snapshot
	for q := range snap.Pools[0].Queues {
		snap.Pools[0].Queues[q].Err = errTest
	}
	snap.Pools[1].Size = vmpooler.Number{}
	snap.Ondemand = vmpooler.Ondemand{}
	snap.Tasks = vmpooler.Tasks{}
	for i := range snap.DLQ {
		snap.DLQ[i].Size = vmpooler.Number{}
	}
	s.judge()
	p := page(t, s, "sort=name")
	row := p.Pools.Rows[0]
	if row.Ready != "?" || row.Pending != "?" || row.Running != "?" || row.Completed != "?" || row.Severity != warn {
		t.Errorf("%+v", row)
	}
	if row := p.Pools.Rows[1]; row.Wanted != "" {
		t.Errorf("wanted %q", row.Wanted)
	}
	tiles := map[string]string{}
	for _, tile := range p.Tiles {
		tiles[tile.Name] = tile.Value
	}
	if tiles["Dead letters"] != "?" || tiles["Requests"] != "?" {
		t.Errorf("%v", tiles)
	}
	if !strings.HasPrefix(p.Requests.Summary, "? waiting, ? being worked on") {
		t.Errorf("%q", p.Requests.Summary)
	}
}

func TestPlanIsPagedAndCounted(t *testing.T) {
	plan := &purger.Plan{ID: "P", Made: now}
	for range 250 {
		plan.Actions = append(plan.Actions, purger.Action{Target: purger.Orphaned, VM: "vm", Outcome: purger.Planned})
	}
	m := &maker{picture: &picture{Now: now, View: &live.View{}}}
	for page, want := range map[int]Plan{
		1: {Shown: "1–100 of 250", After: "/purge?page=2"},
		3: {Shown: "201–250 of 250", Before: "/purge?page=2"},
		9: {Shown: "201–250 of 250", Before: "/purge?page=2"},
	} {
		p := m.plan(plan)
		p.actions(plan, page, purgeHref)
		if p.Shown != want.Shown || p.Before != want.Before || p.After != want.After {
			t.Errorf("page %d: %q, %q, %q", page, p.Shown, p.Before, p.After)
		}
	}
	if p := m.plan(plan); p.Todo != 250 || p.Summary != "250 planned" {
		t.Errorf("%d, %q", p.Todo, p.Summary)
	}
	plan.DryRun = true
	if p := m.plan(plan); p.Summary != "250 would be purged" {
		t.Errorf("%q", p.Summary)
	}
	if p := m.plan(&purger.Plan{}); p.Summary != "nothing was stale" {
		t.Errorf("%q", p.Summary)
	}
}
