package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/internal/checkredis"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestCheckRedisPrints(t *testing.T) {
	redis7 := checkredis.Version{Product: "Redis", Number: "7.0.15"}
	acl := func(v checkredis.Version, db int) []checkredis.ACLLine {
		return []checkredis.ACLLine{checkredis.ReadACL(db), checkredis.FastReadACL(v), checkredis.WriteACL(db)}
	}
	for name, r := range map[string]*checkredis.Report{
		"all-possible": {
			Address: "redis://redis:6379/0", Needs: checkredis.Needs{Write: true}, Version: redis7, Role: checkredis.Master,
			User: "default", Pools: 6, Read: checkredis.Read{Fast: "SORT_RO"},
			Write: checkredis.Write{State: checkredis.Possible}, ACL: acl(redis7, 0),
		},
		"replica-read-only": {
			Address: "redis://replica:6379/0", Version: redis7, Role: checkredis.Replica, User: "vmpooler_exporter", Pools: 6,
			Warnings: []string{"this replica has lost its master: what it holds grows old"},
			Read:     checkredis.Read{NotFast: "SORT_RO is not permitted"},
			Write:    checkredis.Write{State: checkredis.Impossible, Reason: "this is a read-only replica: writes belong on its master"},
			ACL:      acl(redis7, 0),
		},
		"permissions-missing": {
			Address: "rediss://redis:6379/2", Needs: checkredis.Needs{Write: true}, Version: redis7, Role: checkredis.Master,
			User: "monitoring", Database: 2, Pools: -1,
			Read: checkredis.Read{
				Missing: []checkredis.Missing{{Command: "INFO"}, {Command: "SMEMBERS"}, {Command: "GET", Keys: "vmpooler__*"}, {Command: "HGET", Keys: "vmpooler__*"}},
				NotFast: "SORT_RO is not permitted",
			},
			Write: checkredis.Write{
				State:   checkredis.Refused,
				Missing: []checkredis.Missing{{Command: "SCRIPT LOAD"}, {Command: "XADD", Keys: "vmpooler_exporter__*"}},
			},
			ACL: acl(redis7, 2),
		},
		"too-old": {
			Address: "unix:///run/redis.sock (database 0)", Needs: checkredis.Needs{Write: true},
			Version: checkredis.Version{Product: "Redis", Number: "5.0.3"}, Role: checkredis.Master, User: "default",
			Problems: []string{"Redis 5.0.3 is too old: the exporter needs 6.2 or newer"},
			Warnings: []string{"vmpooler__pools is empty: no vmpooler here, or another database than 0?"},
			Read:     checkredis.Read{Fast: "SORT"}, Write: checkredis.Write{State: checkredis.Possible},
			ACL: acl(checkredis.Version{Product: "Redis", Number: "5.0.3"}, 0),
		},
		"write-unknown": {
			Address: "redis://redis:6379/0", Needs: checkredis.Needs{Write: true}, User: "reader", Pools: 6,
			Warnings: []string{"the server's version is unknown"},
			Read:     checkredis.Read{Fast: "SORT_RO"},
			Write:    checkredis.Write{State: checkredis.Unknown, Reason: "neither MULTI nor ACL DRYRUN is permitted to this user"},
			ACL:      acl(checkredis.Version{}, 0),
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := CheckRedis(&b, r); err != nil {
				t.Fatal(err)
			}
			if ok := strings.Contains(b.String(), "\nOK: "); ok != r.Satisfied() {
				t.Errorf("OK printed: %v, satisfied: %v", ok, r.Satisfied())
			}
			golden := filepath.Join("testdata", "checkredis", name+".txt")
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}
