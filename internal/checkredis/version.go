package checkredis

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is what a server says of itself.
type Version struct {
	Product string // "Redis" or "Valkey"; empty when unknown
	Number  string // "7.0.15"; empty when unknown
}

// String returns "Redis 7.0.15", or "unknown".
func (v Version) String() string {
	if v.Number == "" {
		return "unknown"
	}
	return v.Product + " " + v.Number
}

// The versions that the exporter is made for.
var (
	oldest = map[string][2]int{"Redis": {6, 2}, "Valkey": {7, 2}}
	newest = map[string]int{"Redis": 8, "Valkey": 8} // major
)

// judge returns why the version is too old, or a remark on a version that is
// newer than what the exporter was made for.
func (v Version) judge() (problem, warning string) {
	major, minor, ok := v.parse()
	if !ok {
		return "", "the server's version is unknown"
	}
	o := oldest[v.Product]
	switch {
	case major < o[0] || major == o[0] && minor < o[1]:
		return fmt.Sprintf("%s is too old: the exporter needs %d.%d or newer", v, o[0], o[1]), ""
	case major > newest[v.Product]:
		return "", fmt.Sprintf("%s is newer than what this exporter was made for (to %d)", v, newest[v.Product])
	}
	return "", ""
}

// lacksSortRO reports whether the server is known to have SORT only.
func (v Version) lacksSortRO() bool {
	major, _, ok := v.parse()
	return ok && v.Product == "Redis" && major < 7
}

func (v Version) parse() (major, minor int, ok bool) {
	parts := strings.SplitN(v.Number, ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return major, minor, err1 == nil && err2 == nil
}
