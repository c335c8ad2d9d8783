package config

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

type scalarKind int

const (
	scalarText scalarKind = iota
	scalarNull
	scalarBool
	scalarInt
	scalarSymbol
	scalarOther // a float, a date, or of a tag that means nothing here
)

// scalar is a scalar as Ruby's Psych reads it, which is YAML 1.1 with habits
// of its own: yes and off are booleans, 010 is eight, 10,000 a number, and
// :name a symbol. Read any other way, a file would mean one thing to vmpooler
// and another to the exporter.
type scalar struct {
	kind   scalarKind
	text   string // as written; a symbol's without its colon
	quoted bool
	number int64 // of scalarInt; the nearest int64 when it is beyond them all
	truth  bool  // of scalarBool
}

var (
	rubyInteger = regexp.MustCompile(`^[-+]?(0|[1-9][0-9_,]*|0[0-7_,]+|0x[0-9a-fA-F_,]+|0b[01_,]+)$`)
	rubyOther   = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|[-+]?[0-9][0-9_,]*\.?[0-9]*([eE][-+]?[0-9]+)?|[-+]?\.[0-9]+([eE][-+]?[0-9]+)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?)$`)
	decimal     = regexp.MustCompile(`^[-+]?[0-9]+$`)
)

const quotedStyles = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// readScalar classifies a scalar node.
func readScalar(n *yaml.Node) scalar {
	s := scalar{text: n.Value, quoted: n.Style&quotedStyles != 0}
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.Tag {
		case "!!int", "!!bool", "!!null", "!!float":
			return readPlain(s)
		case "!!str", "!":
			return s
		case "!ruby/symbol", "!ruby/sym":
			s.kind, s.text = scalarSymbol, strings.TrimPrefix(s.text, ":")
			return s
		}
		s.kind = scalarOther
		return s
	}
	if s.quoted {
		return s
	}
	return readPlain(s)
}

// readPlain classifies an unquoted scalar by its text.
func readPlain(s scalar) scalar {
	switch strings.ToLower(s.text) {
	case "", "~", "null":
		s.kind = scalarNull
		return s
	case "true", "yes", "on":
		s.kind, s.truth = scalarBool, true
		return s
	case "false", "no", "off":
		s.kind = scalarBool
		return s
	}
	switch {
	case !strings.ContainsRune(":+-.0123456789", rune(s.text[0])):
		// Nothing else begins as these do; most scalars end here.
	case len(s.text) > 1 && s.text[0] == ':':
		s.kind, s.text = scalarSymbol, strings.Trim(s.text[1:], `"'`)
	case rubyInteger.MatchString(s.text):
		// Base 0 reads 010, 0x and 0b as Ruby does; beyond int64 the nearest
		// is returned, for the check of the range to reject.
		digits := strings.NewReplacer("_", "", ",", "").Replace(s.text)
		s.kind = scalarInt
		s.number, _ = strconv.ParseInt(digits, 0, 64)
	case rubyOther.MatchString(s.text):
		s.kind = scalarOther
	}
	return s
}

// isText says whether Ruby reads a text, or a symbol, which prints as one.
func (s scalar) isText() bool { return s.kind == scalarText || s.kind == scalarSymbol }

// integer is the scalar as a whole number. A quoted number counts as one:
// vmpooler converts where it uses it.
func (s scalar) integer() (int64, bool) {
	switch {
	case s.kind == scalarInt:
		return s.number, true
	case s.kind == scalarText && decimal.MatchString(s.text):
		n, _ := strconv.ParseInt(s.text, 10, 64)
		return n, true
	}
	return 0, false
}

// describe names the scalar for an error.
func (s scalar) describe() string {
	switch {
	case s.kind == scalarNull:
		return "nothing"
	case s.kind == scalarBool:
		return strconv.FormatBool(s.truth)
	case s.kind == scalarText && s.quoted:
		return "the text " + shown(s.text)
	}
	return shown(s.text)
}
