package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// letterPage is a page of dead letters, as `dlq list --output=json` prints it.
type letterPage struct {
	Entries    []json.RawMessage `json:"entries"`
	NextCursor string            `json:"next_cursor"`
}

func (a *api) listLetters(w http.ResponseWriter, r *http.Request, v values) error {
	f, err := v.letters(a.opts.Now().Truncate(quantum))
	if err != nil {
		return err
	}
	if f.Limit, err = v.limit(); err != nil {
		return err
	}
	page, err := a.opts.Live.Letters(r.Context(), f)
	if err != nil {
		return err
	}
	out := letterPage{Entries: make([]json.RawMessage, len(page.Records)), NextCursor: page.NextCursor}
	for i := range page.Records {
		if out.Entries[i], err = dlq.MarshalRecord(&page.Records[i]); err != nil {
			return err
		}
	}
	return answer(w, out)
}

func (a *api) getLetter(w http.ResponseWriter, r *http.Request, _ values) error {
	id := r.PathValue("id")
	if err := checkText("id", id); err != nil {
		return err
	}
	record, err := a.opts.Live.Letter(r.Context(), id)
	if err != nil {
		return err
	}
	line, err := dlq.MarshalRecord(&record)
	if err != nil {
		return err
	}
	return answer(w, json.RawMessage(line))
}

// letterStats is a dlq.Stats as `dlq stats --output=json` prints it, but for the
// groups, of which these are the largest.
type letterStats struct {
	Entries     int           `json:"entries"`
	Unreadable  int           `json:"unreadable"`
	First       *time.Time    `json:"first"`
	Last        *time.Time    `json:"last"`
	Groups      []letterGroup `json:"groups"`
	GroupsTotal int           `json:"groups_total"`
	NextCursor  string        `json:"next_cursor"` // of the groups
	Pools       []letterTally `json:"pools"`
	Queues      []letterTally `json:"queues"`
	Hours       []letterHour  `json:"hours"`
}

type letterGroup struct {
	Fingerprint string          `json:"fingerprint"`
	Count       int             `json:"count"`
	Pools       []string        `json:"pools"`
	First       *time.Time      `json:"first"`
	Last        *time.Time      `json:"last"`
	Example     json.RawMessage `json:"example"`
}

type letterTally struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type letterHour struct {
	Hour  time.Time `json:"hour"`
	Count int       `json:"count"`
}

// getStats has a page of the groups alone: of the rest there are as many as pools and
// hours. A cursor is the number of groups before it.
func (a *api) getStats(w http.ResponseWriter, r *http.Request, v values) error {
	from, err := v.position()
	if err != nil {
		return err
	}
	f, err := v.letters(a.opts.Now().Truncate(live.SlowPeriod))
	if err != nil {
		return err
	}
	limit, err := v.limit()
	if err != nil {
		return err
	}
	stats, _, err := a.opts.Live.Stats(r.Context(), f)
	if err != nil {
		return err
	}
	out, err := statsOf(stats, from, limit)
	if err != nil {
		return err
	}
	return answer(w, out)
}

func statsOf(s *dlq.Stats, from, limit int) (*letterStats, error) {
	from = min(from, len(s.Groups))
	to := min(from+limit, len(s.Groups))
	out := &letterStats{
		Entries: s.Entries, Unreadable: s.Unreadable, First: timeJSON(s.First), Last: timeJSON(s.Last),
		Groups: []letterGroup{}, GroupsTotal: len(s.Groups), Pools: tallies(s.Pools), Queues: tallies(s.Queues), Hours: []letterHour{},
	}
	if to < len(s.Groups) {
		out.NextCursor = strconv.Itoa(to)
	}
	for i := from; i < to; i++ {
		g := &s.Groups[i]
		example, err := dlq.MarshalRecord(&g.Example)
		if err != nil {
			return nil, err
		}
		out.Groups = append(out.Groups, letterGroup{g.Fingerprint, g.Count, g.Pools, timeJSON(g.First), timeJSON(g.Last), example})
	}
	for _, h := range s.Hours {
		if at := timeJSON(h.Start); at != nil {
			out.Hours = append(out.Hours, letterHour{*at, h.Count})
		}
	}
	return out, nil
}

func tallies(list []dlq.Tally) []letterTally {
	out := make([]letterTally, len(list))
	for i, t := range list {
		out[i] = letterTally(t)
	}
	return out
}
