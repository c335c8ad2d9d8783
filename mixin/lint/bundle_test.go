package lint

import (
	"strings"
	"testing"
)

func TestBadBundlesAreFound(t *testing.T) {
	b := example(t)
	b.Runbooks["VmpoolerGone"] = strings.Replace(goodPage, "QueueTooLong", "Gone", 1)
	found(t, b, "pages of alerts", "VmpoolerGone.md is about no alert")

	b = example(t)
	b.Runbooks["README"] = "none"
	found(t, b, "pages of alerts", "no link to VmpoolerQueueTooLong.md", "tables of alerts")

	b = example(t)
	delete(b.Runbooks, "README")
	found(t, b, "pages of alerts", "README.md does not exist", "tables of alerts")

	b = example(t)
	delete(b.Runbooks, "VmpoolerQueueTooLong")
	found(t, b, "alert runbook", "no docs/runbooks/VmpoolerQueueTooLong.md")

	b = example(t)
	b.Dashboards["other.json"] = b.Dashboards["some.json"]
	found(t, b, "dashboard uids", "uid vmpooler-some")
}

func TestBadPagesAreFound(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range []struct{ check, finds, before, after string }{
		{"runbook headings", "does not begin with", "# VmpoolerQueueTooLong\n", "# Queue too long\n"},
		{"runbook headings", "its headings are", "## Impact\n", "## Effect\n"},
		{"runbook headings", "nothing stands under", "\n\nI\n\n", "\n\n"},
		{"runbook waits", `"10 minutes"`, "15 minutes", "10 minutes"},
		{"runbook queries", "parse error", "max by (pool)", "max by (pool"},
		{"runbook queries", "no metric", "vmpooler_pool_size", "vmpooler_pool_sizes"},
		{"runbook queries", "no label queue", "(pool)", "(queue)"},
		{"runbook queries", "of the gauge", "\nup\n", "\nrate(up[5m])\n"},
		{"runbook links", "gone.md leads nowhere", "README.md", "gone.md"},
		{"runbook links", "no heading for #gone", "#when-to-ignore", "#gone"},
	} {
		b := example(t)
		if !strings.Contains(goodPage, c.before) {
			t.Fatalf("the page has no %q", c.before)
		}
		b.Runbooks["VmpoolerQueueTooLong"] = strings.Replace(goodPage, c.before, c.after, 1)
		found(t, b, c.check, c.finds)
		seen[c.check] = true
	}
	each(t, pageChecks, seen)
}

func TestMetricsAreUsedOrListed(t *testing.T) {
	b := example(t)
	rest := "# a comment\n\n"
	for name := range families {
		if !b.Used()[name] {
			rest += name + " nobody has to know this\n"
		}
	}
	if len(b.Used()) != 5 {
		t.Errorf("used are %v", b.Used())
	}
	for list, want := range map[string]string{
		rest: "",
		strings.ReplaceAll(rest, "vmpooler_up ", "# "):                   "vmpooler_up is in no alert",
		rest + "vmpooler_pool_size nobody has to know this\n":            "vmpooler_pool_size is listed as unused and is used",
		rest + "vmpooler_gone nobody has to know this\n":                 "does not exist",
		rest + "vmpooler_up nobody has to know this\n":                   "twice",
		strings.ReplaceAll(rest, "vmpooler_up nobody", "vmpooler_up\n#"): "without a reason",
	} {
		if said := strings.Join(b.Unused(list), "; "); want == "" && said != "" || !strings.Contains(said, want) {
			t.Errorf("%s says %q, want %q", list, said, want)
		}
	}
}
