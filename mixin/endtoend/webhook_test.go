package endtoend

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// webhook stands for all receivers: each posts to a path of its name.
type webhook struct {
	*httptest.Server

	mu  sync.Mutex
	got []notification
}

// notification is what Alertmanager posts.
type notification struct {
	Receiver string
	Alerts   []notified
}

// notified is an alert in it. Its status is firing or resolved.
type notified struct {
	Status              string
	Labels, Annotations map[string]string
	Fingerprint         string
	StartsAt            string
}

func (a notified) name() string { return alertName(a.Labels) }

func startWebhook(t *testing.T) *webhook {
	t.Helper()
	w := &webhook{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		n.Receiver = strings.TrimPrefix(r.URL.Path, "/")
		w.mu.Lock()
		defer w.mu.Unlock()
		w.got = append(w.got, n)
	}))
	t.Cleanup(w.Close)
	return w
}

// told returns what a receiver was told is firing, each alert once for each time
// that it began: what somebody has to look at.
func (w *webhook) told(receiver string) []notified {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []notified
	for _, n := range w.got {
		if n.Receiver != receiver {
			continue
		}
		for _, a := range n.Alerts {
			known := slices.ContainsFunc(out, func(b notified) bool { return b.Fingerprint == a.Fingerprint && b.StartsAt == a.StartsAt })
			if a.Status == "firing" && !known {
				out = append(out, a)
			}
		}
	}
	return out
}

// rang counts the notifications of a receiver in which anything is firing: how often
// its phone rang.
func (w *webhook) rang(receiver string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, x := range w.got {
		if x.Receiver == receiver && slices.ContainsFunc(x.Alerts, func(a notified) bool { return a.Status == "firing" }) {
			n++
		}
	}
	return n
}

// show logs all that came.
func (w *webhook) show(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.got {
		var alerts []string
		for _, a := range n.Alerts {
			alerts = append(alerts, a.Status+" "+a.name())
		}
		t.Logf("to %s: %s", n.Receiver, strings.Join(alerts, ", "))
	}
}
