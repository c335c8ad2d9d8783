package purger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/inventory"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// planVersion is that of the file's form.
const planVersion = 1

// planFile is a saved plan. It holds names and times, and no secrets.
type planFile struct {
	Version int           `json:"version"`
	ID      string        `json:"plan_id"`
	Made    time.Time     `json:"made"`
	Redis   string        `json:"redis"`   // run_id
	Address string        `json:"address"` // as the exporter was told to reach it
	Actions []savedAction `json:"actions"`
	Held    []Hold        `json:"held"`
}

type savedAction struct {
	Target    Target            `json:"target"`
	Pool      string            `json:"pool,omitempty"`
	Queue     string            `json:"queue,omitempty"`
	VM        string            `json:"vm,omitempty"`
	RequestID string            `json:"request_id,omitempty"`
	Age       int64             `json:"age_seconds"`
	Reason    string            `json:"reason"`
	Does      string            `json:"does"`
	Provider  inventory.Verdict `json:"provider"`
	Outcome   Outcome           `json:"outcome"`
	Why       string            `json:"why,omitempty"`
	Check     savedCheck        `json:"check"`
}

type savedCheck struct {
	Field  string    `json:"field"`
	Text   string    `json:"text"`
	Clone  string    `json:"clone,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	MinAge int64     `json:"min_age_seconds"`

	Request string `json:"request,omitempty"`
	Alias   string `json:"alias,omitempty"`
	Retries int    `json:"retries,omitempty"`
}

// Save writes the plan for Load. Address is how this Redis is reached.
func (p *Plan) Save(w io.Writer, address string) error {
	f := planFile{Version: planVersion, ID: p.ID, Made: p.Made, Redis: p.Redis, Address: address, Held: p.Held}
	for i := range p.Actions {
		a := &p.Actions[i]
		s := savedAction{
			Target: a.Target, Pool: a.Pool, VM: a.VM, RequestID: a.RequestID, Age: int64(a.Age / time.Second),
			Reason: a.Reason, Does: a.Does, Provider: a.Provider, Outcome: a.Outcome, Why: a.Why,
			Check: savedCheck{
				Field: a.Check.Field, Text: a.Check.Text, Clone: a.Check.Clone, Since: a.Check.Since,
				MinAge: int64(a.Check.MinAge / time.Second), Request: a.request, Alias: a.alias, Retries: a.retries,
			},
		}
		if a.Target != Orphaned && a.Target != Request {
			s.Queue = a.Queue.String()
		}
		f.Actions = append(f.Actions, s)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(f)
}

// PlanRefusedError says why a saved plan is not applied.
type PlanRefusedError struct{ Reason string }

// Error implements error.
func (e *PlanRefusedError) Error() string { return "the plan is refused: " + e.Reason }

// LoadOptions say which saved plan is accepted.
type LoadOptions struct {
	Redis   string    // run_id of the Redis at hand; "" if it does not say
	Address string    // how it is reached
	Now     time.Time // by its clock
	MaxAge  time.Duration
}

// Load reads a saved plan. The error is a *PlanRefusedError for one that is too old,
// from another Redis, or that no version of this program wrote.
func Load(r io.Reader, o LoadOptions) (*Plan, error) {
	var f planFile
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, &PlanRefusedError{"it can't be read: " + err.Error()}
	}
	if err := f.accept(o); err != nil {
		return nil, err
	}
	p := &Plan{ID: f.ID, Made: f.Made, Redis: f.Redis, Held: f.Held}
	for i := range f.Actions {
		a, err := f.Actions[i].action()
		if err != nil {
			return nil, &PlanRefusedError{fmt.Sprintf("action %d: %v", i+1, err)}
		}
		p.Actions = append(p.Actions, a)
	}
	return p, nil
}

func (f *planFile) accept(o LoadOptions) error {
	age := o.Now.Sub(f.Made)
	switch {
	case f.Version != planVersion:
		return &PlanRefusedError{fmt.Sprintf("its form is version %d, this program knows %d", f.Version, planVersion)}
	case f.ID == "" || f.Made.IsZero():
		return &PlanRefusedError{"it has no id or no time"}
	case age > o.MaxAge:
		return &PlanRefusedError{fmt.Sprintf("it is %s old, limit %s: make a new one", short(age), short(o.MaxAge))}
	case age < -time.Minute:
		return &PlanRefusedError{"it is from the future"}
	case f.Redis != o.Redis:
		return &PlanRefusedError{"it is for another Redis, or for this one before its restart"}
	case f.Redis == "" && f.Address != o.Address: // Redis does not tell who it is
		return &PlanRefusedError{"it is for the Redis at " + f.Address}
	}
	return nil
}

// checkedField is the field that each target is judged by.
var checkedField = map[Target]string{
	Pending: vmpooler.FieldClone, Ready: vmpooler.FieldReady, Completed: vmpooler.FieldDestroy,
	Orphaned: vmpooler.FieldClone, Request: vmpooler.FieldStatus, Ghost: vmpooler.FieldClone,
}

// action checks what a plan can hold. What it says of ages is checked by whoever
// applies it: see Raise.
func (s *savedAction) action() (Action, error) {
	a := Action{
		Target: s.Target, Pool: s.Pool, VM: s.VM, RequestID: s.RequestID, Age: time.Duration(s.Age) * time.Second,
		Reason: s.Reason, Does: s.Does, Provider: s.Provider, Outcome: s.Outcome, Why: s.Why,
		Check: Check{
			Field: s.Check.Field, Text: s.Check.Text, Clone: s.Check.Clone, Since: s.Check.Since,
			MinAge: time.Duration(s.Check.MinAge) * time.Second,
		},
		request: s.Check.Request, alias: s.Check.Alias, retries: s.Check.Retries,
	}
	if a.Outcome != Planned && a.Outcome != Held {
		return a, fmt.Errorf("no plan has the outcome %q", s.Outcome)
	}
	if field, ok := checkedField[s.Target]; ok && a.Check.Field != field {
		return a, fmt.Errorf("%s entries are not judged by the field %q", s.Target, s.Check.Field)
	}
	if err := a.Check.reread(s.Target); err != nil {
		return a, err
	}
	queues := map[Target][]vmpooler.Queue{
		Pending: {vmpooler.Pending}, Ready: {vmpooler.Ready}, Completed: {vmpooler.Completed},
		Ghost: {vmpooler.Pending, vmpooler.Ready, vmpooler.Completed},
	}
	switch s.Target {
	case Request:
		if s.RequestID == "" {
			return a, errors.New("it names no request")
		}
		return a, nil
	case Orphaned:
	case Pending, Ready, Completed, Ghost:
		i := slices.IndexFunc(queues[s.Target], func(q vmpooler.Queue) bool { return q.String() == s.Queue })
		if i < 0 {
			return a, fmt.Errorf("%s VMs are never purged from %q", s.Target, s.Queue)
		}
		a.Queue = queues[s.Target][i]
	default:
		return a, fmt.Errorf("there is no target %q", s.Target)
	}
	if s.VM == "" || s.Pool == "" {
		return a, errors.New("it names no VM or no pool")
	}
	return a, nil
}

// reread takes since when something was from the very text that the script compares
// with, not from the file's word.
func (c *Check) reread(t Target) error {
	switch {
	case t == Request:
		if c.Since.IsZero() {
			return errors.New("it does not say when the request was made")
		}
	case t == Completed && c.Text == "":
		return errors.New("it was judged by what the loop saw, which a file can't prove")
	default:
		since, err := vmpooler.ParseTime(c.Text)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Field, err)
		}
		c.Since = since
	}
	return nil
}

// Raise holds a saved plan to these settings, and to what is true now: no age that a
// script checks is below the one in force, a target that is switched off is left
// out, and a pool that is held now for another reason than its size is left alone.
// A ghost goes only if the provider lacks it now.
func (p *Plan) Raise(s Settings, now *Plan, view *inventory.View) {
	least := map[Target]time.Duration{
		Pending: s.MaxPendingAge, Ready: s.MaxReadyAge, Completed: s.MaxCompletedAge,
		Orphaned: s.MaxOrphanedAge, Request: s.MaxRequestAge,
	}
	p.pools, p.skew = now.pools, now.skew
	for i := range p.Actions {
		a := &p.Actions[i]
		if a.Target != Completed || a.Check.Text != "" { // without destroy it was judged by what was seen
			a.Check.MinAge = max(a.Check.MinAge, least[a.Target])
		}
		if a.Outcome != Planned {
			continue
		}
		verdict := view.Verdict(a.Pool, a.VM)
		switch h, held := now.held(a); {
		case !s.Targets[a.Target]:
			a.Outcome, a.Why = Held, "its target is switched off"
		case held && !h.Cause.Overridable():
			a.Outcome, a.Why = Held, h.Reason
		case a.Target == Ghost && verdict != inventory.Absent,
			(a.Target == Completed || a.Target == Orphaned) && verdict != inventory.Absent && verdict != inventory.Unverified:
			a.Outcome, a.Why = Held, "the provider's answer is "+string(verdict)
		}
	}
	for _, h := range now.Held {
		if !h.Cause.Overridable() && !slices.ContainsFunc(p.Held, func(o Hold) bool {
			return o.Pool == h.Pool && o.Target == h.Target && o.Cause == h.Cause
		}) {
			p.Held = append(p.Held, h)
		}
	}
}
