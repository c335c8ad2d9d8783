package incidents

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

func TestMain(m *testing.M) {
	redisclient.SetLogger(nil) // incidents cut connections
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
