package lint

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

type page struct{ name, text string }

var pageChecks = []check[page]{
	{"runbook headings", pageHeadings},
	{"runbook waits", pageWaits},
	{"runbook queries", pageQueries},
	{"runbook links", pageLinks},
}

// pageParts are the headings of a page, in this order: who is woken reads from the top.
var pageParts = []string{"Meaning", "Impact", "Diagnosis", "Mitigation", "When to ignore"}

var (
	fence    = regexp.MustCompile("(?ms)^[ \t]*```(\\w*)[^\n]*\n(.*?)^[ \t]*```")
	mdLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	notASlug = regexp.MustCompile(`[^a-z0-9 _-]`)
)

func pageHeadings(_ *Bundle, p page) []string {
	var wrong, found []string
	body := fence.ReplaceAllString(p.text, "")
	if !strings.HasPrefix(body, "# "+p.name+"\n") {
		wrong = append(wrong, "it does not begin with # "+p.name)
	}
	sections := strings.Split("\n"+p.text, "\n## ")
	for _, section := range sections[1:] {
		title, text, _ := strings.Cut(section, "\n")
		found = append(found, strings.TrimSpace(title))
		if strings.TrimSpace(text) == "" {
			wrong = append(wrong, "nothing stands under ## "+title)
		}
	}
	if !slices.Equal(found, pageParts) {
		wrong = append(wrong, fmt.Sprintf("its headings are %q, want %q", found, pageParts))
	}
	return wrong
}

// pageQueries: each block of PromQL is one expression, or one a paragraph.
func pageQueries(b *Bundle, p page) []string {
	var wrong []string
	for _, m := range fence.FindAllStringSubmatch(p.text, -1) {
		if m[1] != "promql" {
			continue
		}
		for query := range strings.SplitSeq(strings.TrimSpace(m[2]), "\n\n") {
			expr, err := parse(query)
			if err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: %v", strings.TrimSpace(query), err))
				continue
			}
			wrong = append(wrong, exists(b, expr)...)
			wrong = append(wrong, counters(b, expr)...)
			wrong = append(wrong, matching(b, expr)...)
		}
	}
	return wrong
}

// pageLinks: relative links lead to a file, and to a heading of a runbook.
func pageLinks(b *Bundle, p page) []string {
	var wrong []string
	for _, m := range mdLink.FindAllStringSubmatch(fence.ReplaceAllString(p.text, ""), -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		file, anchor, _ := strings.Cut(m[1], "#")
		if file != "" && !b.Exists(path.Join("docs/runbooks", file)) {
			wrong = append(wrong, m[1]+" leads nowhere")
		}
		if file == "" && !hasHeading(p.text, anchor) {
			wrong = append(wrong, "there is no heading for #"+anchor)
		}
	}
	return wrong
}

func hasHeading(text, anchor string) bool {
	for line := range strings.Lines(text) {
		if title := strings.TrimLeft(line, "#"); title != line {
			slug := notASlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			if strings.ReplaceAll(slug, " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}
