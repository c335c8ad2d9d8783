package redisclient

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

func TestAPasswordThatChangesInItsFileHoldsFromTheNextConnectionOn(t *testing.T) {
	s := testredis.New(t, testredis.WithArgs("--requirepass", "first"), testredis.WithClient(func(o *redis.Options) { o.Password = "first" }))
	admin := s.Client(t)
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	c, err := New(config.Redis{Network: "unix", Addr: s.Socket, PasswordFile: file}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := admin.ConfigSet(t.Context(), "requirepass", "second").Err(); err != nil {
		t.Fatal(err)
	}
	disconnect := func() {
		t.Helper()
		if err := admin.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
			t.Fatal(err)
		}
	}
	disconnect()
	if err := c.Ping(t.Context()).Err(); !IsAuth(err) {
		t.Errorf("with the old password in the file: %v", err)
	}
	write("second")
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("with the new one: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	disconnect()
	if err := c.Ping(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("without the file: %v", err)
	}
}
