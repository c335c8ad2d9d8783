package incidents

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// inhibition is one of Alertmanager's inhibit_rules.
type inhibition struct {
	Source []string `yaml:"source_matchers"`
	Target []string `yaml:"target_matchers"`
	Equal  []string
}

func loadInhibitions(t *testing.T) []inhibition {
	t.Helper()
	text, err := os.ReadFile(alertmanagerFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Rules []inhibition `yaml:"inhibit_rules"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Rules) == 0 {
		t.Fatalf("%s inhibits nothing", alertmanagerFile)
	}
	return file.Rules
}

const firing = `alertstate="firing"`

// notified is an expression of the alerts that fire and are not inhibited.
func notified(rules []inhibition, matchers ...string) string {
	expr := alerts(matchers)
	for _, r := range rules {
		expr += fmt.Sprintf("\nunless (%s)", r.inhibited())
	}
	return expr
}

// inhibited is an expression of the alerts that the rule keeps silent. One that is
// source and target of the rule is silenced only by a source that is not.
func (r inhibition) inhibited() string {
	source, target := alerts(r.Source), alerts(r.Target)
	equal := strings.Join(r.Equal, ", ")
	return fmt.Sprintf("((%s unless %s) and on (%s) %s) or ((%s and %s) and on (%s) (%s unless %s))",
		target, source, equal, source, target, source, equal, source, target)
}

var matcherForm = regexp.MustCompile(`^\s*(\w+)\s*(=~|!~|!=|=)\s*(?:"([^"]*)"|(\S*))\s*$`)

// alerts selects the alerts that fire and match.
func alerts(matchers []string) string {
	var b strings.Builder
	b.WriteString("ALERTS{" + firing)
	for _, m := range matchers {
		if m == "" {
			continue
		}
		part := matcherForm.FindStringSubmatch(m)
		if part == nil {
			panic("not a matcher: " + m) // of a file that amtool takes
		}
		fmt.Fprintf(&b, ",%s%s%q", part[1], part[2], cmp.Or(part[3], part[4]))
	}
	return b.String() + "}"
}

func TestAMatcherIsReadAsAlertmanagerReadsIt(t *testing.T) {
	for matcher, want := range map[string]string{
		`alertname = "A"`:        `ALERTS{alertstate="firing",alertname="A"}`,
		`severity=~"a|b"`:        `ALERTS{alertstate="firing",severity=~"a|b"}`,
		`alertname !~ "A|B.+"`:   `ALERTS{alertstate="firing",alertname!~"A|B.+"}`,
		`severity = critical`:    `ALERTS{alertstate="firing",severity="critical"}`,
		` pool != "with space" `: `ALERTS{alertstate="firing",pool!="with space"}`,
	} {
		if got := alerts([]string{matcher}); got != want {
			t.Errorf("%s: %s, want %s", matcher, got, want)
		}
	}
}
