package lint

import (
	"bufio"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

var (
	exposed   = regexp.MustCompile(`^([a-z_]+)\{(.*)\} `)
	labelPair = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
	// plain is a regular expression that is a list of values.
	plain = regexp.MustCompile(`^[\w|]+$`)
)

// ReadValues reads an exposition that has every value of those labels which do not
// name something of the operator's, such as a pool.
func ReadValues(r io.Reader, open ...string) (map[string]map[string][]string, error) {
	values := make(map[string]map[string][]string)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		found := exposed.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		for _, l := range labelPair.FindAllStringSubmatch(found[2], -1) {
			if slices.Contains(open, l[1]) {
				continue
			}
			if values[found[1]] == nil {
				values[found[1]] = make(map[string][]string)
			}
			values[found[1]][l[1]] = append(values[found[1]][l[1]], l[2])
		}
	}
	return values, lines.Err()
}

// never are the values that a matcher asks for and no series of the metric has: a
// misspelt one finds nothing, and says nothing.
func (m Metrics) never(metric string, asked *labels.Matcher) []string {
	all := m.Values[metric][asked.Name]
	if len(all) == 0 {
		return nil
	}
	wanted := []string{asked.Value}
	if asked.Type == labels.MatchRegexp || asked.Type == labels.MatchNotRegexp {
		if !plain.MatchString(asked.Value) {
			return nil
		}
		wanted = strings.Split(asked.Value, "|")
	}
	return slices.DeleteFunc(wanted, func(v string) bool { return v == "" || slices.Contains(all, v) })
}
