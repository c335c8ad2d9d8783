package purger

import (
	"context"
	"time"
)

// defaultConfirm is how long it takes at least until an orphan is one: several times
// as long as the second that a resized pool's VMs were seen in no queue for.
const defaultConfirm = 5 * time.Second

// look is one of the two looks at what may be an orphan, see scripts/orphaned.lua.
type look struct {
	before string        // what the first look returned; "" for the first
	after  time.Duration // how long must lie between the two
}

// seen is an orphan after the first look.
type seen struct {
	batch []*Action
	found []string  // what the first look returned, for each
	at    time.Time // by our own clock, no sooner than the look
}

func (ap *Applier) confirmAfter() time.Duration {
	if ap.ConfirmAfter <= 0 {
		return defaultConfirm
	}
	return ap.ConfirmAfter
}

// lookAtOrphans looks at all of them for the first time, and writes nothing. Those
// that are none have their outcome then.
func (ap *Applier) lookAtOrphans(ctx context.Context, p *Plan) ([]seen, error) {
	var all []seen
	for _, batch := range p.batches(func(a *Action) bool { return a.Target == Orphaned }) {
		found, err := ap.turn(ctx, batch, make([]string, len(batch)))
		if err != nil {
			return nil, err
		}
		s := seen{at: time.Now()}
		for i, a := range batch {
			if a.Outcome == Planned {
				s.batch, s.found = append(s.batch, a), append(s.found, found[i])
			}
		}
		if len(s.batch) > 0 {
			all = append(all, s)
		}
	}
	return all, nil
}

// dealWithOrphans looks at them again, each when its time has come, and lets the
// metadata of those that are still orphans expire.
func (ap *Applier) dealWithOrphans(ctx context.Context, all []seen) error {
	for _, s := range all {
		if err := ap.sleep(ctx, ap.confirmAfter()-time.Since(s.at)); err != nil {
			return err
		}
		if _, err := ap.turn(ctx, s.batch, s.found); err != nil {
			return err
		}
	}
	return nil
}
