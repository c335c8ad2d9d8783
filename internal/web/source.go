package web

import (
	"context"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// Source reads what the pages show; a *live.Cache is one. It is safe for concurrent
// use. Its errors are Redis's or of a deadline, and hold no secrets.
type Source interface {
	// View is a picture of everything. Last is the one before, however old, for when
	// there is an error; nil if there was none.
	View(ctx context.Context) (*live.View, error)
	Last() (*live.View, time.Duration)
	// Settings are those in force, also when nothing can be read.
	Settings() *config.Settings
	// Letters is one page of dead letters; the error may wrap dlq.ErrFilter.
	Letters(ctx context.Context, f dlq.Filter) (dlq.Page, error)
}

// Stories tells what is known of one VM or request, which may be nothing. The error
// is Redis's.
type Stories interface {
	VM(ctx context.Context, name string) (*explain.Report, error)
	Request(ctx context.Context, id string) (*explain.Report, error)
}

// picture is what the overview is made of.
type picture struct {
	*live.View // with a nil State where nothing could be read yet

	Now time.Time // by this host's clock
	Err error     // why the View is an old one, or empty
}

// look takes a picture. It never fails: that Redis does not answer is what an
// operator has to see, next to what was known before.
func look(ctx context.Context, s Source, now func() time.Time) *picture {
	v, err := s.View(ctx)
	if err != nil {
		if v, _ = s.Last(); v == nil {
			v = &live.View{Settings: s.Settings()}
		}
	}
	return &picture{View: v, Now: now(), Err: err}
}
