package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// mostPools and mostHours are how many rows of the lesser tables a terminal
// gets; --output=json has them all.
const (
	mostPools = 20
	mostHours = 24
	barWidth  = 30
)

// WriteDLQStats writes what the dead letters have in common: one line for each
// group of errors, the largest first and with its newest example, then the
// entries by queue, pool and hour. The error is the writer's.
func WriteDLQStats(w io.Writer, s *dlq.Stats, opts DLQOptions) error {
	var b bytes.Buffer
	color := painter(opts.Color)
	switch {
	case s.Entries > 0:
		fmt.Fprintf(&b, "%s of %s, %s  (times in UTC)\n", DeadLetters(s.Entries), plural(len(s.Groups), "kind"), dlqSpan(s.First, s.Last, opts.Now))
	default:
		b.WriteString("No dead letters.\n")
	}
	for _, gap := range dlqGaps(s.Unreadable, s.WrongType) {
		fmt.Fprintln(&b, gap)
	}
	if s.Entries > 0 {
		b.WriteByte('\n')
		writeDLQGroups(&b, s, opts, color)
		writeTallies(&b, "QUEUE", s.Queues, color)
		writeTallies(&b, "POOL", s.Pools, color)
		writeDLQHours(&b, s.Hours, color)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// DeadLetters writes how many there are: "1 dead letter", "1,204 dead letters".
func DeadLetters(n int) string {
	if n == 1 {
		return "1 dead letter"
	}
	return count(int64(n)) + " dead letters"
}

func writeDLQGroups(b *bytes.Buffer, s *dlq.Stats, opts DLQOptions, color painter) {
	numbers := cells(count(int64(s.Groups[0].Count))) // the largest is the first
	for i := range s.Groups {
		g := &s.Groups[i]
		n := fmt.Sprintf("%*s×", numbers, count(int64(g.Count)))
		facts := plural(len(g.Pools), "pool") + "  " + dlqSpan(g.First, g.Last, opts.Now)
		text := printable(g.Fingerprint)
		limit := widestMessage
		if opts.Width > 0 {
			limit = max(leastMessage, opts.Width-cells(n)-cells(facts)-2*columnGap)
		}
		fmt.Fprintf(b, "%s  %s  %s\n", color.paint(bold, n), shorten(text, limit), facts)
		example := "e.g. " + printable(g.Example.VM) + " in " + printable(g.Example.Pool) + ": show " + printable(g.Example.ID)
		if opts.Width > 0 {
			example = shorten(example, max(leastMessage, opts.Width-cells(n)-columnGap))
		}
		fmt.Fprintf(b, "%s%s\n", strings.Repeat(" ", cells(n)+columnGap), color.paint(dim, example))
	}
}

// dlqSpan writes from when to when, in UTC: clocks alone within today, or with
// the day.
func dlqSpan(first, last, now time.Time) string {
	if first.IsZero() {
		return "time unknown"
	}
	first, last = first.UTC(), last.UTC()
	today := now.UTC().Format(time.DateOnly)
	layout := dlqDay
	switch {
	case first.Format(time.DateOnly) == today && last.Format(time.DateOnly) == today:
		layout = dlqClock
	case first.Year() != last.Year() || last.Year() != now.UTC().Year():
		layout = "2006-01-02 15:04"
	}
	a, b := first.Format(layout), last.Format(layout)
	if a == b {
		return a
	}
	if layout != dlqClock && first.Format(time.DateOnly) == last.Format(time.DateOnly) {
		b = last.Format(dlqClock)
	}
	return a + "–" + b
}

func writeTallies(b *bytes.Buffer, title string, list []dlq.Tally, color painter) {
	const widest = 40
	width := len(title)
	shown := list[:min(len(list), mostPools)]
	for _, t := range shown {
		width = max(width, min(widest, cells(printable(t.Name))))
	}
	fmt.Fprintf(b, "\n%s\n", color.paint(bold, fmt.Sprintf("%-*s  ENTRIES", width, title)))
	for _, t := range shown {
		name := shorten(printable(t.Name), widest)
		fmt.Fprintf(b, "%s%s  %7s\n", name, strings.Repeat(" ", width-cells(name)), count(int64(t.Count)))
	}
	if more := len(list) - len(shown); more > 0 {
		fmt.Fprintf(b, "%s\n", color.paint(dim, "and "+count(int64(more))+" more"))
	}
}

func writeDLQHours(b *bytes.Buffer, hours []dlq.Hour, color painter) {
	shown := hours[max(0, len(hours)-mostHours):]
	if len(shown) == 0 {
		return
	}
	highest := 0
	for _, h := range shown {
		highest = max(highest, h.Count)
	}
	title := "HOUR (UTC)        ENTRIES"
	if len(shown) < len(hours) {
		title += fmt.Sprintf("  (the last %d that had any)", mostHours)
	}
	fmt.Fprintf(b, "\n%s\n", color.paint(bold, title))
	for _, h := range shown {
		bar := strings.Repeat("#", (h.Count*barWidth+highest-1)/highest)
		fmt.Fprintf(b, "%s  %7s  %s\n", h.Start.Format("2006-01-02 15:04"), count(int64(h.Count)), bar)
	}
}

// statsJSON is the JSON of dlq.Stats. Times are null where they are unknown.
type statsJSON struct {
	Entries    int         `json:"entries"`
	Unreadable int         `json:"unreadable"`
	First      *time.Time  `json:"first"`
	Last       *time.Time  `json:"last"`
	Groups     []groupJSON `json:"groups"`
	Pools      []tallyJSON `json:"pools"`
	Queues     []tallyJSON `json:"queues"`
	Hours      []hourJSON  `json:"hours"`
}

type groupJSON struct {
	Fingerprint string          `json:"fingerprint"`
	Count       int             `json:"count"`
	Pools       []string        `json:"pools"`
	First       *time.Time      `json:"first"`
	Last        *time.Time      `json:"last"`
	Example     json.RawMessage `json:"example"`
}

type tallyJSON struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type hourJSON struct {
	Hour  time.Time `json:"hour"`
	Count int       `json:"count"`
}

// WriteDLQStatsJSON writes s for programs. The error is the writer's.
func WriteDLQStatsJSON(w io.Writer, s *dlq.Stats) error {
	out := statsJSON{
		Entries: s.Entries, Unreadable: s.Unreadable, First: jsonTime(s.First), Last: jsonTime(s.Last),
		Groups: []groupJSON{}, Pools: jsonTallies(s.Pools), Queues: jsonTallies(s.Queues), Hours: []hourJSON{},
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		example, err := dlq.MarshalRecord(&g.Example)
		if err != nil {
			return err
		}
		out.Groups = append(out.Groups, groupJSON{g.Fingerprint, g.Count, g.Pools, jsonTime(g.First), jsonTime(g.Last), example})
	}
	for _, h := range s.Hours {
		out.Hours = append(out.Hours, hourJSON{h.Start, h.Count})
	}
	return writeIndented(w, out)
}

func jsonTallies(list []dlq.Tally) []tallyJSON {
	out := make([]tallyJSON, len(list))
	for i, t := range list {
		out[i] = tallyJSON(t)
	}
	return out
}

// jsonTime leaves out what JSON's times can't say: no time, and a year that
// has not four digits.
func jsonTime(t time.Time) *time.Time {
	if t.IsZero() || t.UTC().Year() < 0 || t.UTC().Year() > 9999 {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
