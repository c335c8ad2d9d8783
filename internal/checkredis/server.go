package checkredis

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

// Role is what a server is in its replication.
type Role string

// The roles; vmpooler's writes go to a master.
const (
	Master      Role = "master"
	Replica     Role = "replica"
	RoleUnknown Role = ""
)

// server is what a server says of itself.
type server struct {
	version  Version
	role     Role
	cluster  bool
	linkDown bool // a replica that has lost its master
}

// askServer asks HELLO, which needs no permission and so does without ROLE, and
// INFO, which says more.
func askServer(ctx context.Context, c *redis.Client) (server, error) {
	var s server
	hello, err := c.Do(ctx, "HELLO").Slice()
	switch {
	case err == nil:
		s.fromHello(hello)
	case isFinal(err), redisclient.IsNoPermission(err): // HELLO itself is permitted to every user
		return s, err
	default: // before 6.0, renamed away, or something that only looks like Redis
	}
	info, err := c.Info(ctx).Result()
	switch {
	case err == nil:
		s.fromInfo(info)
	case isFinal(err):
		return s, err
	default: // reported with the other commands
	}
	return s, nil
}

func (s *server) fromHello(pairs []any) {
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		k, _ := pairs[i].(string)
		m[k], _ = pairs[i+1].(string)
	}
	s.version = Version{Product: product(m["server"]), Number: m["version"]}
	s.role = role(m["role"])
	s.cluster = m["mode"] == "cluster"
}

func (s *server) fromInfo(text string) {
	m := make(map[string]string)
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[k] = v
		}
	}
	// Valkey goes on saying which Redis it can stand in for.
	if v := m["redis_version"]; v != "" {
		s.version = Version{Product: product(m["server_name"]), Number: v}
	}
	if v := m["valkey_version"]; v != "" {
		s.version = Version{Product: "Valkey", Number: v}
	}
	if r := role(m["role"]); r != RoleUnknown {
		s.role = r
	}
	s.cluster = s.cluster || m["cluster_enabled"] == "1"
	s.linkDown = m["master_link_status"] == "down"
}

func product(name string) string {
	if strings.EqualFold(name, "valkey") {
		return "Valkey"
	}
	return "Redis"
}

func role(name string) Role {
	switch name {
	case "master":
		return Master
	case "slave", "replica":
		return Replica
	}
	return RoleUnknown
}
