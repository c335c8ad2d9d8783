package web

import (
	"context"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/explain"
)

// StoryPage is what is known of one VM or request, as it is shown.
type StoryPage struct {
	Kind, Name string
	Places     []PlaceRow
	Next       string
	Facts      []Fact
	VMs        []VMRow // of a request
	Warnings   []string
	Events     []EventRow
	Letters    []Letter
	Admin      bool
	// MostRequeued is how many requests may be put back at once; 0 where nobody says.
	MostRequeued int
}

// PlaceRow is a queue that it is in.
type PlaceRow struct {
	Queue, Pool, For string
}

// Fact is one thing that is known, in words.
type Fact struct {
	Name, Value string
	Href        string // "" for none
}

// VMRow is a VM of a request.
type VMRow struct {
	Name, Href, Pool, State string
}

// EventRow is a step in a time line.
type EventRow struct {
	At           Moment
	Since        string // how long after the step before
	What, Source string
}

type storyReader func(ctx context.Context, name string) (*explain.Report, error)

func newStoryPage(s *explain.Report, admin bool) *StoryPage {
	p := &StoryPage{Kind: kindText(s.Kind), Name: plain(s.Name), Next: reason(s.Next), Facts: facts(&s.Facts), Admin: admin}
	for _, place := range s.Where {
		row := PlaceRow{Queue: queueText(place.Queue), Pool: plain(place.Pool)}
		if place.AgeSeconds != nil {
			row.For = seconds(*place.AgeSeconds)
		}
		p.Places = append(p.Places, row)
	}
	for i := range s.VMs {
		vm := &s.VMs[i]
		state := "being made"
		if vm.Given {
			state = "given to it"
		}
		if vm.Destroyed {
			state = "destroyed"
		}
		if len(vm.Queues) > 0 {
			state += ", " + strings.Join(vm.Queues, " and ")
		}
		p.VMs = append(p.VMs, VMRow{plain(vm.VM), vmHref(vm.VM), plain(vm.Pool), state})
	}
	for _, w := range s.Warnings {
		p.Warnings = append(p.Warnings, reason(w))
	}
	p.Events = events(s.Events, s.AsOf)
	for i := range s.DeadLetters {
		p.Letters = append(p.Letters, newLetter(&s.DeadLetters[i], s.AsOf))
	}
	return p
}

func events(list []explain.Event, now time.Time) []EventRow {
	rows := make([]EventRow, 0, len(list))
	var before time.Time
	for _, e := range list {
		row := EventRow{At: moment(e.At, now, "time unknown"), What: reason(e.What), Source: string(e.Source)}
		if !before.IsZero() && !e.At.IsZero() {
			row.Since = "+" + span(e.At.Sub(before))
		}
		if !e.At.IsZero() {
			before = e.At
		}
		rows = append(rows, row)
	}
	return rows
}

// facts lists what is there, in the order of the commands.
func facts(f *explain.Facts) []Fact {
	var out []Fact
	add := func(name, value, href string) {
		if value != "" {
			out = append(out, Fact{name, value, href})
		}
	}
	add("Pool", plain(f.Pool), poolHref(f.Pool))
	if f.Template != f.Pool {
		add("Template", plain(f.Template), "")
	}
	add("Domain", plain(f.Domain), "")
	add("Request", plain(f.RequestID), requestHref(f.RequestID))
	add("Alias", plain(f.PoolAlias), "")
	if f.LifetimeSeconds != nil {
		add("Lifetime", seconds(*f.LifetimeSeconds), "")
	}
	add("Error", reason(f.Error), "")
	add("Status", plain(f.Status), "")
	add("Asked for", reason(f.Requested), "")
	if f.RetryCount != nil {
		add("Retries", count(int64(*f.RetryCount)), "")
	}
	add("Failed because", reason(f.FailureReason), "")
	if f.Requeued != nil {
		add("Put back", count(int64(*f.Requeued))+" times", "")
	}
	switch {
	case f.TTLSeconds != nil:
		add("Metadata", "expires in "+seconds(*f.TTLSeconds), "")
	case !f.Metadata:
		add("Metadata", "none", "")
	}
	return out
}

// queueText says in words what the queues of requests are for.
func queueText(queue string) string {
	switch queue {
	case "provisioning__request":
		return "waiting"
	case "provisioning__processing":
		return "being worked on"
	case "odcreate__task":
		return "waiting for its clones to begin"
	}
	return plain(queue)
}

func kindText(k explain.Kind) string {
	if k == explain.KindVM {
		return "VM"
	}
	return "request"
}
