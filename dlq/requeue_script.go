package dlq

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

//go:embed requeue.lua
var requeueSource string

var requeueScript = redis.NewScript(requeueSource)

// requeueOK is the code of requeue.lua that is no Refusal.
const requeueOK = "ok"

// requestedPart is one item of the field requested: so many VMs of a pool.
type requestedPart struct {
	alias, pool string
	count       int
}

// parseRequested reads <alias>:<pool>:<count>[,…], every item of it, as vmpooler
// does. ok is false for anything else, and for a count below 1.
func parseRequested(text string) (parts []requestedPart, ok bool) {
	for item := range strings.SplitSeq(text, ",") {
		f := strings.Split(item, ":")
		if len(f) != 3 || f[0] == "" || f[1] == "" {
			return nil, false
		}
		n, err := strconv.Atoi(f[2])
		if err != nil || n < 1 || f[2][0] == '+' {
			return nil, false
		}
		parts = append(parts, requestedPart{alias: f[0], pool: f[1], count: n})
	}
	return parts, true
}

// requeueKeys returns the script's KEYS. Those of the parts are missing where
// requested can't be read.
func requeueKeys(id, requested string) []string {
	keys := []string{vmpooler.RequestKey(id), vmpooler.KeyRequestQueue, vmpooler.KeyRequestProcessing, vmpooler.KeyOndemandCreate}
	parts, _ := parseRequested(requested)
	for _, p := range parts {
		keys = append(keys, vmpooler.RequestVMsKey(id, p.alias, p.pool), vmpooler.Running.Key(p.pool), vmpooler.Pending.Key(p.pool))
	}
	return keys
}

// requeueReply is what the script returns, see requeue.lua.
type requeueReply struct {
	code, detail string
	requeues     int
}

// runRequeue calls the script.
func runRequeue(ctx context.Context, client redis.UniversalClient, id, requested string, at time.Time, opts RequeueOptions) (requeueReply, error) {
	dry := "0"
	if opts.DryRun {
		dry = "1"
	}
	fence, err := opts.fenced()
	if err != nil {
		return requeueReply{}, err
	}
	keys := requeueKeys(id, requested)
	if fence.Token != "" {
		keys = append(keys, fence.Key)
	}
	reply, err := requeueScript.Run(ctx, lease.Once(client), keys,
		id, requested, opts.MaxRequeues, vmpooler.FormatTime(at), vmpooler.VMKey(""), dry, fence.Token).Slice()
	if err != nil {
		return requeueReply{}, lease.Check(err)
	}
	if len(reply) == 3 {
		code, ok1 := reply[0].(string)
		detail, ok2 := reply[1].(string)
		n, ok3 := reply[2].(int64)
		if ok1 && ok2 && ok3 {
			return requeueReply{code, detail, int(n)}, nil
		}
	}
	return requeueReply{}, fmt.Errorf("the script's reply is not understood: %v", reply)
}
