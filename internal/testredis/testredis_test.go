package testredis

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var server *Server

func TestMain(m *testing.M) {
	Main(m, func(s *Server) { server = s }, func() error { return goleak.Find() })
}

func TestReplayLeavesWhatVmpoolerLeft(t *testing.T) {
	c := server.Client(t)
	tr := Capture()
	if err := tr.Replay(t.Context(), c, 45, 0); err != nil {
		t.Fatal(err)
	}
	if n := c.SCard(t.Context(), "vmpooler__pools").Val(); n != 6 {
		t.Errorf("%d pools, want 6", n)
	}
	if n := c.SCard(t.Context(), "vmpooler__pending__redhat-9-x86_64").Val(); n != 3 {
		t.Errorf("%d pending at 45 s, want 3 as in checkpoints.json", n)
	}
}

func TestReplayMovesEveryTimeByTheShift(t *testing.T) {
	c := server.Client(t)
	tr := Capture()
	if err := tr.Replay(t.Context(), c, 1, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	got := c.HGet(t.Context(), "vmpooler__vm__pix-cold-stone", "clone").Val()
	if want := "2026-11-24 08:32:46 +0000"; got != want {
		t.Errorf("clone = %q, want %q", got, want)
	}
}

func TestARestartedServerIsEmptyAndAnswersAtItsOldAddress(t *testing.T) {
	s := New(t)
	c := s.NewClient()
	defer c.Close()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if n := c.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys after the restart", n)
	}
}

func TestStopRemovesTheDirectory(t *testing.T) {
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there", s.Dir)
	}
}
