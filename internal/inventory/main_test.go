package inventory

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret stands where a password would, in every test that has one.
const secret = "hunter2"

// clock is a clock that tests set.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// listPool lists one pool by way of an Inventory, as everybody does.
func listPool(t *testing.T, p config.Provider, pool config.Pool, opts Options) ([]string, error) {
	t.Helper()
	pool.Provider = p.Name
	pools := []config.Pool{pool}
	inv, err := New([]config.Provider{p}, pools, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	l := inv.List(t.Context(), pools)[0]
	return l.VMs, l.Err
}

// wantError is for the errors of listings: one line, with the pool, the provider and
// a text, and without secrets.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	var list *ListError
	if !errors.As(err, &list) || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %s", err, text)
		return
	}
	if strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\n\x1b") ||
		!strings.HasPrefix(err.Error(), `pool "`+list.Pool+`": provider "`+list.Provider+`": `) {
		t.Errorf("not fit for a log: %q", err)
	}
}
