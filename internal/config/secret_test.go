package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"go.yaml.in/yaml/v3"
)

func TestSecretIsRedactedByEveryPrinter(t *testing.T) {
	const plain = "hunter2"
	s := Secret(plain)
	nested := struct {
		S Secret
		P *Secret
		L []Secret
		M map[string]Secret
		A any
	}{s, &s, []Secret{s}, map[string]Secret{"k": s}, s}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%f", "%c", "%10s", "%.3s"} {
		for _, v := range []any{s, nested, &nested} {
			if got := fmt.Sprintf(verb, v); leaks(got, plain) {
				t.Errorf("%s of %T gives %s", verb, v, got)
			}
		}
	}
	encoders := map[string]func(*bytes.Buffer){
		"json":        func(b *bytes.Buffer) { _ = json.NewEncoder(b).Encode(nested) },
		"yaml":        func(b *bytes.Buffer) { _ = yaml.NewEncoder(b).Encode(nested) },
		"slog text":   func(b *bytes.Buffer) { slog.New(slog.NewTextHandler(b, nil)).Info("m", "s", s, "n", nested) },
		"slog json":   func(b *bytes.Buffer) { slog.New(slog.NewJSONHandler(b, nil)).Info("m", "s", s, "n", nested) },
		"logfmt":      func(b *bytes.Buffer) { _ = log.NewLogfmtLogger(b).Log("s", s, "p", &s) },
		"go-kit json": func(b *bytes.Buffer) { _ = log.NewJSONLogger(b).Log("s", s, "p", &s, "n", nested) },
	}
	for name, encode := range encoders {
		var b bytes.Buffer
		encode(&b)
		if b.Len() == 0 || leaks(b.String(), plain) {
			t.Errorf("%s gives %q", name, b.String())
		}
		if !strings.Contains(b.String(), "secret") {
			t.Errorf("%s does not show that there is a secret: %q", name, b.String())
		}
	}
}

func TestSecretReveals(t *testing.T) {
	if got := Secret("hunter2").Reveal(); got != "hunter2" {
		t.Errorf("got %q", got)
	}
}

func TestEmptySecretPrintsNothing(t *testing.T) {
	if got := fmt.Sprintf("%s%v%d", Secret(""), Secret(""), Secret("")); got != "" {
		t.Errorf("got %q", got)
	}
}

// leaks looks for the secret as text, and as hexadecimal.
func leaks(text, secret string) bool {
	return strings.Contains(text, secret) ||
		strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", secret))
}
