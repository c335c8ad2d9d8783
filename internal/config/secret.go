package config

import (
	"fmt"
	"log/slog"
)

// redacted stands wherever a Secret would be printed.
const redacted = "<secret>"

// Secret is a text that must never be seen: whatever formats, logs or encodes
// it prints "<secret>" instead, or nothing when it is empty. Reveal is the one
// way to its value.
type Secret string

// Reveal returns the value itself, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// Format implements fmt.Formatter for every verb: without it one that does not
// suit a text, as %d, would print the value in its complaint.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", s.String())
		return
	}
	fmt.Fprint(f, s.String())
}

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer, as %#v has it.
func (s Secret) GoString() string { return s.String() }

// MarshalText implements encoding.TextMarshaler, for JSON, YAML and logfmt.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
