package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// What pages say of numbers is what the rules say.

var (
	tableRow    = regexp.MustCompile("(?m)^\\| \\[`?(Vmpooler\\w+)`?\\]\\([^)]*\\) \\| ([^|]*) \\|")
	spelledTime = regexp.MustCompile(`\b(?:(\d+|an?|the|one) (second|s|minute|hour|day)s?|(half (?:an )?hour)|(a quarter of an hour))\b`)
	spelled     = regexp.MustCompile(`\b(\d+(?:\.\d+)?|two|three|four|five|six|seven|eight|nine|ten)\b`)
)

var timeUnits = map[string]time.Duration{"s": time.Second, "second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

var numerals = []string{"", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

// said is how the table says how long a rule waits.
func (r Rule) said() string {
	wait := "at once"
	if r.For != nil {
		wait = *r.For
	}
	return r.Labels["severity"] + " " + wait
}

// alertsNamed are the alerts by their names.
func (b *Bundle) alertsNamed() map[string][]Rule {
	named := make(map[string][]Rule)
	for _, f := range b.Rules {
		for _, r := range f.Alerts() {
			named[r.Alert] = append(named[r.Alert], r)
		}
	}
	return named
}

// tables holds the tables of alerts against the rules: that of the manual, which has
// severities and waits, and that of the runbooks, which has severities.
func (b *Bundle) tables() []string {
	var wrong []string
	for _, table := range []struct {
		file, text string
		say        func(Rule) string
	}{
		{"docs/mixin.md", b.Manual, Rule.said},
		{"docs/runbooks/README.md", b.Runbooks["README"], func(r Rule) string { return "`" + r.Labels["severity"] + "`" }},
	} {
		rows := make(map[string][]string)
		for _, m := range tableRow.FindAllStringSubmatch(table.text, -1) {
			rows[m[1]] = strings.Split(m[2], ", ")
		}
		for name, rules := range b.alertsNamed() {
			var want []string
			for _, r := range rules {
				want = append(want, table.say(r))
			}
			slices.Sort(want)
			got := slices.Sorted(slices.Values(rows[name]))
			if !slices.Equal(got, want) {
				wrong = append(wrong, fmt.Sprintf("%s says of %s %q, and the rules %q", table.file, name, got, want))
			}
			delete(rows, name)
		}
		for name := range rows {
			wrong = append(wrong, fmt.Sprintf("%s has a row of %s, which is no alert", table.file, name))
		}
	}
	return compact(wrong)
}

// pageWaits: the first lines of a page say of each severity how long it waits. Other
// times and numbers there are in the expression.
func pageWaits(b *Bundle, p page) []string {
	var wrong []string
	_, text, _ := strings.Cut(p.text, "\n")
	text, _, _ = strings.Cut(text, "\n## ")
	text = strings.Join(strings.Fields(text), " ")
	for _, r := range b.alertsNamed()[p.name] {
		severity := r.Labels["severity"]
		_, about, ok := strings.Cut(text, "`"+severity+"`")
		if !ok {
			wrong = append(wrong, fmt.Sprintf("its first lines do not name the severity `%s`", severity))
			continue
		}
		for _, other := range b.Severities {
			about, _, _ = strings.Cut(about, "`"+other+"`")
		}
		wrong = append(wrong, r.misquoted(about)...)
	}
	return wrong
}

// misquoted tells what a text says of the rule that is not so.
func (r Rule) misquoted(text string) []string {
	var wrong []string
	known, numbers := r.numbers()
	wait := parseWait(r.For)
	found := wait == 0 && strings.Contains(text, "at once")
	for _, m := range spelledTime.FindAllStringSubmatch(text, -1) {
		d := duration(m)
		switch {
		case d == wait:
			found = true
		case !slices.Contains(known, d):
			wrong = append(wrong, fmt.Sprintf("its first lines say %q, which is not in the rule %s", m[0], r.name()))
		}
	}
	if !found {
		wrong = append(wrong, fmt.Sprintf("its first lines do not say that %s waits for %v", r.name(), wait))
	}
	for _, m := range spelled.FindAllString(spelledTime.ReplaceAllString(text, ""), -1) {
		n, err := strconv.ParseFloat(m, 64)
		if err != nil {
			n = float64(slices.Index(numerals, m))
		}
		if !slices.Contains(numbers, n) {
			wrong = append(wrong, fmt.Sprintf("its first lines say %q, which is not in the rule %s", m, r.name()))
		}
	}
	return wrong
}

// duration is what a match of spelledTime spells.
func duration(m []string) time.Duration {
	switch {
	case m[3] != "":
		return 30 * time.Minute
	case m[4] != "":
		return 15 * time.Minute
	}
	n, err := strconv.Atoi(m[1])
	if err != nil { // a, the, one
		n = 1
	}
	return time.Duration(n) * timeUnits[m[2]]
}

func parseWait(text *string) time.Duration {
	if text == nil {
		return 0
	}
	d, err := model.ParseDuration(*text)
	if err != nil {
		return -1 // promtool tells
	}
	return time.Duration(d)
}

// numbers are the times that a rule has, numbers of its expression as seconds among
// them, and those numbers.
func (r Rule) numbers() (times []time.Duration, numbers []float64) {
	times = append(times, parseWait(&r.KeepFiringFor))
	expr, err := parse(r.Expr)
	if err != nil {
		return times, nil
	}
	eachNode(expr, func(n parser.Node, _ []parser.Node) {
		switch e := n.(type) {
		case *parser.NumberLiteral:
			numbers = append(numbers, e.Val)
			times = append(times, time.Duration(e.Val*float64(time.Second)))
		case *parser.MatrixSelector:
			times = append(times, e.Range)
		case *parser.SubqueryExpr:
			times = append(times, e.Range)
		}
	})
	return times, numbers
}
