package dlq

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// longestFingerprint is how much of a message, in bytes, tells errors apart.
const longestFingerprint = 512

// Fingerprint returns what errors that have the same cause have in common: the
// class and the message, in which the names of VMs, ids, addresses and numbers
// are masked:
//
//	Timeout: No route to host - connect(2) for "<vm>" port <n> (timed out)
//
// Digits within a name, such as a template's, tell causes apart and stay, but
// for paths in quotes: those are of a single disk or file. The message of an
// error may hold secrets still: see Clean.
func Fingerprint(r *Record) string {
	var m masker
	return string(m.fingerprint(r))
}

// masker makes fingerprints in a buffer that is used again. It scans by hand:
// there are tens of thousands to make while an operator waits.
type masker struct {
	buf    []byte
	vm     string
	prefix string // that all VMs' names of this vmpooler begin with, or ""
}

// fingerprint returns m's buffer, which is good until the next call.
func (m *masker) fingerprint(r *Record) []byte {
	m.buf = m.buf[:0]
	m.vm, m.prefix = r.VM, namePrefix(r.VM)
	m.buf = append(m.buf, r.ErrorClass...)
	if r.ErrorClass != "" && r.ErrorMessage != "" {
		m.buf = append(m.buf, ": "...)
	}
	text, cut := r.ErrorMessage, ""
	if len(text) > longestFingerprint {
		text, cut = shorten(text, longestFingerprint), "…"
	}
	m.message(text)
	m.buf = append(m.buf, cut...)
	return m.buf
}

// namePrefix returns what stands before the last two words of a VM's name:
// vmpooler's names are a prefix that is configured, an adjective and a noun.
func namePrefix(vm string) string {
	last := strings.LastIndexByte(vm, '-')
	if last < 0 {
		return ""
	}
	return vm[:strings.LastIndexByte(vm[:last], '-')+1]
}

func (m *masker) message(s string) {
	path := quotedPath{}
	for i := 0; i < len(s); {
		path.at(s, i)
		if n := address(s[i:]); n > 0 && !wordBefore(s, i) {
			m.buf = append(m.buf, "<ip>"...)
			i += n
			continue
		}
		if !isAlnum(s[i]) {
			m.buf = append(m.buf, s[i])
			i++
			continue
		}
		n := word(s[i:])
		switch w := s[i : i+n]; {
		case m.isVM(w):
			m.buf = append(m.buf, "<vm>"...)
		case path.inside(i):
			m.digits(w)
		case isManual(s, i, n): // connect(2)
			m.buf = append(m.buf, w...)
		default:
			m.word(w)
		}
		i += n
	}
}

// word returns the length of the word that s begins with: letters, digits, and
// what joins them.
func word(s string) int {
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case isAlnum(c):
			n = i + 1
		case c != '.' && c != '-' && c != '_':
			return n
		}
	}
	return n
}

// word appends one that is no VM's name.
func (m *masker) word(w string) {
	switch c := w[0]; {
	case isHexID(w) || isMoref(w):
		m.buf = append(m.buf, "<id>"...)
	case !isDigit(c):
		m.buf = append(m.buf, w...)
	default:
		m.number(w)
	}
}

