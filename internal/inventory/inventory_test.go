package inventory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// listerFunc is a provider that is a function.
type listerFunc func(ctx context.Context, pool config.Pool) ([]string, error)

func (f listerFunc) List(ctx context.Context, pool config.Pool) ([]string, error) {
	return f(ctx, pool)
}

// inventoryOf is an Inventory of one provider.
func inventoryOf(t *testing.T, p config.Provider, f listerFunc, opts Options) *Inventory {
	t.Helper()
	inv, err := New(nil, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	inv.add(p, f)
	return inv
}

func poolsOf(provider string, n int) []config.Pool {
	pools := make([]config.Pool, n)
	for i := range pools {
		pools[i] = config.Pool{Name: fmt.Sprintf("pool-%d", i), Provider: provider}
	}
	return pools
}

func TestListKeepsItsOrderAndAPanicToItsPool(t *testing.T) {
	inv := inventoryOf(t, config.Provider{Name: "x"}, func(_ context.Context, pool config.Pool) ([]string, error) {
		if pool.Name == "pool-1" {
			panic("no such index")
		}
		return []string{"vm of " + pool.Name}, nil
	}, Options{})
	listings := inv.List(t.Context(), append(poolsOf("x", 3), config.Pool{Name: "late", Provider: "y"}))
	for i, l := range listings[:3] {
		if l.Pool != fmt.Sprintf("pool-%d", i) || l.Provider != "x" || (i != 1 && (l.Err != nil || l.VMs[0] != "vm of "+l.Pool)) {
			t.Errorf("got %+v", l)
		}
	}
	wantError(t, listings[1].Err, "panicked: no such index")
	wantError(t, listings[3].Err, "was not there when the providers were set up")
}

func TestAProviderThatHangsHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(ctx context.Context, _ config.Pool) ([]string, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		inv := inventoryOf(t, config.Provider{Name: "slow"}, hangs, Options{Timeout: time.Minute, Parallel: 2})
		inv.add(config.Provider{Name: "fast"}, listerFunc(func(context.Context, config.Pool) ([]string, error) { return []string{"a"}, nil }))
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		start := time.Now()
		listings := inv.List(ctx, append(poolsOf("slow", 10), poolsOf("fast", 10)...))
		if took := time.Since(start); took != 90*time.Second {
			t.Errorf("took %v", took)
		}
		asked, waited := 0, 0
		for _, l := range listings[:10] {
			switch {
			case !errors.Is(l.Err, context.DeadlineExceeded):
				t.Error(l.Err)
			case strings.Contains(l.Err.Error(), "no answer in time"):
				asked++
			case strings.Contains(l.Err.Error(), "the round ended before its turn"):
				waited++
			}
		}
		if asked != 4 || waited != 6 {
			t.Errorf("%d were asked, %d waited", asked, waited)
		}
		for _, l := range listings[10:] {
			if l.Err != nil || l.Took != 0 {
				t.Errorf("got %+v", l)
			}
		}
	})
}

func TestErrorsHaveNoSecretsAndOneLine(t *testing.T) {
	for name, text := range map[string]string{
		"the password":        "login of vmpooler with hunter2 failed",
		"an address":          "Post https://vmpooler:hunter2@vc/sdk: refused",
		"an escape sequence":  "a\x1b[31mred\x1b[0m",
		"lines":               "a\nb\r\n\tc\u2028d",
		"much":                strings.Repeat("word ", 10_000),
		"no UTF-8":            "a\xff\xfeb",
		"a change of reading": "a\u202eb",
	} {
		t.Run(name, func(t *testing.T) {
			inv := inventoryOf(t, config.Provider{Name: "x", Password: secret}, func(context.Context, config.Pool) ([]string, error) {
				return nil, errors.New(text)
			}, Options{})
			err := inv.List(t.Context(), poolsOf("x", 1))[0].Err
			wantError(t, err, "")
			if len(err.Error()) > mostText+100 || strings.ContainsAny(err.Error(), "\u2028\u202e\x1b") {
				t.Errorf("%q", err)
			}
			if shown := fmt.Sprintf("%v %+v %s %q", err, err, err, errors.Unwrap(err)); strings.Contains(shown, secret) {
				t.Error(shown)
			}
		})
	}
}

func TestAClassThatNobodyKnowsIsAnErrorOfItsPools(t *testing.T) {
	_, err := listPool(t, cloud, cloudPool, Options{})
	wantError(t, err, `its class "openstack" is not known here, and there is no command to ask it with`)
}

func TestHeldSharesItsValueAndItsFailure(t *testing.T) {
	c, calls := newClock(), 0
	var fail error
	h := newHeld(c.Now, func(context.Context) (int, time.Time, error) {
		calls++
		return calls, c.now.Add(time.Hour), fail
	})
	step := func(name string, wantCalls int, wantErr error) {
		t.Helper()
		if v, err := h.take(t.Context()); calls != wantCalls || !errors.Is(err, wantErr) || (err == nil) != (v > 0) {
			t.Errorf("%s: %d calls: %d, %v", name, calls, v, err)
		}
	}
	step("first", 1, nil)
	step("kept", 1, nil)
	c.advance(time.Hour)
	step("expired", 2, nil)
	if err := h.forget(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	step("another one's was forgotten", 2, nil)
	fail = errors.New("no route to host")
	if err := h.forget(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	step("fails", 3, fail)
	step("not tried again", 3, fail)
	c.advance(afterFailure)
	fail = fmt.Errorf("login %w", errRefused)
	step("refused", 4, errRefused)
	c.advance(afterRefusal - time.Second)
	step("not tried again for longer", 4, errRefused)
	c.advance(time.Second)
	fail = nil
	step("good again", 5, nil)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.turn <- struct{}{}
	if _, err := h.take(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, ok := h.release(ctx); ok {
		t.Error("released without a turn")
	}
	h.unlock()
}

func TestHeldDoesNotHoldAShutdownAgainstTheProvider(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	h := newHeld(newClock().Now, func(ctx context.Context) (int, time.Time, error) {
		calls++
		if calls == 1 {
			cancel()
		}
		return 1, time.Time{}, ctx.Err()
	})
	if _, err := h.take(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := h.take(t.Context()); err != nil {
		t.Error(err)
	}
}
