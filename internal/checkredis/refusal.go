package checkredis

import (
	"slices"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

// refusal returns what the user lacks according to a reply to a sample. Redis
// looks at the command first and at its keys only if that is permitted.
func refusal(err error, c Command, s Sample) (Missing, bool) {
	if !redisclient.IsNoPermission(err) {
		return Missing{}, false
	}
	return missing(err.Error(), c, s), true
}

// missing tells a refused key from a refused command, in an error and in the
// answer of ACL DRYRUN, of 6.2 and of newer versions: "…permissions to access
// one of the keys…", "…to access the 'k' key", "…to run the 'get' command".
func missing(text string, c Command, s Sample) Missing {
	if strings.Contains(text, " to access ") {
		return Missing{Command: c.Name, Keys: s.Keys}
	}
	return Missing{Command: c.Name}
}

// addMissing appends m once.
func addMissing(list []Missing, m Missing) []Missing {
	if slices.Contains(list, m) {
		return list
	}
	return append(list, m)
}
