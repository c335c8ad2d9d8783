package endtoend

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// alertmanager is a running Alertmanager and its API.
type alertmanager struct{ *process }

// startAlertmanager runs an Alertmanager with the configuration.
func startAlertmanager(t *testing.T, config []byte) alertmanager {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, tool(t, "amtool"), "check-config", file)
	bin := tool(t, "prometheus-alertmanager", "alertmanager")
	return alertmanager{serve(t, "alertmanager", func(addr string) *exec.Cmd {
		return exec.Command(bin, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"),
			"--web.listen-address="+addr, "--cluster.listen-address=", "--log.level=info")
	})}
}

// alert is one as Alertmanager's API tells of it.
type alert struct {
	Labels      map[string]string
	Annotations map[string]string
	Fingerprint string

	Status struct {
		State       string   // active, suppressed or unprocessed
		InhibitedBy []string // fingerprints
	}
}

func (a alert) name() string { return alertName(a.Labels) }

// alertName is an alert's name and severity, and its pool where it has one.
func alertName(labels map[string]string) string {
	return strings.TrimSpace(labels["alertname"] + " " + labels["severity"] + " " + labels["pool"])
}

func (m alertmanager) alerts(ctx context.Context) ([]alert, error) {
	var all []alert
	err := getJSON(ctx, "http://"+m.addr+"/api/v2/alerts", &all)
	return all, err
}
