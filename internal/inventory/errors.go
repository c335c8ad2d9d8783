package inventory

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// ListError is why a pool could not be listed, in one line and without secrets.
// What a provider's own error says is cut and cleaned, so the error itself is not
// to be had any more; errors.Is still finds what it was.
type ListError struct {
	Pool, Provider string

	text  string
	cause error
}

func newListError(pool, provider string, cause error, secrets ...config.Secret) *ListError {
	return &ListError{
		Pool: pool, Provider: provider, cause: cause,
		text: fmt.Sprintf("pool %s: provider %s: %s", strconv.Quote(pool), strconv.Quote(provider), clean(cause.Error(), secrets...)),
	}
}

// Error implements error.
func (e *ListError) Error() string { return e.text }

// Is lets errors.Is look at the cause, which Unwrap would hand out with all it says.
func (e *ListError) Is(target error) bool { return errors.Is(e.cause, target) }

// mostText is as much of an error as is worth a line, in bytes.
const mostText = 1200

var userinfo = regexp.MustCompile(`://[^/?#\s"']*@`)

// clean makes one printable line of a text from outside, without the secrets and
// without what stands before the @ of an address.
func clean(text string, secrets ...config.Secret) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s.Reveal(), s.String())
		}
	}
	text = userinfo.ReplaceAllString(text, "://<secret>@")
	var b strings.Builder
	space := false
	for _, c := range strings.ToValidUTF8(text, "\uFFFD") {
		if !strconv.IsGraphic(c) || c == ' ' {
			space = true
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		if b.Len()+utf8.RuneLen(c) > mostText {
			b.WriteString("…")
			break
		}
		b.WriteRune(c)
	}
	return b.String()
}

// inTime explains an error that is there because the time was up.
func inTime(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer in time: %w", err)
	}
	return err
}
