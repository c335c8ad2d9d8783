package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

const (
	requestOne = "3a367972-058e-4da6-a1f6-298ffebc7630"
	requestTwo = "d82dc250-0eef-4c9b-bae9-c8cbaf50888f"
)

// failedRequests writes two requests that failed: two dead letters of the
// first, one of the second and one of none, newest first.
func failedRequests(t *testing.T, c *redis.Client) []string {
	t.Helper()
	for _, id := range []string{requestOne, requestTwo} {
		must(t, c, "HSET", vmpooler.RequestKey(id), "requested", "deb:debian:1", "status", "failed", "token:token", "verysecret")
	}
	for i, request := range []string{requestOne, requestOne, requestTwo, ""} {
		member, score := dlq.Encode(dlq.Entry{
			VM: "pix-" + string(rune('a'+i)), Pool: "debian", QueueFrom: "clone", ErrorClass: "RuntimeError",
			ErrorMessage: "no space", FailedAt: time.Now().Add(-time.Duration(i+1) * time.Minute), RequestID: request,
		})
		must(t, c, "ZADD", vmpooler.DLQKey("clone"), score, member)
	}
	entries, _ := ids(t)
	return entries
}

func queued(t *testing.T, c *redis.Client) string {
	t.Helper()
	return strings.Join(c.ZRange(t.Context(), vmpooler.KeyRequestQueue, 0, -1).Val(), " ")
}

func TestDLQRequeue(t *testing.T) {
	both := requestOne + " " + requestTwo
	for name, tc := range map[string]struct {
		args   []string // %0 stands for the first id
		queued string
		code   int
		stdout string
	}{
		"by id, two letters of one request": {[]string{"%0", "%1"}, requestOne, 0, "requeued 1 request: vmpooler's manager takes it up in its next loop"},
		"by id, one of no request":          {[]string{"%2", "%3"}, requestTwo, 1, "pools refill themselves"},
		"by request":                        {[]string{"--request=" + requestOne, "--request=" + requestTwo, "--rate=1000"}, both, 0, "requeued 2 requests"},
		"by request, one unknown":           {[]string{"--request=unknown", "--request=" + requestTwo}, requestTwo, 1, "there is no such request"},
		"by filter":                         {[]string{"--error=space", "--expect=2", "--rate=1000"}, both, 0, "passed over 1 dead letter of no on-demand request"},
		"nothing matches":                   {[]string{"--pool=none", "--expect=2"}, "", 0, "nothing to requeue"},
		"only letters of no request match":  {[]string{"--vm=pix-d"}, "", 0, "nothing to requeue"},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			entries := failedRequests(t, c)
			args := []string{"dlq", "requeue", "--yes", "--watch=0s", unixAddr(server)}
			for _, a := range tc.args {
				if i, ok := strings.CutPrefix(a, "%"); ok {
					a = entries[i[0]-'0']
				}
				args = append(args, a)
			}
			stdout, stderr, code := command(t, args...)
			if code != tc.code || !strings.Contains(stdout, tc.stdout) || strings.Contains(stdout+stderr, "verysecret") {
				t.Errorf("code %d: %s%s", code, stdout, stderr)
			}
			if got := queued(t, c); got != tc.queued {
				t.Errorf("queued: %s", got)
			}
		})
	}
}

