package purger

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed scripts/prelude.lua
	prelude string
	//go:embed scripts/pending.lua
	pendingSource string
	//go:embed scripts/ready.lua
	readySource string
	//go:embed scripts/completed.lua
	completedSource string
	//go:embed scripts/orphaned.lua
	orphanedSource string
	//go:embed scripts/request.lua
	requestSource string
)

var (
	pendingScript   = redis.NewScript(prelude + pendingSource)
	readyScript     = redis.NewScript(prelude + readySource)
	completedScript = redis.NewScript(prelude + completedSource)
	orphanedScript  = redis.NewScript(prelude + orphanedSource)
	requestScript   = redis.NewScript(prelude + requestSource)
)
