package lease

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Many processes want one lease that ends again and again, and each writes with
// the newest fence that it had, however old that is. Whatever was accepted came from
// the one that had the lease just then: the numbers only grow, and no token is two
// owners'.
func TestOnlyTheHolderWrites(t *testing.T) {
	c := server.Client(t)
	const owners, rounds = 8, 200
	stopped := func() time.Time { return time.Unix(0, 0) } // nobody ever sees that its time is over
	var wg sync.WaitGroup
	var mu sync.Mutex
	granted, fenced := make(map[string]string), 0
	for i := range owners {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			l := New(c, KeyPurge, fmt.Sprintf("owner %d", i), ttl, stopped)
			for range rounds {
				var f Fence
				switch rng.IntN(6) {
				case 0: // the holder's time is over, whoever that is
					c.Del(t.Context(), KeyPurge)
				case 1:
					if err := l.Release(t.Context()); err != nil {
						t.Error(err)
					}
				case 2, 3:
					if _, err := l.Acquire(t.Context()); err != nil {
						t.Error(err)
					}
				}
				f, _ = l.Fence()
				if f.Token == "" {
					continue
				}
				err := write(t, c, f)
				mu.Lock()
				if before, ok := granted[f.Token]; ok && before != l.owner {
					t.Errorf("%s was given to %s and to %s", f.Token, before, l.owner)
				}
				granted[f.Token] = l.owner
				if err != nil {
					fenced++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	last, written := -1, c.LRange(t.Context(), keyWritten, 0, -1).Val()
	for _, token := range written {
		number, _, _ := strings.Cut(token, ":")
		n, err := strconv.Atoi(number)
		if err != nil || n < last {
			t.Fatalf("%d was accepted after %d (%v)", n, last, err)
		}
		last = n
	}
	if len(written) < rounds/10 || fenced == 0 || len(granted) < owners {
		t.Errorf("%d writes accepted, %d fenced off, %d grants: too few to mean anything", len(written), fenced, len(granted))
	}
	t.Logf("%d writes accepted, %d fenced off, %d grants", len(written), fenced, len(granted))
}

// The loop's renewal and a command of the API ask at once: neither may take the
// other's token for another process's.
func TestOneLeaseForManyGoroutines(t *testing.T) {
	l := New(server.Client(t), KeyPurge, "a", ttl, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if ok, err := l.Acquire(t.Context()); !ok || err != nil {
					t.Errorf("Acquire = %v, %v", ok, err)
				}
				if _, ours := l.Fence(); !ours {
					t.Error("it is not ours")
				}
			}
		})
	}
	wg.Wait()
}
