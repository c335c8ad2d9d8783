package web

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// unknown stands for every number that is not known. It is never a 0.
const unknown = "?"

// longestName is how many characters of a name are shown. A VM's has 30 or so, and
// DNS allows no more than 253.
const longestName = 120

// count writes n with thousands separators: 1204 is "1,204".
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// number writes n as count does, or "?".
func number(n vmpooler.Number) string {
	if !n.Known {
		return unknown
	}
	return count(n.Value)
}

// plural writes n with its noun, whose plural is regular: "1 pool", "12 pools".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// is returns the verb to plural's noun.
func is(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// span writes a length of time in its two largest units, cut and not rounded:
// "45s", "12m", "3h 12m", "2d 4h", as the commands do. A negative one is 0s, for
// clocks differ.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(0, d); {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < day:
		return two(d/time.Hour, "h", d%time.Hour/time.Minute, "m")
	case d < 100*day:
		return two(d/day, "d", d%day/time.Hour, "h")
	default:
		return count(int64(d/day)) + "d"
	}
}

func two(a time.Duration, unit string, b time.Duration, lesser string) string {
	text := strconv.Itoa(int(a)) + unit
	if b == 0 {
		return text
	}
	return text + " " + strconv.Itoa(int(b)) + lesser
}

// took writes how long something lasted that is over in moments, as exactly as
// anybody cares: "under 1ms", "56ms", "1.4s", and then as span does.
func took(d time.Duration) string {
	switch d = max(0, d); {
	case d < time.Millisecond:
		return "under 1ms"
	case d < time.Second-time.Millisecond/2:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + "ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Round(time.Second/10).Seconds(), 'f', -1, 64) + "s"
	}
	return span(d)
}

func seconds(n int64) string { return span(time.Duration(n) * time.Second) }

// plain makes a name from Redis fit to be read: bytes that are not UTF-8, control
// characters and marks that are not seen or that turn the direction of writing
// become escapes such as \u202e, and a name that is too long is cut. That it is not
// taken for HTML is html/template's part.
func plain(s string) string {
	var b strings.Builder
	shown := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		piece, width := s[i:i+size], 1
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			quoted := strconv.QuoteToASCII(piece)
			piece = quoted[1 : len(quoted)-1]
			width = len(piece)
		}
		if shown += width; shown > longestName {
			b.WriteString("… (" + count(int64(len(s))) + " bytes in all)")
			break
		}
		b.WriteString(piece)
		i += size
	}
	return b.String()
}

// reason makes a text that people wrote fit to be read, an error's most of all:
// without secrets, and not longer than a screen.
func reason(s string) string { return dlq.Clean(s) }

// Moment is a time as it is shown.
type Moment struct {
	ISO  string // RFC 3339, for machines; "" where there is none
	Text string // "2026-11-23 08:32:46 UTC"
	Ago  string // "12m ago", "in 3h 12m", "never"
}

// moment shows t as it is seen at now. The zero time is none, which reads as none
// says.
func moment(t, now time.Time, none string) Moment {
	if t.IsZero() {
		return Moment{Text: none, Ago: none}
	}
	t = t.UTC()
	m := Moment{ISO: t.Format(time.RFC3339), Text: t.Format("2006-01-02 15:04:05 UTC")}
	switch d := now.Sub(t); {
	case d < 0 && d > -time.Second:
		m.Ago = "now"
	case d < 0:
		m.Ago = "in " + span(-d)
	case d < time.Second:
		m.Ago = "just now"
	default:
		m.Ago = span(d) + " ago"
	}
	return m
}

// Phrase is a text in pieces, of which names from Redis are kept apart: they may be
// written from right to left, and must not turn what stands around them.
type Phrase []Piece

// Piece is a part of a Phrase.
type Piece struct {
	Text string
	Name bool
	Href string // of the page of what has this name; "" for none
}

// name is a Piece of a Phrase; poolName is one that leads to the pool's page.
type (
	name     string
	poolName string
)

// say joins strings, names and names of pools into a Phrase.
func say(parts ...any) Phrase {
	p := make(Phrase, 0, len(parts))
	for _, part := range parts {
		switch part := part.(type) {
		case name:
			p = append(p, Piece{Text: plain(string(part)), Name: true})
		case poolName:
			p = append(p, Piece{Text: plain(string(part)), Name: true, Href: poolHref(string(part))})
		case string:
			p = append(p, Piece{Text: part})
		}
	}
	return p
}

// String is the Phrase as one text, for a title.
func (p Phrase) String() string {
	var b strings.Builder
	for _, piece := range p {
		b.WriteString(piece.Text)
	}
	return b.String()
}
