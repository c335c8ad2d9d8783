package lease

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed acquire.lua
var acquireSource string

//go:embed prolong.lua
var prolongSource string

//go:embed release.lua
var releaseSource string

var (
	acquireScript = redis.NewScript(acquireSource)
	prolongScript = redis.NewScript(prolongSource)
	releaseScript = redis.NewScript(releaseSource)
)

const (
	// KeyLeader is the lease of the process that records dead letters, purges and
	// publishes.
	KeyLeader = "vmpooler_exporter__lease"
	// KeyPurge is the lease of one purge, by the loop or by a command.
	KeyPurge = "vmpooler_exporter__lease__purge"
	// KeyLetters is the lease of one who deletes dead letters, or puts requests back.
	KeyLetters = "vmpooler_exporter__lease__dlq"

	keyNumber = "vmpooler_exporter__lease__number"
)

// Lease is one process's claim to a lease. It is safe for concurrent use.
type Lease struct {
	client redis.UniversalClient
	key    string
	owner  string
	ttl    time.Duration
	now    func() time.Time

	turn sync.Mutex // held while Redis is asked: a token of ours must not seem another's

	mu    sync.Mutex
	token string    // empty while another has it
	until time.Time // when it ends by our clock, if it is not prolonged
	other Holder
}

// Holder is who has a lease.
type Holder struct {
	Owner string        // <host>:<process>:<random>; empty if nobody has it
	For   time.Duration // how long still, when it was asked
}

// New returns a claim to the lease with this key, which lives for ttl unless it
// is prolonged. It has yet to be acquired. A nil now is the real clock.
func New(client redis.UniversalClient, key, owner string, ttl time.Duration, now func() time.Time) *Lease {
	if now == nil {
		now = time.Now
	}
	return &Lease{client: Once(client), key: key, owner: owner, ttl: ttl, now: now}
}

// Owner returns a name for this process that no other has: host, process id and
// a random part.
func Owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d:%s", strings.ReplaceAll(host, ":", "_"), os.Getpid(), rand.Text()[:8])
}

// Acquire takes the lease, or prolongs it, and says whether it is ours now. The
// error is Redis's and names the key; what was held before is held until its
// time has passed.
func (l *Lease) Acquire(ctx context.Context) (bool, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	token := l.token
	l.mu.Unlock()
	asked := l.now() // the lease lives from when Redis got it, which is not before
	reply, err := acquireScript.Run(ctx, l.client, []string{l.key, keyNumber}, l.owner, token, l.ttl.Milliseconds()).Slice()
	if err != nil {
		return false, fmt.Errorf("lease: %s: %w", l.key, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered(reply, asked)
}

func (l *Lease) answered(reply []any, asked time.Time) (bool, error) {
	switch {
	case len(reply) == 2 && reply[0] == int64(1):
		l.token, _ = reply[1].(string)
		l.until, l.other = asked.Add(l.ttl), Holder{}
		return true, nil
	case len(reply) == 3 && reply[0] == int64(0):
		value, _ := reply[1].(string)
		left, _ := reply[2].(int64)
		_, owner, _ := strings.Cut(value, ":")
		l.token, l.other = "", Holder{Owner: owner, For: time.Duration(left) * time.Millisecond}
		return false, nil
	default:
		return false, fmt.Errorf("lease: %s: the script's reply is not understood: %v", l.key, reply)
	}
}

// Prolong lets the lease live on, and says whether it is ours still. Once it is not,
// it never is again: unlike Acquire it takes no lease that has become free. That is
// for work whose reasons grow old while somebody else may have the lease. The error
// is Redis's and names the key; what was held before is held until its time has
// passed.
func (l *Lease) Prolong(ctx context.Context) (bool, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	token := l.token
	l.mu.Unlock()
	if token == "" {
		return false, nil
	}
	asked := l.now()
	ours, err := prolongScript.Run(ctx, l.client, []string{l.key}, token, l.ttl.Milliseconds()).Bool()
	if err != nil {
		return false, fmt.Errorf("lease: %s: %w", l.key, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if ours {
		l.until = asked.Add(l.ttl)
	} else {
		l.token = ""
	}
	return ours, nil
}

// Fence returns what proves to a script that the lease is ours, and whether it
// is, as far as can be known without asking: its time has not passed.
func (l *Lease) Fence() (Fence, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Fence{Key: l.key, Token: l.token}, l.token != "" && l.now().Before(l.until)
}

// Other is who had the lease when it was last refused to us.
func (l *Lease) Other() Holder {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.other
}

// Release gives the lease back if it is ours, so that another need not wait for
// its end. The error is Redis's and names the key.
func (l *Lease) Release(ctx context.Context) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	token := l.token
	l.token = ""
	l.mu.Unlock()
	if token == "" {
		return nil
	}
	if err := releaseScript.Run(ctx, l.client, []string{l.key}, token).Err(); err != nil {
		return fmt.Errorf("lease: %s: %w", l.key, err)
	}
	return nil
}
