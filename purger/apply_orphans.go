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
	before string  // what the first look returned; "" for the first
	found  *string // where the first puts that
}

// lookedAt is an orphan after the first look.
type lookedAt struct {
	action *Action
	found  string
	at     time.Time // by our own clock, no sooner than the look
}

func (ap *Applier) confirmAfter() time.Duration {
	if ap.ConfirmAfter <= 0 {
		return defaultConfirm
	}
	return ap.ConfirmAfter
}

// lookAtOrphans looks at all of them for the first time, and writes nothing. Those
// that are none have their outcome then.
func (ap *Applier) lookAtOrphans(ctx context.Context, p *Plan) ([]lookedAt, error) {
	var looked []lookedAt
	for i := range p.Actions {
		a := &p.Actions[i]
		if a.Outcome != Planned || a.Target != Orphaned {
			continue
		}
		var found string
		if err := ap.turn(ctx, a, look{found: &found}); err != nil {
			return nil, err
		}
		if found != "" {
			looked = append(looked, lookedAt{a, found, time.Now()})
		}
	}
	return looked, nil
}

// dealWithOrphans looks at them again, each when its time has come, and lets the
// metadata of those that are still orphans expire.
func (ap *Applier) dealWithOrphans(ctx context.Context, looked []lookedAt) error {
	for _, l := range looked {
		if err := ap.sleep(ctx, ap.confirmAfter()-time.Since(l.at)); err != nil {
			return err
		}
		if err := ap.turn(ctx, l.action, look{before: l.found}); err != nil {
			return err
		}
	}
	return nil
}
