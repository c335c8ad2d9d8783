package web

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// LetterList is the list of dead letters as it is shown.
type LetterList struct {
	Query   lettersQuery
	Queues  []Choice
	Orders  []Choice
	Letters []Letter
	Gaps    []string
	Nothing string
	First   string // addresses of the first page and of the next, "" for none
	Next    string
	Admin   bool
	// MostRequeued is how many requests may be put back at once; 0 where nobody says.
	MostRequeued int
}

// Letter is one dead letter.
type Letter struct {
	ID                     string
	At                     Moment
	VM, VMHref             string
	Pool, PoolHref         string
	Queue                  string
	Class, Message         string
	Request, RequestHref   string
	Alias, Retries, Broken string
}

func newLetterList(page *dlq.Page, q lettersQuery, now time.Time, admin bool) *LetterList {
	l := &LetterList{Query: q, Admin: admin}
	for _, queue := range q.queueChoices() {
		text := plain(queue)
		if queue == "" {
			text = "all"
		}
		l.Queues = append(l.Queues, Choice{queue, text, queue == q.Queue})
	}
	l.Orders = choices([]string{string(dlq.Newest), string(dlq.Oldest)}, map[string]string{"newest": "newest first", "oldest": "oldest first"}, q.Order)
	if page.Unreadable > 0 {
		l.Gaps = append(l.Gaps, plural(int64(page.Unreadable), "entry that is no dead letter")+" met on the way")
	}
	for _, queue := range page.WrongType {
		l.Gaps = append(l.Gaps, "the queue "+plain(queue)+" is of another type, left out")
	}
	for i := range page.Records {
		l.Letters = append(l.Letters, newLetter(&page.Records[i], now))
	}
	if len(l.Letters) == 0 {
		l.Nothing = "There are no dead letters."
		if q.Filtered() || q.Cursor != "" {
			l.Nothing = "No dead letter matches."
		}
	}
	if q.Cursor != "" {
		l.First = q.after("").href()
	}
	if page.NextCursor != "" {
		l.Next = q.after(page.NextCursor).href()
	}
	return l
}

func newLetter(r *dlq.Record, now time.Time) Letter {
	l := Letter{
		ID: plain(r.ID), At: moment(r.FailedAt, now, "time unknown"), Queue: plain(r.Queue),
		VM: plain(r.VM), VMHref: vmHref(r.VM), Pool: plain(r.Pool), PoolHref: poolLetters(r.Pool),
		Class: reason(r.ErrorClass), Message: reason(r.ErrorMessage),
		Request: plain(r.RequestID), RequestHref: requestHref(r.RequestID), Alias: plain(r.PoolAlias),
	}
	if r.RetryCount != nil {
		l.Retries = count(int64(*r.RetryCount))
	}
	if r.Err != nil {
		l.Broken = "not readable: " + reason(r.Err.Error())
	}
	return l
}
