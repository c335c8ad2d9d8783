package redisclient

import (
	"fmt"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// Describe returns cfg's address for logs and messages, in the form of
// --redis.addr and without user or password: "redis://host:6379/0",
// "rediss://…" with TLS, "unix:///run/redis.sock (database 0)", or the master's
// name and the Sentinels.
func Describe(cfg config.Redis) string {
	switch {
	case cfg.SentinelMaster != "":
		return fmt.Sprintf("master %q of the Sentinels %s (database %d)",
			cfg.SentinelMaster, strings.Join(cfg.SentinelAddrs, ", "), cfg.DB)
	case cfg.Network == "unix":
		return fmt.Sprintf("unix://%s (database %d)", cfg.Addr, cfg.DB)
	case cfg.TLS.Enabled:
		return fmt.Sprintf("rediss://%s/%d", cfg.Addr, cfg.DB)
	}
	return fmt.Sprintf("redis://%s/%d", cfg.Addr, cfg.DB)
}
