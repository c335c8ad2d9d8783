package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestHealthJSON(t *testing.T) {
	for name, c := range map[string]healthCase{"unhealthy": unhealthyCase(), "unreadable": unreadableCase(), "hostile": hostileCase()} {
		t.Run(name, func(t *testing.T) {
			r := c.report()
			r.CheckedAt = r.CheckedAt.In(time.FixedZone("", -8*3600)) // UTC all the same
			var b bytes.Buffer
			if err := WriteHealthJSON(&b, r, true); err != nil {
				t.Fatal(err)
			}
			if i := bytes.IndexFunc(b.Bytes(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("not printable: %q", b.Bytes()[i:min(i+20, b.Len())])
			}
			golden(t, name+".json", b.String())
		})
	}
}

// Without the dead-letter queue, its queues are not in the document.
func TestHealthJSONWithoutDLQ(t *testing.T) {
	var b bytes.Buffer
	if err := WriteHealthJSON(&b, healthyCase().report(), false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), `"dlq":`) {
		t.Error(b.String())
	}
}
