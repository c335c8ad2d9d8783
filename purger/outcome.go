package purger

import (
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// take sets the outcome by a script's reply, see scripts/prelude.lua. It stays as it
// is after the first of two looks at an orphan. The error is one after which no
// other action can succeed.
func (a *Action) take(reply []string, err error) error {
	var refused redis.Error
	switch {
	case errors.Is(err, lease.ErrFenced):
		a.Outcome, a.Why = Refused, err.Error()
		return err
	case errors.As(err, &refused): // OOM, READONLY, NOPERM, MISCONF: the next may be of another kind
		a.Outcome, a.Why = Refused, err.Error()
		return nil
	case err != nil:
		a.Outcome, a.Why = Failed, err.Error()
		return err
	case len(reply) != 2:
		a.Outcome, a.Why = Failed, fmt.Sprintf("the script's reply is not understood: %d texts", len(reply))
		return nil
	case reply[0] == "applied":
		a.Outcome = Applied
	case reply[0] == "seen":
	default:
		a.Outcome, a.Why = Skipped, moved(reply[0], reply[1])
	}
	return nil
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
