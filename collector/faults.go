package collector

import (
	"regexp"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// faults logs why something fails when it begins to, when the reason changes,
// and when it is over: once, and not at each scrape.
type faults struct {
	logger log.Logger
	mu     sync.Mutex
	last   map[string]string // subject → reason
}

func newFaults(logger log.Logger) *faults {
	return &faults{logger: logger, last: make(map[string]string)}
}

// note takes the present state of a subject; err is nil where it is well.
func (f *faults) note(subject string, err error) {
	reason := ""
	if err != nil {
		reason = stable(err.Error())
	}
	f.mu.Lock()
	before := f.last[subject]
	f.last[subject] = reason
	f.mu.Unlock()
	switch reason {
	case before:
	case "":
		level.Info(f.logger).Log("msg", "recovered", "subject", subject)
	default:
		level.Error(f.logger).Log("msg", "failing", "subject", subject, "err", err)
	}
}

// localPort is the part of a connection's error that differs each time.
var localPort = regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+->`)

func stable(reason string) string { return localPort.ReplaceAllString(reason, "") }
