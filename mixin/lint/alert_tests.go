package lint

import "go.yaml.in/yaml/v3"

// AlertTest is one expectation of a promtool test.
type AlertTest struct {
	Alert string
	// Severities of what is to fire; none if it is to be silent.
	Severities []string
}

// ReadAlertTests reads what a file of promtool's tests expects of alerts.
func ReadAlertTests(content []byte) ([]AlertTest, error) {
	var file struct {
		Tests []struct {
			Alerts []struct {
				Name   string `yaml:"alertname"`
				Expect []struct {
					Labels map[string]string `yaml:"exp_labels"`
				} `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, err
	}
	var tests []AlertTest
	for _, test := range file.Tests {
		for _, a := range test.Alerts {
			expected := AlertTest{Alert: a.Name}
			for _, e := range a.Expect {
				expected.Severities = append(expected.Severities, e.Labels["severity"])
			}
			tests = append(tests, expected)
		}
	}
	return tests, nil
}

// Untested tells which alerts no test sees fire, at each severity, and which none
// sees silent.
func Untested(alerts []Rule, all []AlertTest) []string {
	silent, fires := set{}, set{}
	for _, t := range all {
		silent[t.Alert] = silent[t.Alert] || len(t.Severities) == 0
		for _, s := range t.Severities {
			fires[t.Alert+" "+s] = true
		}
	}
	var wrong []string
	for _, r := range alerts {
		if !fires[r.name()] {
			wrong = append(wrong, "no promtool test sees it fire: "+r.name())
		}
		if !silent[r.Alert] {
			wrong = append(wrong, "no promtool test sees it silent: "+r.Alert)
		}
	}
	return compact(wrong)
}
