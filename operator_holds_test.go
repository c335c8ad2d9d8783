package main

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// A plan that was shown some minutes ago knows nothing of what has happened since.
func TestAPlanThatWasShownIsHeldWhereItsPoolHasFallenMeanwhile(t *testing.T) {
	o, _, c, _ := operating(t)
	shown, err := o.Plan(t.Context(), "ada")
	if err != nil || shown.Count(purger.Planned) != 1 {
		t.Fatalf("%v %+v", err, shown)
	}
	for i := range 7 { // as a provider leaves them that lists nothing
		must(t, c, "SADD", vmpooler.Completed.Key("p"), fmt.Sprint("pix-", i))
	}
	before := contents(t, c)
	plan, err := o.Apply(t.Context(), shown.ID, "ada")
	if err != nil || plan.Count(purger.Held) != 1 || len(plan.Held) != 1 || plan.Held[0].Cause != purger.HoldCliff {
		t.Errorf("%v %+v", err, plan)
	}
	if !maps.Equal(before, contents(t, c)) {
		t.Error("something was changed")
	}
	// Nor is anything else that is asked for now.
	plan, err = o.Purge(t.Context(), false, "ada")
	if err != nil || plan.Count(purger.Held) != len(plan.Actions) || len(plan.Held) != 1 {
		t.Errorf("%v %+v", err, plan)
	}
	if !maps.Equal(before, contents(t, c)) {
		t.Error("something was changed")
	}
}

// What another process changes by hand is told as that, and nothing is written.
func TestAnotherProcessAtDeadLettersIsTold(t *testing.T) {
	o, _, c, letter := operating(t)
	if err := c.Set(t.Context(), lease.KeyLetters, "7:host:1:another", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, c)
	_, err := o.Delete(t.Context(), []string{letter}, "ada")
	if no := refused(t, "delete", err, http.StatusConflict); !strings.Contains(no.Reason, "host:1:another") {
		t.Errorf("%q", no.Reason)
	}
	_, err = o.Requeue(t.Context(), []string{letter}, "ada")
	refused(t, "requeue", err, http.StatusConflict)
	if !maps.Equal(before, contents(t, c)) {
		t.Error("something was changed")
	}
}

// The page says beside the button what the operator refuses beyond.
func TestThePageNamesTheRequeuesLimit(t *testing.T) {
	s, _, _ := troubled(t)
	e := start(t, unixAddr(s), "--web.config.file="+webConfig(t, "ada"), "--web.enable-admin-api", "--web.admin-users=ada")
	if status, body := e.ask(http.MethodGet, "/dlq", "", nil); status != http.StatusOK || !strings.Contains(body, fmt.Sprintf(`data-most="%d"`, requeueBudget)) {
		t.Errorf("%d\n%s", status, body)
	}
}
