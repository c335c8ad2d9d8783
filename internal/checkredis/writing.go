package checkredis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

// call is one sample of one command, and what the server answered.
type call struct {
	cmd    Command
	sample Sample
	reply  *redis.Cmd
}

// askWriting fills r.Write.
func (r *Report) askWriting(ctx context.Context, c *redis.Client, s server) error {
	if s.role == Replica {
		r.Write = Write{State: Impossible, Reason: "this is a read-only replica: writes belong on its master"}
		return nil
	}
	calls, err := queue(ctx, c)
	switch {
	case err == nil:
		r.Write = judgeQueued(calls)
	case redisclient.IsNoPermission(err), redisclient.IsUnknownCommand(err):
		if calls, err = dryRun(ctx, c, r.User); err != nil {
			return err
		}
		r.Write = judgeDryRun(calls)
	default:
		return err
	}
	return nil
}

// queue queues every writing command behind MULTI and throws the queue away.
// It returns MULTI's own error.
func queue(ctx context.Context, c *redis.Client) ([]call, error) {
	one := oneConnection(c)
	defer func() { _ = one.Close() }()
	// Alone, because what follows a refused MULTI would be run.
	if err := one.Do(ctx, "MULTI").Err(); err != nil {
		return nil, err
	}
	calls, err := pipeline(ctx, one, func(words []any) []any { return words })
	if err != nil {
		return nil, err
	}
	// Whatever comes of it: the connection is closed now, and its queue with it.
	_ = one.Do(ctx, "DISCARD").Err()
	return calls, nil
}

// dryRun asks ACL DRYRUN (from Redis 7.0, and only for an administrator) about
// every writing command. It returns no calls where that is refused.
func dryRun(ctx context.Context, c *redis.Client, user string) ([]call, error) {
	calls, err := pipeline(ctx, c, func(words []any) []any {
		return append([]any{"ACL", "DRYRUN", user}, words...)
	})
	if err != nil {
		return nil, err
	}
	for _, call := range calls {
		if call.reply.Err() != nil {
			return nil, nil
		}
	}
	return calls, nil
}

// pipeline sends every sample, as wrap has it. It returns the errors that end
// the check; those of single commands are in the calls.
func pipeline(ctx context.Context, c *redis.Client, wrap func([]any) []any) ([]call, error) {
	var calls []call
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, cmd := range WriteCommands {
			for _, s := range cmd.Samples {
				calls = append(calls, call{cmd, s, p.Do(ctx, wrap(cmd.words(s))...)})
			}
		}
		return nil
	})
	var reply redis.Error
	if err != nil && (isFinal(err) || !errors.As(err, &reply)) {
		return nil, err
	}
	return calls, nil
}

// judgeQueued reads the answers to queued commands: what is not QUEUED would
// not have run.
func judgeQueued(calls []call) Write {
	var w Write
	for _, call := range calls {
		err := call.reply.Err()
		m, refused := refusal(err, call.cmd, call.sample)
		switch {
		case err == nil:
		case refused:
			w.Missing = addMissing(w.Missing, m)
		case redisclient.IsReadOnly(err):
			return Write{State: Impossible, Reason: "this is a read-only replica: writes belong on its master"}
		case w.Reason == "":
			w.Reason = fmt.Sprintf("%s fails: %v", call.cmd.Name, err) // OOM, MISCONF, an unknown command
		}
	}
	return w.decide()
}

// judgeDryRun reads ACL DRYRUN's answers, which are no errors: "OK", or what
// the user lacks.
func judgeDryRun(calls []call) Write {
	if len(calls) == 0 {
		return Write{State: Unknown, Reason: "neither MULTI nor ACL DRYRUN is permitted to this user"}
	}
	var w Write
	for _, call := range calls {
		if text, _ := call.reply.Text(); !strings.EqualFold(text, "OK") {
			w.Missing = addMissing(w.Missing, missing(text, call.cmd, call.sample))
		}
	}
	return w.decide()
}

func (w Write) decide() Write {
	switch {
	case w.Reason != "":
		w.State = Impossible
	case len(w.Missing) > 0:
		w.State = Refused
	default:
		w.State = Possible
	}
	return w
}
