package purger

import (
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// failedCall says what an error of a call means for its actions, and whether no other
// action can succeed after it.
func failedCall(err error) (o Outcome, fatal bool) {
	var refused redis.Error
	switch {
	case errors.Is(err, lease.ErrFenced):
		return Refused, true
	case errors.As(err, &refused): // OOM, READONLY, NOPERM, MISCONF: the next may be of another kind
		return Refused, false
	}
	return Failed, true
}

// take sets the outcome by what a script says of an action, see scripts/prelude.lua.
// It stays as it is after the first of two looks at an orphan.
func (a *Action) take(code, detail string) {
	switch code {
	case "applied":
		a.Outcome = Applied
	case "seen":
	case "refused":
		a.Outcome, a.Why = Refused, detail
	default:
		a.Outcome, a.Why = Skipped, moved(code, detail)
	}
}

// moved says in words what the server found instead of the plan's evidence.
func moved(code, detail string) string {
	texts := map[string]string{
		"type":      "a key is of another type: " + detail,
		"gone":      "it is not there any more",
		"changed":   "its metadata has changed: " + detail,
		"life":      "the name belongs to another VM by now",
		"young":     "by the server's clock it is not old enough",
		"user":      "it is with a user",
		"expiring":  "its metadata expires by itself",
		"elsewhere": "it is in another queue: " + detail,
		"queued":    "the request has moved on",
	}
	if text, ok := texts[code]; ok {
		return text
	}
	return "the script says " + code
}
