package redisclient

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/redis/go-redis/v9"
)

// SetLogger sends what go-redis itself has to say (failed dials, Sentinel's
// choices; addresses and errors, no credentials) to l at debug level: whoever
// sent the command gets the error and reports it. Nil silences go-redis, which
// otherwise writes to stderr. It holds for the whole process.
func SetLogger(l log.Logger) {
	if l == nil {
		l = log.NewNopLogger()
	}
	redis.SetLogger(goRedisLogger{level.Debug(log.With(l, "component", "go-redis"))})
}

type goRedisLogger struct{ log.Logger }

// Printf implements go-redis' interface of a logger.
func (l goRedisLogger) Printf(_ context.Context, format string, v ...any) {
	_ = l.Log("msg", strings.TrimPrefix(fmt.Sprintf(format, v...), "redis: "))
}