// number appends a word that begins with a digit: a number, a date, a duration, or a
// number and its unit. Anything else is a name.
func (m *masker) number(w string) {
	n := strings.IndexFunc(w, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	switch {
	case n < 0, strings.Trim(w, "0123456789.-TZ") == "", isDuration(w):
		m.buf = append(m.buf, "<n>"...)
	case strings.ContainsAny(w[n:], "0123456789-_."):
		m.buf = append(m.buf, w...)
	default:
		m.buf = append(m.buf, "<n>"...)
		m.buf = append(m.buf, w[n:]...)
	}
}

// isDuration says whether w is one of several units, as in 2h55m: those of a purge's
// reasons.
func isDuration(w string) bool {
	const units = "dhms"
	last, parts := -1, 0
	for w != "" {
		n := strings.IndexFunc(w, func(r rune) bool { return r < '0' || r > '9' })
		if n < 1 {
			return false
		}
		unit := strings.IndexByte(units, w[n])
		if unit <= last { // the largest comes first
			return false
		}
		last, w = unit, w[n+1:]
		parts++
	}
	return parts > 1
}

// digits appends w with every run of digits masked, and every id.
func (m *masker) digits(w string) {
	if isHexID(w) {
		m.buf = append(m.buf, "<id>"...)
		return
	}
	for i := range len(w) {
		if !isDigit(w[i]) {
			m.buf = append(m.buf, w[i])
		} else if i == 0 || !isDigit(w[i-1]) {
			m.buf = append(m.buf, "<n>"...)
		}
	}
}

// isVM says whether w is the name of the entry's VM or of another of this
// vmpooler's, with or without its domain.
func (m *masker) isVM(w string) bool {
	if m.vm == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(w, m.vm); ok && (rest == "" || rest[0] == '.') {
		return true
	}
	rest, ok := strings.CutPrefix(w, m.prefix)
	if !ok || m.prefix == "" {
		return false
	}
	name, _, _ := strings.Cut(rest, ".")
	adjective, noun, ok := strings.Cut(name, "-")
	return ok && isLower(adjective) && isLower(noun)
}

// isManual says whether the word at i is a section of the manual, as in
// connect(2), which is part of a name.
func isManual(s string, i, n int) bool {
	return n == 1 && isDigit(s[i]) && i >= 2 && s[i-1] == '(' && isAlnum(s[i-2]) && i+1 < len(s) && s[i+1] == ')'
}

// isHexID says whether w is a UUID, or at least eight hexadecimal digits, one
// of which is no letter: some words are made of the letters alone.
func isHexID(w string) bool {
	if w[0] == '0' && len(w) > 2 && (w[1] == 'x' || w[1] == 'X') {
		return isHex(w[2:])
	}
	if len(w) == 36 && w[8] == '-' && w[13] == '-' && w[18] == '-' && w[23] == '-' {
		return isHex(w[:8]) && isHex(w[9:13]) && isHex(w[14:18]) && isHex(w[19:23]) && isHex(w[24:])
	}
	if len(w) >= 8 && isHex(w) && strings.ContainsAny(w, "0123456789") {
		return true
	}
	return len(w) >= 17 && strings.Count(w, "-") >= 1 && isHex(strings.ReplaceAll(w, "-", "")) &&
		strings.ContainsAny(w, "abcdefABCDEF") // 5f2a9c11-8b3e0d77-…, a datastore's
}

// morefs are the kinds of vSphere's references to objects: vm-1234, host-42.
var morefs = [...]string{"vm", "host", "task", "session", "snapshot", "datastore", "network", "group-v", "domain-c", "resgroup", "dvportgroup"}

func isMoref(w string) bool {
	kind := strings.TrimRight(w, "0123456789")
	return kind != w && strings.Contains(kind, "-") && slices.Contains(morefs[:], strings.TrimSuffix(kind, "-"))
}

// address returns the length of the IP or hardware address that s begins with,
// or 0.
func address(s string) int {
	if !isAlnum(s[0]) && s[0] != ':' {
		return 0
	}
	n, dots, colons := 0, 0, 0
	for ; n < len(s); n++ {
		switch c := s[n]; {
		case c == '.':
			dots++
		case c == ':':
			colons++
		case !isHexDigit(c):
			goto end
		}
	}
end:
	if dots < 3 && colons < 2 || n < len(s) && (isAlnum(s[n]) || s[n] == '_') {
		return 0
	}
	for run := s[:n]; len(run) > 1; {
		_, ipErr := netip.ParseAddr(run)
		_, macErr := net.ParseMAC(run)
		if ipErr == nil || macErr == nil {
			return len(run)
		}
		cut := strings.LastIndexAny(run, ".:") // 10.0.0.7:22 and 10.0.0.7.
		if cut < 0 {
			return 0
		}
		run = run[:cut]
	}
	return 0
}

func wordBefore(s string, i int) bool {
	return i > 0 && (isAlnum(s[i-1]) || s[i-1] == '.' || s[i-1] == '-' || s[i-1] == '_')
}

// quotedPath knows whether the scanner is within a path in quotes.
type quotedPath struct {
	from, to int
}

// at looks whether one begins at i.
func (p *quotedPath) at(s string, i int) {
	if i < p.to || s[i] != '"' && s[i] != '\'' {
		return
	}
	end := strings.IndexByte(s[i+1:], s[i])
	if end > 0 && strings.ContainsAny(s[i+1:i+1+end], "/\\") {
		p.from, p.to = i+1, i+1+end
	}
}

func (p *quotedPath) inside(i int) bool { return p.from <= i && i < p.to }

func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isHexDigit(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
func isAlnum(c byte) bool    { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' }

func isHex(s string) bool {
	for i := range len(s) {
		if !isHexDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func isLower(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return s != ""
}
