package explain

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// server is the redis-server that the package's tests share.
var server *testredis.Server

func TestMain(m *testing.M) {
	testredis.Main(m, func(s *testredis.Server) { server = s }, func() error { return goleak.Find() })
}
