package checkredis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// askReading runs the reading commands, each on its own: they are harmless, and
// nothing says better than the answer whether they work.
func (r *Report) askReading(ctx context.Context, c *redis.Client) error {
	for _, cmd := range ReadCommands {
		if cmd.Optional {
			continue
		}
		for _, s := range cmd.Samples {
			answer, err := c.Do(ctx, cmd.words(s)...).Result()
			if err := r.noteReading(err, cmd, s); err != nil {
				return err
			}
			if n, ok := answer.(int64); ok && cmd.Name == "SCARD" {
				r.Pools = int(n)
			}
		}
	}
	if r.Pools == 0 {
		r.warn(fmt.Sprintf("%s is empty: no vmpooler here, or another database than %d?", vmpooler.KeyPools, r.Database))
	}
	return r.askFast(ctx, c)
}

// noteReading enters the reply to a sample. It returns the errors that end the check.
func (r *Report) noteReading(err error, cmd Command, s Sample) error {
	m, refused := refusal(err, cmd, s)
	switch {
	case refused:
		r.Read.Missing = addMissing(r.Read.Missing, m)
	case isFinal(err):
		return err
	case redisclient.IsWrongType(err):
		r.warn(fmt.Sprintf("the key of %s %v is of another type than vmpooler's", cmd.Name, s.Args[0]))
	case err != nil && !errors.Is(err, redis.Nil):
		r.problem(fmt.Sprintf("%s fails: %v", cmd.Name, err))
	}
	return nil
}

// isFinal reports whether an error says that Redis can't be asked now.
func isFinal(err error) bool {
	return redisclient.IsConnection(err) || redisclient.IsAuth(err) || redisclient.IsLoading(err)
}

// askFast finds out whether the exporter may use SORT_RO or, where that is not
// known, SORT, which is a write command to a replica.
func (r *Report) askFast(ctx context.Context, c *redis.Client) error {
	for _, cmd := range ReadCommands {
		if !cmd.Optional || (cmd.Name == "SORT") != r.Version.lacksSortRO() {
			continue
		}
		s := cmd.Samples[0]
		err := c.Do(ctx, cmd.words(s)...).Err()
		m, refused := refusal(err, cmd, s)
		switch {
		case err == nil:
			r.Read.Fast = cmd.Name
		case isFinal(err):
			return err
		case refused && m.Keys == "" && strings.Contains(err.Error(), "denied due to"):
			r.Read.NotFast = "the GET option of " + cmd.Name + " needs the permission to read every key"
		case refused && m.Keys == "":
			r.Read.NotFast = cmd.Name + " is not permitted"
		case refused:
			r.Read.NotFast = cmd.Name + " is not permitted on " + m.Keys
		case redisclient.IsReadOnly(err):
			r.Read.NotFast = "a replica of this version refuses " + cmd.Name
		default:
			r.Read.NotFast = fmt.Sprintf("%s fails: %v", cmd.Name, err)
		}
	}
	return nil
}
