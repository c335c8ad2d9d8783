package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// hostileTexts are what somebody might name a pool or a VM, or have an error say.
var hostileTexts = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script>alert(2)</script>`,
	"\u202egnp.exe\u2066", "שלום-ערב", "a\x00b\x1b[31m\r\nc", "\xff\xfe", `javascript:alert(3)`, `../../etc`, `a/b?c=d#e&f`, "{{.Secret}}",
	strings.Repeat("long-", 2048),
}

// hostileScene has them everywhere.
func hostileScene() *scene {
	s := newScene()
	v := s.view
	stats := &dlq.Stats{Entries: 20}
	s.stories = map[string]*explain.Report{}
	plan := &purger.Plan{ID: "P", Made: now}
	for i, text := range hostileTexts {
		p := fine(text, 3)
		p.Queues[0].VMs = aged(150+i, 3*time.Hour)
		v.State.Snapshot.Pools = append(v.State.Snapshot.Pools, p)
		r := dlq.Record{ID: "clone-1", Entry: dlq.Entry{
			VM: text, Pool: text, Queue: text, ErrorClass: text, ErrorMessage: text, RequestID: text, PoolAlias: text, FailedAt: ago(time.Minute),
		}}
		s.page.Records = append(s.page.Records, r)
		stats.Groups = append(stats.Groups, dlq.Group{Fingerprint: text + ": " + text, Count: 2, Pools: []string{text, text}, Last: ago(time.Minute), Example: r})
		stats.Queues = append(stats.Queues, dlq.Tally{Name: text, Count: 1})
		v.Requests = append(v.Requests, live.Request{ID: text, Made: ago(time.Minute), Status: text, Requested: text})
		plan.Held = append(plan.Held, purger.Hold{Pool: text, Reason: text})
		plan.Actions = append(plan.Actions, purger.Action{Target: purger.Pending, Pool: text, VM: text, Reason: text, Does: text, Why: text, Outcome: purger.Held})
		report := &explain.Report{
			Name: text, Known: true, AsOf: now, Next: text, Warnings: []string{text}, Where: []explain.Place{{Queue: text, Pool: text}},
			Facts:  explain.Facts{Pool: text, Template: text + "x", Domain: text, RequestID: text, PoolAlias: text, Error: text, Requested: text, Status: text, FailureReason: text},
			Events: []explain.Event{{At: now, What: text}}, VMs: []explain.RequestVM{{VM: text, Pool: text, Queues: []string{"ready"}}},
			DeadLetters: explain.Letters{r},
		}
		report.Kind = explain.KindVM
		s.stories["vm "+text] = report
		s.stories["request "+text] = report
	}
	v.Hours = hours(v.State.Snapshot.Pools)
	v.Letters = stats
	v.Purge = &purger.Status{Last: plan, LastAt: ago(time.Hour)}
	s.judge()
	return s
}

// typed is what a form shows again of what was asked for: that has to stay as it is.
var typed = regexp.MustCompile(`(?s) value="[^"<>]*"`)

func TestHostileTextsAreShownAsText(t *testing.T) {
	s := hostileScene()
	h := s.handler(Options{Admin: &fakeAdmin{}, IsAdmin: admins})
	addresses := []string{"/", "/dlq", "/dlq/kinds", "/purge"}
	for _, text := range hostileTexts {
		addresses = append(addresses, "/?pool="+escaped(text), "/dlq?error="+escaped(text)+"&queue="+escaped(text), "/?"+escaped(text)+"=1", "/"+escaped(text))
		if len(text) < longestValue {
			addresses = append(addresses, "/vm/"+escaped(text), "/request/"+escaped(text), "/vm/none"+escaped(text),
				"/pool/"+escaped(text), "/pool/none"+escaped(text), "/find?q=none"+escaped(text), "/find?q=x86&"+escaped(text)+"=1")
		}
	}
	for _, address := range addresses {
		page := get(t, h, address, "X-Test-User", "<b>ops</b>").body
		page = typed.ReplaceAllString(page, "")
		for _, raw := range []string{"<script>a", "<img", "onerror=alert(1)>", "onmouseover='", "\u202e", "\u2066", "\x00", "\x1b", "\xff", `href="javascript:`, "<b>ops", strings.Repeat("long-", 250)} {
			if strings.Contains(page, raw) {
				t.Errorf("%.60q has %.40q as it is", address, raw)
			}
		}
	}
	page := get(t, h, "/").body
	contains(t, page, "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>", `<bdi>\u202egnp.exe\u2066</bdi>`, "<bdi>שלום-ערב</bdi>", `a\x00b\x1b[31m`, "10,240 bytes in all")
	if len(page) > 150_000 {
		t.Errorf("%d bytes", len(page))
	}
}

func TestHostileNamesLeadToTheirOwnPages(t *testing.T) {
	s := hostileScene()
	h := s.handler(Options{})
	for _, text := range hostileTexts {
		href := vmHref(text)
		if len(text) > longestValue {
			if href != "" {
				t.Errorf("%.20s… has an address", text)
			}
			continue
		}
		for _, href := range []string{href, requestHref(text), poolHref(text)} {
			got := get(t, h, href)
			if got.status != http.StatusOK || !strings.Contains(got.body, `<h1 class="name">`) {
				t.Errorf("%q: %s answers %d", text, href, got.status)
			}
		}
		want := vmHref(strings.TrimSpace(text))
		if got := get(t, h, "/find?q="+escaped(text)); got.status != http.StatusSeeOther || got.header.Get("Location") != want {
			t.Errorf("%q is found at %q, %d", text, got.header.Get("Location"), got.status)
		}
	}
	for _, name := range []string{"", ".", ".."} {
		if vmHref(name) != "" {
			t.Errorf("%q has an address", name)
		}
	}
}

func FuzzOverviewQuery(f *testing.F) {
	for _, seed := range []string{"", "sort=name&filter=stuck&pool=win&page=2", "a=b", "%zz", "page=99999999999999999999", "pool=%ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseOverview(raw)
		if err != nil {
			return
		}
		query := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(q.href(), "/"), "?"), "#pools")
		again, err := parseOverview(query)
		if err != nil || again != q {
			t.Errorf("%q: %+v, and by its own address %q %+v, %v", raw, q, query, again, err)
		}
	})
}

func FuzzLettersQuery(f *testing.F) {
	for _, seed := range []string{"", "queue=clone&pool=p&since=2h&limit=10&order=oldest", "until=2026-11-23", "cursor=x", "since=1h&since=2h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, filter, err := parseLetters(raw, now)
		if err != nil {
			return
		}
		if err := filter.Validate(); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		query := strings.TrimPrefix(strings.TrimPrefix(q.href(), "/dlq"), "?")
		again, _, err := parseLetters(query, now)
		if err != nil || again != q {
			t.Errorf("%q: %+v, and by its own address %q %+v, %v", raw, q, query, again, err)
		}
	})
}

func FuzzPlain(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := plain(text)
		if len([]rune(got)) > longestName+40 {
			t.Errorf("%q: %d characters", text, len([]rune(got)))
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q: %q can't be read", text, got)
		}
	})
}
