package explain

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmpooler/vmpooler_exporter/purger"
)

func TestWarnings(t *testing.T) {
	for name, tc := range map[string]struct {
		state []string
		want  []string
	}{
		"live in two pools": {
			[]string{"SADD|~running__deb|pix", "SADD|~ready__win|pix", "HSET|~vm__pix|pool|win|clone|" + ago(time.Hour) + "|ready|" + ago(0) + "|checkout|" + ago(0)},
			[]string{"The name is live in deb and win: two VMs share one hash, and what it says is true of the one that was cloned later, in win."},
		},
		"no hash": {
			[]string{"SADD|~ready__deb|pix"}, []string{"It has no hash: its metadata is gone, or was never written."},
		},
		"only a tag": {
			[]string{"SADD|~ready__deb|pix", "HSET|~vm__pix|tag:project|x"},
			[]string{"Since when it has been in ready is not known: ready is missing from its hash, or can't be read."},
		},
		"a TTL on a live VM's hash": {
			[]string{"SADD|~running__deb|pix", "HSET|~active__deb|pix|" + ago(0), "HSET|~vm__pix|pool|deb", "PEXPIRE|~vm__pix|3600500"},
			[]string{"It is in running, and its hash expires in 1h all the same: vmpooler will not know it any more then."},
		},
		"another pool's": {
			[]string{"SADD|~completed__deb|pix", "HSET|~vm__pix|pool|win"}, []string{"It is in a queue of deb, and its hash says that it is of win."},
		},
		"a leak": {
			[]string{"HSET|~vm__pix|pool|win"}, []string{"Its hash is in no queue and has no TTL."},
		},
		"its request is gone": {
			[]string{"SADD|~pending__deb|pix", "HSET|~vm__pix|pool|deb|request_id|gone|clone|" + ago(0)}, []string{"Its request, gone, is gone."},
		},
		"being destroyed": {
			[]string{"SADD|~completed__deb|pix", "HSET|~vm__pix|pool|deb|destroy|" + ago(0), "PEXPIRE|~vm__pix|3600500"}, nil,
		},
		"to be destroyed": {
			[]string{"SADD|~completed__deb|pix", "HSET|~vm__pix|pool|deb"}, nil,
		},
		"destroyed when nobody can read": {
			[]string{"SADD|~completed__deb|pix", "HSET|~vm__pix|pool|deb|destroy|soon"},
			[]string{"Since when it has been in completed is not known: destroy is missing from its hash, or can't be read."},
		},
		"keys of another type": {
			[]string{"SADD|~ready__deb|pix", "SET|~vm__pix|x", "SET|~pool__deb|x", "SET|~dlq__clone|x", "SET|" + purger.KeyAudit + "|x"},
			[]string{
				"The key vmpooler__vm__pix is no hash.", "The key vmpooler__dlq__clone is no sorted set.",
				"What was purged may not be read: vmpooler_exporter__audit: WRONGTYPE Operation against a key holding the wrong kind of value.",
				"It has no hash: its metadata is gone, or was never written.",
			},
		},
		"a queue of another type": {
			[]string{"SET|~ready__win|x", "HSET|~vm__pix|pool|win"},
			[]string{"Not all queues could be read, so where VMs are is not known: vmpooler__ready__win: WRONGTYPE Operation against a key holding the wrong kind of value."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			do(t, c, append([]string{"SADD|~pools|deb|win"}, tc.state...)...)
			r, err := VM(t.Context(), deps(t, c, now), "pix")
			check(t, r, err)
			if d := cmp.Diff(append([]string{}, tc.want...), r.Warnings); d != "" || !r.Known {
				t.Errorf("known is %v, (-want +got):\n%s", r.Known, d)
			}
		})
	}
}

func TestWarningsOfARequest(t *testing.T) {
	score := fmt.Sprint(now.Add(-time.Minute).Unix())
	for name, tc := range map[string]struct {
		state []string
		want  []string
	}{
		"lost": {[]string{"HSET|~odrequest__r|requested|a:deb:1"}, []string{"It is lost: it waits, and is in none of vmpooler's queues."}},
		"a clone that waits, so not lost": {
			[]string{"HSET|~odrequest__r|requested|a:deb:1", "ZADD|~odcreate__task|1|a:deb:1:r"}, []string{},
		},
		"a VM of its name in another pool": {
			[]string{"HSET|~odrequest__r|requested|a:deb:1|status|ready", "SADD|~r__a__deb|pix", "SADD|~ready__win|pix"},
			[]string{"The VM pix, which it was given, is in no queue of deb."},
		},
		"no hash": {
			[]string{"ZADD|~provisioning__request|" + score + "|r"}, []string{"It is in vmpooler's queue and has no hash."},
		},
		"unreadable": {
			[]string{"ZADD|~provisioning__processing|" + score + "|r", "HSET|~odrequest__r|requested|a:deb:x"}, []string{"What it asks for can't be read."},
		},
		"a TTL while it waits": {
			[]string{"ZADD|~provisioning__request|" + score + "|r", "HSET|~odrequest__r|requested|a:deb:1", "PEXPIRE|~odrequest__r|60500"},
			[]string{"It is in vmpooler's queue, and its hash expires in 1m all the same."},
		},
		"a VM that vanished": {
			[]string{"HSET|~odrequest__r|requested|a:deb:1|status|ready", "SADD|~r__a__deb|pix"},
			[]string{"The VM pix, which it was given, is in no queue of deb."},
		},
		"a set of another type": {
			[]string{"HSET|~odrequest__r|requested|a:deb:1|status|ready", "SET|~r__a__deb|pix"},
			[]string{"The key of the VMs that it was given of pool deb is no set."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Client(t)
			do(t, c, append([]string{"SADD|~pools|deb|win"}, tc.state...)...)
			r, err := Request(t.Context(), deps(t, c, now), "r")
			check(t, r, err)
			if d := cmp.Diff(tc.want, r.Warnings); d != "" || !r.Known {
				t.Errorf("known is %v, (-want +got):\n%s", r.Known, d)
			}
		})
	}
}
