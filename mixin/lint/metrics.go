package lint

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Family is a metric of the exporter: its type and its own labels.
type Family struct {
	Kind   string
	Labels []string
}

// Metrics are what can be asked for: the exporter's families, and the series of
// recording rules with the labels that they keep.
type Metrics struct {
	Families map[string]Family
	Recorded map[string][]string
	// Values are all that a label of a metric can have, by metric and label; without
	// them it can have any.
	Values map[string]map[string][]string
}

// ReadFamilies reads testdata/families.txt: a name, a type and labels a line.
func ReadFamilies(r io.Reader) (map[string]Family, error) {
	families := make(map[string]Family)
	for lines := bufio.NewScanner(r); ; {
		if !lines.Scan() {
			return families, lines.Err()
		}
		words := strings.Fields(lines.Text())
		switch len(words) {
		case 2:
			families[words[0]] = Family{Kind: words[1]}
		case 3:
			families[words[0]] = Family{Kind: words[1], Labels: strings.Split(words[2], ",")}
		default:
			return nil, fmt.Errorf("%q is not a name, a type and labels", lines.Text())
		}
	}
}

// series is what one name in an expression stands for.
type series struct {
	family string // of the exporter's, or ""
	kind   string // counter, gauge; "" if it is not known
	labels []string
	open   bool // it can have any label
}

// lookup tells what a name stands for, or why it stands for nothing. What
// Prometheus and its Go client make themselves is known by prefix.
func (m Metrics) lookup(name string) (series, string) {
	if f, ok := m.Families[name]; ok {
		if f.Kind == "histogram" {
			return series{}, name + " is a histogram: ask for its _bucket, _sum or _count"
		}
		return series{family: name, kind: f.Kind, labels: f.Labels}, ""
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, ok := strings.CutSuffix(name, suffix)
		if f := m.Families[base]; ok && f.Kind == "histogram" {
			s := series{family: base, kind: "counter", labels: f.Labels}
			if suffix == "_bucket" {
				s.labels = append(slices.Clone(f.Labels), "le")
			}
			return s, ""
		}
	}
	if labels, ok := m.Recorded[name]; ok {
		return series{kind: "gauge", labels: labels}, ""
	}
	switch {
	case name == "ALERTS" || name == "ALERTS_FOR_STATE" || strings.HasPrefix(name, "go_"):
		return series{open: true}, ""
	case name == "up" || strings.HasPrefix(name, "scrape_"):
		return series{kind: "gauge"}, ""
	case strings.HasPrefix(name, "process_"):
		if strings.HasSuffix(name, "_total") {
			return series{kind: "counter"}, ""
		}
		return series{kind: "gauge"}, ""
	}
	return series{}, fmt.Sprintf("there is no metric %q", name)
}
