package purger

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
)

// KeyAudit is the stream of what was purged.
const KeyAudit = "vmpooler_exporter__audit"

const (
	auditLength = 10_000 // entries that the stream keeps, about
	auditBatch  = 50     // entries of one call
)

//go:embed scripts/audit.lua
var auditSource string

var auditScript = redis.NewScript(prelude + auditSource)

// Record is one action as the audit keeps it.
type Record struct {
	At         time.Time `json:"at"` // to the millisecond
	Who        string    `json:"who"`
	Plan       string    `json:"plan_id"`
	Target     Target    `json:"target"`
	Pool       string    `json:"pool,omitempty"`
	VM         string    `json:"vm,omitempty"`
	RequestID  string    `json:"request_id,omitempty"`
	AgeSeconds int64     `json:"age_seconds"`
	Reason     string    `json:"reason"`
	Does       string    `json:"does"`
	Provider   string    `json:"provider"`
	Outcome    Outcome   `json:"outcome"`
	Why        string    `json:"why,omitempty"`
}

// Audit writes down each action: a line in the log, and an entry of a capped stream
// in Redis. It is for one goroutine.
type Audit struct {
	client  redis.UniversalClient
	logger  log.Logger
	now     func() time.Time
	who     string
	plan    *Plan
	fence   func() (lease.Fence, bool)
	waiting []any
}

// note writes the line, and keeps the entry for flush unless nothing is written in
// this run.
func (a *Audit) note(act *Action) error {
	r := Record{
		At: a.now().UTC().Truncate(time.Millisecond), Who: a.who, Plan: a.plan.ID,
		Target: act.Target, Pool: act.Pool, VM: act.VM, RequestID: act.RequestID, AgeSeconds: int64(act.Age / time.Second),
		Reason: act.Reason, Does: act.Does, Provider: string(act.Provider), Outcome: act.Outcome, Why: act.Why,
	}
	a.log(&r)
	if a.plan.DryRun || act.Outcome == Held || act.Outcome == Planned {
		return nil
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	a.waiting = append(a.waiting, string(text))
	return nil
}

func (a *Audit) log(r *Record) {
	lvl := level.Info
	switch r.Outcome {
	case Refused, Failed:
		lvl = level.Error
	case Held: // its pool has a line of its own
		lvl = level.Debug
	case Planned, Applied, Skipped:
	}
	line := []any{"msg", "purge", "outcome", r.Outcome, "target", r.Target}
	for _, f := range [...]struct{ key, value string }{
		{"pool", r.Pool},
		{"vm", r.VM},
		{"request_id", r.RequestID},
		{"reason", r.Reason},
		{"does", r.Does},
		{"provider", r.Provider},
		{"why", r.Why},
	} {
		if f.value != "" {
			line = append(line, f.key, f.value)
		}
	}
	lvl(a.logger).Log(append(line,
		"age", time.Duration(r.AgeSeconds)*time.Second, "plan_id", r.Plan, "dry_run", a.plan.DryRun, "who", r.Who)...)
}

// flush writes what waits if it is a batch, or if all of it is wanted. Entries that
// Redis refuses stand in the log alone: the error, which names the stream, is for
// the log too.
func (a *Audit) flush(ctx context.Context, everything bool) error {
	if len(a.waiting) == 0 || len(a.waiting) < auditBatch && !everything {
		return nil
	}
	entries := a.waiting
	a.waiting = nil
	fence, ours := a.fence()
	if !ours {
		return fmt.Errorf("%s: %w", KeyAudit, errNoLease)
	}
	args := append([]any{fence.Token, auditLength}, entries...)
	if err := auditScript.Run(ctx, a.client, []string{KeyAudit, fence.Key}, args...).Err(); err != nil {
		return fmt.Errorf("%s: %w", KeyAudit, lease.Check(err))
	}
	return nil
}
