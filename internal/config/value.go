package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

type kind int

const (
	kindNull kind = iota
	kindScalar
	kindList
	kindDict
	kindOpaque // deeper than, or beside, anything that is read here
)

// value is a piece of a file with aliases and merge keys resolved. at is where
// an operator has to look: the line of its key, or of its dash in a list.
type value struct {
	at      place
	kind    kind
	scalar  scalar // of kindScalar
	items   []*value
	entries []entry
}

// key is a key of a map. vmpooler's sections are Ruby symbols and what is in
// them plain strings; the two are different keys.
type key struct {
	name   string
	symbol bool
}

// String is the key as it is written before YAML's own colon.
func (k key) String() string {
	if k.symbol {
		return ":" + k.name
	}
	return k.name
}

type entry struct {
	key   key
	value *value
}

// get returns the value of a key, nil when it is absent or null: to Ruby's ||
// the two are the same.
func (v *value) get(k key) *value {
	if v == nil {
		return nil
	}
	for _, e := range v.entries {
		if e.key == k {
			if e.value.kind == kindNull {
				return nil
			}
			return e.value
		}
	}
	return nil
}

// field is get for a plain key.
func (v *value) field(name string) *value { return v.get(key{name: name}) }

// describe names the value for an error: `"1h"`, `a list`.
func (v *value) describe() string {
	switch v.kind {
	case kindNull:
		return "nothing"
	case kindScalar:
		return v.scalar.describe()
	case kindList:
		return "a list"
	case kindDict:
		return "a map"
	case kindOpaque:
	}
	return "something nested"
}

// canonical is the same text for two values that Ruby would call equal.
func (v *value) canonical() string {
	var b strings.Builder
	v.writeCanonical(&b)
	return b.String()
}

func (v *value) writeCanonical(b *strings.Builder) {
	switch v.kind {
	case kindScalar:
		fmt.Fprintf(b, "%d%q", v.scalar.kind, v.scalar.text)
	case kindList:
		b.WriteByte('[')
		for _, item := range v.items {
			item.writeCanonical(b)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case kindDict:
		b.WriteByte('{')
		for _, e := range v.entries {
			fmt.Fprintf(b, "%q:", e.key.String())
			e.value.writeCanonical(b)
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case kindNull, kindOpaque:
		fmt.Fprintf(b, "<%d>", v.kind)
	}
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// shown is a text for a message: quoted, so that nothing in it can pass for
// anything else, and not endless.
func shown(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return strconv.Quote(string(runes[:most])) + "…"
	}
	return strconv.Quote(text)
}
