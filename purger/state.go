package purger

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// State is what may be stale, as Redis had it at one moment.
type State struct {
	Now       time.Time     // by the Redis server's clock
	Skew      time.Duration // that clock minus this host's
	SkewKnown bool
	Redis     string // which Redis it is

	Places   map[string][]vmpooler.Member // of every VM in a queue
	Hashes   map[string]Hash              // of the VMs in pending, ready and completed that have one
	Orphans  []Hash                       // of VMs in no queue, without a TTL
	Requests []OpenRequest
	Retries  map[string]int // of the requests that a hash is of, by id; 0 for the others
}

// addUnlisted adds the members of pools that have none in Places yet.
func (s *State) addUnlisted(places map[string][]vmpooler.Member) {
	known := make(map[string]bool)
	for _, at := range s.Places {
		for _, m := range at {
			known[m.Pool] = true
		}
	}
	for vm, at := range places {
		for _, m := range at {
			if !known[m.Pool] {
				s.Places[vm] = append(s.Places[vm], m)
			}
		}
	}
}

// Hash is what a VM's metadata says. Texts are as they stand in Redis; a missing
// field is "".
type Hash struct {
	VM                              string
	Pool                            string
	Clone, Ready, Checkout, Destroy string
	CloneTook                       string // seconds; there once the clone is done
	RequestID, PoolAlias            string
	TTL                             time.Duration // 0 if it has none
}

// hashFields are the fields of a Hash, for HMGET.
var hashFields = []string{
	vmpooler.FieldPool, vmpooler.FieldClone, vmpooler.FieldReady, vmpooler.FieldCheckout, vmpooler.FieldDestroy,
	vmpooler.FieldCloneTime, vmpooler.FieldRequestID, vmpooler.FieldPoolAlias,
}

func newHash(rec vmpooler.HashRecord) Hash {
	return Hash{
		VM: rec.VM, Pool: rec.Fields[vmpooler.FieldPool],
		Clone: rec.Fields[vmpooler.FieldClone], Ready: rec.Fields[vmpooler.FieldReady],
		Checkout: rec.Fields[vmpooler.FieldCheckout], Destroy: rec.Fields[vmpooler.FieldDestroy],
		CloneTook: rec.Fields[vmpooler.FieldCloneTime],
		RequestID: rec.Fields[vmpooler.FieldRequestID], PoolAlias: rec.Fields[vmpooler.FieldPoolAlias],
		TTL: rec.TTL,
	}
}

// OpenRequest is an on-demand request that waits or is being worked on.
type OpenRequest struct {
	ID     string
	Made   time.Time              // its score
	Status vmpooler.RequestStatus // empty for one that vmpooler has not looked at
	TTL    time.Duration          // of its hash, 0 if it has none
}
