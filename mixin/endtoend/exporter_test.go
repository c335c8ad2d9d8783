package endtoend

import (
	"fmt"
	"os/exec"
	"testing"
)

// startExporters runs n processes of the exporter beside each other, with the
// same flags.
func startExporters(tb testing.TB, n int, flags ...string) []*process {
	tb.Helper()
	var all []*process
	for i := range n {
		all = append(all, serve(tb, fmt.Sprintf("exporter %d", i+1), func(addr string) *exec.Cmd {
			return exec.Command(exporterBinary, append([]string{"--web.listen-address=" + addr}, flags...)...)
		}))
	}
	return all
}

// addrs are the addresses of processes, as targets of Prometheus.
func addrs(processes []*process) []string {
	var out []string
	for _, p := range processes {
		out = append(out, p.addr)
	}
	return out
}
