package dlq

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMessage is how long an error message may be, in bytes, once clean.
const MaxMessage = 1024

const (
	redacted = "[redacted]"

	// longestRead is how much of a message is looked at: a text of megabytes
	// costs no more than this one.
	longestRead = 16 << 10
)

// secrets are the forms in which error messages carry secrets. In each the
// first group is kept, the second is the secret.
//
// An unquoted value ends at white space only, since a password may hold any
// other character: rather a piece of the message too much than of the password
// too little.
var secrets = []struct {
	re  *regexp.Regexp
	is  func(value string) bool // nil: always
	put string
}{
	// redis://user:pass@host, also where the password holds / ? # or @.
	{regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^\s/?#:@]*:\S*@)`), isUserinfo, redacted + "@"},
	{regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^\s/?#@]+@)`), nil, redacted + "@"},
	// Authorization: Bearer …, and a bearer token by itself.
	{regexp.MustCompile(`(?i)(authorization\\*["']?\s*(?:=>|[:=])\s*\\*["']?(?:(?:basic|bearer|digest|negotiate|token)\s+)?)([^\s"']+)`), nil, redacted},
	{regexp.MustCompile(`(?i)\b(bearer\s+)([A-Za-z0-9._~+/=-]+)`), isOpaque, redacted},
	// password=…, "token:token"=>"…", X-Auth-Token: …, 'api_key': '…'
	{regexp.MustCompile(`(?i)(` + secretName + `\\*["']?\s*(?:=>|[:=])\s*)(\\+"[^"]*"?|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\S+)`), nil, redacted},
	// --password …
	{regexp.MustCompile(`(?i)(\s--?` + secretName + `\s+)([^\s-]\S*)`), nil, redacted},
}

// secretName is the end of the name of a secret's field or option.
const secretName = `(?:passwords?|passwd|passphrase|pwd|secret|(?:api|access|private|secret)[_-]?key|token(?::token)?)`

// hostPort is the beginning of a URL's authority without a userinfo.
var hostPort = regexp.MustCompile(`^[^:]*:\d*[/?#]`)

func isUserinfo(value string) bool { return !hostPort.MatchString(value) }

// isOpaque tells a bearer's token from the words of a sentence.
func isOpaque(value string) bool {
	const longestWord = 20
	return len(value) > longestWord || strings.ContainsAny(value, "0123456789")
}

// cutMark is the end of a message that has been cut.
var cutMark = regexp.MustCompile(`… \(cut, \d+ bytes in all\)$`)

// Clean makes an error message fit to be kept and shown: valid UTF-8, control
// characters written as escapes (a line feed as \n), what looks like a secret
// replaced by "[redacted]", and at most MaxMessage bytes long; a longer one ends
// in "… (cut, 10240 bytes in all)". Clean(Clean(s)) is Clean(s).
func Clean(message string) string {
	body, mark := message, ""
	if loc := cutMark.FindStringIndex(message); loc != nil && len(message) <= MaxMessage {
		body, mark = message[:loc[0]], message[loc[0]:] // the length of the original is known only there
	}
	cut := len(body) > longestRead
	if cut {
		body = withoutOpenURL(body[:longestRead])
	}
	body = tidy(body)
	if !cut && len(body)+len(mark) <= MaxMessage {
		return body + mark
	}
	if mark == "" {
		mark = "… (cut, " + strconv.Itoa(len(message)) + " bytes in all)"
	}
	// The cut may have left the beginning of a secret's mark, or the name of one
	// just before the cut's: go back to where nothing looks like a secret.
	body = shorten(body, MaxMessage-len(mark))
	for step := 1; tidy(body) != body; step *= 2 {
		body = shorten(body, len(body)-step)
	}
	return body + mark
}

// withoutOpenURL drops a URL that the text ends in: its userinfo can't be told
// without the @ that may come after.
func withoutOpenURL(s string) string {
	word := strings.LastIndexAny(s, " \t\r\n") + 1
	if i := strings.Index(s[word:], "://"); i >= 0 {
		return s[:word+i]
	}
	return s
}

// tidy does all but the capping, until nothing is left to do: what one form
// replaces may be part of another's.
func tidy(s string) string {
	const rounds = 16 // far more than any message takes
	for range rounds {
		next := escape(redact(strings.ToValidUTF8(s, string(utf8.RuneError))))
		if next == s {
			break
		}
		s = next
	}
	return s
}

func redact(s string) string {
	for _, secret := range secrets {
		s = secret.re.ReplaceAllStringFunc(s, func(match string) string {
			groups := secret.re.FindStringSubmatch(match)
			if groups == nil { // it depended on what stands around it
				return match
			}
			kept, value := groups[1], groups[2]
			if strings.HasPrefix(value, redacted) || secret.is != nil && !secret.is(value) {
				return match
			}
			return kept + secret.put
		})
	}
	return s
}

// escape writes control characters, and those that turn the direction of a
// terminal's text or break its line, as Go escapes.
func escape(s string) string {
	if strings.IndexFunc(s, needsEscape) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if needsEscape(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func needsEscape(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// shorten returns at most n bytes of valid UTF-8.
func shorten(s string, n int) string {
	n = max(n, 0)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
