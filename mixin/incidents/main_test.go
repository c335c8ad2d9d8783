package incidents

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"

	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

// seed chooses another day, with other chances: what fires then and not with 1 is luck
// that the alerts should not depend on.
//
//	go test ./mixin/incidents -seed=2
var seed = flag.Uint64("seed", 1, "what the simulated vmpooler's chances are drawn from")

func TestMain(m *testing.M) {
	redisclient.SetLogger(nil) // incidents cut connections
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