func TestDLQRequeueRefuses(t *testing.T) {
	c := server.Client(t)
	entries := failedRequests(t, c)
	for name, tc := range map[string]struct {
		args []string
		want string
		code int
	}{
		"nothing said":          {nil, "Give ids, --request, or a filter", 1},
		"ids and a filter":      {[]string{entries[0], "--pool=debian"}, "no two of them", 1},
		"ids and a request":     {[]string{entries[0], "--request=" + requestOne}, "no two of them", 1},
		"ids and --expect":      {[]string{entries[0], "--expect=1"}, "--expect goes with a filter", 1},
		"no terminal, no --yes": {[]string{entries[0]}, "give --yes; nothing was requeued", 1},
		"a filter, no --expect": {[]string{"--pool=debian", "--yes"}, "--expect=2; nothing was requeued", 1},
		"too many":              {[]string{"--pool=debian", "--expect=1", "--yes"}, "dead letters of 2 requests, not of the 1 expected: nothing was requeued", 1},
		"a negative --expect":   {[]string{"--pool=debian", "--expect=-1", "--yes"}, "--expect", 1},
		"an unknown id":         {[]string{entries[0], "clone-000000000000", "--yes"}, "clone-000000000000", 1},
		"an id of no request":   {[]string{entries[3], "--yes"}, "it belongs to no on-demand request, and pools refill themselves", 1},
		"an empty request":      {[]string{"--request=", "--yes"}, "there is no such request", 1},
		"no rate":               {[]string{entries[0], "--rate=0", "--yes"}, "--rate", 1},
		"a rate that is none":   {[]string{entries[0], "--rate=NaN", "--yes"}, "--rate", 1},
		"no requeue":            {[]string{entries[0], "--max-requeues=0", "--yes"}, "--max-requeues", 1},
		"a negative watch":      {[]string{entries[0], "--watch=-1s", "--yes"}, "--watch", 1},
		"a dry run":             {[]string{entries[0], "--dry-run"}, "would requeue 1 request", 0},
		"a filter's dry run":    {[]string{"--pool=debian", "--dry-run"}, "would requeue 2 requests", 0},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.HGetAll(t.Context(), vmpooler.RequestKey(requestOne)).String()
			stdout, stderr, code := command(t, append([]string{"dlq", "requeue", unixAddr(server)}, tc.args...)...)
			if code != tc.code || !strings.Contains(stdout+stderr, tc.want) {
				t.Errorf("code %d: %s%s", code, stdout, stderr)
			}
			if after := c.HGetAll(t.Context(), vmpooler.RequestKey(requestOne)).String(); after != before || queued(t, c) != "" {
				t.Errorf("it changed something: %s, queued %s", after, queued(t, c))
			}
		})
	}
}

func TestDLQRequeueAsksOnATerminal(t *testing.T) {
	for answer, want := range map[string]int{"y\n": 0, "n\n": 1} {
		c := server.Client(t)
		failedRequests(t, c)
		var out, errs buffer
		p := newProgram(&out, &errs)
		p.dlq.stdin, p.dlq.stdinTerminal = strings.NewReader(answer), func() bool { return true }
		p.dlq.requeueing.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
		err := p.run(t.Context(), []string{"dlq", "requeue", "--pool=debian", "--expect=2", unixAddr(server)})
		if exitCode(err) != want || (queued(t, c) == "") != (want == 1) || !strings.Contains(errs.String(), "Requeue 2 requests? [y/N]") {
			t.Errorf("%q: %v, queued %q, asked %q", answer, err, queued(t, c), &errs)
		}
	}
}

func TestDLQRequeueNamesTheOneThatFailsAgain(t *testing.T) {
	c := server.Client(t)
	failedRequests(t, c)
	var out, errs buffer
	p := newProgram(&out, &errs)
	p.dlq.requeueing.sleep = func(context.Context, time.Duration) error {
		must(t, c, "HSET", vmpooler.RequestKey(requestOne), "status", "failed", "failure_reason", "still no space")
		return nil
	}
	err := p.run(t.Context(), []string{
		"dlq", "requeue", "--yes", "--request=" + requestOne, "--request=" + requestTwo, "--output=json", unixAddr(server),
	})
	if want := requestOne + " was requeued and has failed again: still no space; 1 other was not tried"; err == nil || exitCode(err) != 1 || err.Error() != want {
		t.Error(err)
	}
	var got struct {
		Requests []struct {
			ID     string `json:"request_id"`
			Result string `json:"result"`
			Reason string `json:"failure_reason"`
		} `json:"requests"`
		FailedAgain int `json:"failed_again"`
		NotTried    int `json:"not_tried"`
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Requests) != 2 || got.Requests[0].Result != "failed again" || got.Requests[0].Reason != "still no space" ||
		got.Requests[1].Result != "not tried" || got.FailedAgain != 1 || got.NotTried != 1 {
		t.Errorf("%+v", got)
	}
}

func TestDLQRequeueIsInterrupted(t *testing.T) {
	c := server.Client(t)
	failedRequests(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errs buffer
	p := newProgram(&out, &errs)
	p.dlq.requeueing.sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	err := p.run(ctx, []string{"dlq", "requeue", "--yes", "--pool=debian", "--expect=2", unixAddr(server)})
	if exitCode(err) != 1 || !strings.Contains(err.Error(), "stopped after 1 of 2 requests") || !strings.Contains(out.String(), "not tried") {
		t.Errorf("%v\n%s", err, &out)
	}
}
