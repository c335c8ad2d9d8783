package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"
)

// newLogger returns the operator's logger: logfmt or JSON, with ts and caller.
func newLogger(w io.Writer, lvl, format string) (log.Logger, error) {
	value, err := level.Parse(lvl)
	if err != nil {
		return nil, fmt.Errorf("--log.level: %w", err)
	}
	logger := level.NewFilter(baseLogger(w, format), level.Allow(value))
	return log.With(logger, "ts", log.DefaultTimestampUTC, "caller", log.DefaultCaller), nil
}

func baseLogger(w io.Writer, format string) log.Logger {
	if format == "json" {
		return log.NewJSONLogger(log.NewSyncWriter(w))
	}
	return log.NewLogfmtLogger(log.NewSyncWriter(w))
}

// newSlog returns a slog.Logger that prints as newLogger does: exporter-toolkit
// takes no other. It adds time, level and caller itself, time under slog's name.
func newSlog(w io.Writer, lvl, format string) *slog.Logger {
	var l slog.LevelVar
	if err := l.UnmarshalText([]byte(lvl)); err != nil {
		l.Set(slog.LevelInfo)
	}
	base := baseLogger(w, format)
	renamed := log.LoggerFunc(func(kv ...any) error {
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == slog.TimeKey {
				kv[i] = "ts"
			}
		}
		return base.Log(kv...)
	})
	return slog.New(sloggokit.NewGoKitHandler(renamed, &l))
}
