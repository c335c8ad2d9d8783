package config

import "log/slog"

// redacted stands wherever a Secret would be printed.
const redacted = "<secret>"

// Secret is a text that must never be seen: whatever formats, logs or encodes
// it prints "<secret>" instead, or nothing when it is empty. Reveal is the one
// way to its value.
type Secret string

// Reveal returns the value itself, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText implements encoding.TextMarshaler, for JSON, YAML and logfmt.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
