package collector

import (
	"errors"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/health"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestAPanicWhileTheStateIsReadIsAnError(t *testing.T) {
	c := server.Client(t)
	s := NewSource(vmpooler.NewReader(c, vmpooler.ReaderOptions{}), nil, config.DefaultThresholds(), time.Minute)
	s.Observe = func(*vmpooler.Snapshot) []health.Check { panic("oh") }
	if st := s.State(t.Context()); !errors.Is(st.Err, errPanic) {
		t.Errorf("%v", st.Err)
	}
	s.Observe = nil
	if st := s.State(t.Context()); st.Err != nil {
		t.Errorf("it does not recover: %v", st.Err)
	}
}
