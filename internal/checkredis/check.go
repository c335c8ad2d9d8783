package checkredis

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

// Check asks the server what the exporter may do there. It returns an error
// only where Redis could not be asked: no connection, a refused password, a
// server that is still loading. The classes of redisclient tell which.
func Check(ctx context.Context, c *redis.Client, needs Needs) (*Report, error) {
	o := c.Options()
	r := &Report{Address: address(o), Needs: needs, User: o.Username, Database: o.DB, Pools: -1}
	if r.User == "" {
		r.User = "default"
	}
	if err := r.fill(ctx, c); err != nil {
		return nil, fmt.Errorf("check %s: %w", r.Address, err)
	}
	return r, nil
}

// address keeps go-redis' word for a client of Sentinels out of messages.
func address(o *redis.Options) string {
	if o.Addr == "FailoverClient" {
		return "the master that Sentinel names"
	}
	return o.Addr
}

func (r *Report) fill(ctx context.Context, c *redis.Client) error {
	s, err := askServer(ctx, c)
	switch {
	case redisclient.IsNoPermission(err) && r.Database != 0:
		// The connection itself fails: nothing else can be asked.
		r.Read = Read{Missing: []Missing{{Command: "SELECT"}}, NotFast: "not asked"}
		r.Write = Write{State: Refused, Missing: []Missing{{Command: "SELECT"}}}
	case err != nil:
		return err
	default:
		r.judgeServer(s)
		if err := r.askReading(ctx, c); err != nil {
			return err
		}
		if err := r.askWriting(ctx, c, s); err != nil {
			return err
		}
	}
	r.ACL = []ACLLine{ReadACL(r.Database), FastReadACL(r.Version), WriteACL(r.Database)}
	return nil
}

func (r *Report) judgeServer(s server) {
	r.Version, r.Role = s.version, s.role
	problem, warning := s.version.judge()
	r.problem(problem)
	r.warn(warning)
	if s.cluster {
		r.problem("the server is in cluster mode: vmpooler moves members between keys, which a cluster refuses")
	}
	if s.linkDown {
		r.warn("this replica has lost its master: what it holds grows old")
	}
}

func (r *Report) problem(text string) {
	if text != "" {
		r.Problems = append(r.Problems, text)
	}
}

func (r *Report) warn(text string) {
	if text != "" {
		r.Warnings = append(r.Warnings, text)
	}
}
