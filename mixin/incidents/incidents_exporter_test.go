package incidents

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// The instance that writes, since it was started first, and the other.
var leading, following = instances[0], instances[1]

func exporterIncidents() []incident {
	return []incident{
		{
			name:  "one of two exporters is gone",
			begin: func(w *world) { w.stop(leading) },
			lasts: 15 * time.Minute,
			want:  []alert{warning("ExporterDown").with(at(leading))},
		},
		{
			name: "both exporters are gone",
			begin: func(w *world) {
				w.stop(leading)
				w.stop(following)
			},
			lasts: 15 * time.Minute,
			want:  []alert{critical("MonitoringLost")},
			pages: "VmpoolerMonitoringLost",
		},
		{
			name: "Redis does not answer",
			begin: func(w *world) {
				w.wires[leading].cut()
				w.wires[following].cut()
			},
			lasts: 20 * time.Minute,
			want:  []alert{critical("RedisUnreachable")},
			pages: "VmpoolerRedisUnreachable",
		},
		{
			name:  "Redis answers one exporter only",
			begin: func(w *world) { w.wires[following].cut() },
			lasts: 20 * time.Minute,
			want:  []alert{warning("RedisUnreachable").with(at(following))},
		},
		{
			name: "Redis is slow",
			begin: func(w *world) {
				w.wires[leading].slow(1500 * time.Millisecond)
				w.wires[following].slow(1500 * time.Millisecond)
			},
			lasts: 25 * time.Minute,
			want:  []alert{info("CollectorSlow")},
		},
		{
			name: "the Redis server's clock is ten seconds off",
			begin: func(w *world) {
				w.wires[leading].skew(10 * time.Second)
				w.wires[following].skew(10 * time.Second)
			},
			lasts: 15 * time.Minute,
			want:  []alert{warning("RedisClockSkew")},
		},
		{
			name: "the Redis server's clock is two minutes off",
			why:  "beyond --purge.max-clock-skew nothing is purged, which a cycle has to find",
			file: "  purge_interval: 300\n",
			begin: func(w *world) {
				w.wires[leading].skew(2 * time.Minute)
				w.wires[following].skew(2 * time.Minute)
			},
			lasts: 40 * time.Minute,
			want: []alert{
				warning("RedisClockSkew"),
				warning("PurgeHeld").once(6 * time.Minute),
			},
		},
		{
			name: "a key has another type",
			why:  "the recorder writes to that key, and trims it",
			begin: func(w *world) {
				w.redis.Set(w.t.Context(), vmpooler.DLQKey("ready"), "what is this?", 0)
			},
			lasts: 25 * time.Minute,
			want: []alert{
				warning("CollectorFailing"),
				warning("DLQWritesFailing").once(time.Minute),
				warning("DLQRecorderStale").once(5 * time.Minute),
			},
		},
		{
			name:  "a sweep does not end",
			begin: func(w *world) { w.replicas[following].stops[sweepPart]() },
			lasts: 30 * time.Minute,
			want:  []alert{warning("SweepStale").with(at(following)).once(10 * time.Minute)},
		},
		{
			name: "a reload finds a mistake",
			why:  "reloading is the program's, which is not simulated",
			edit: func(r *recording, from int) {
				r.replace("vmpooler_exporter_config_last_reload_successful", at(following), from, always(0))
			},
			lasts: 10 * time.Minute,
			want:  []alert{warning("ConfigReloadFailed").with(at(following))},
		},
		{
			name:  "nobody leads",
			why:   "somebody who never writes holds the lease, so that dead letters are not recorded either",
			begin: func(w *world) { w.redis.Set(w.t.Context(), "vmpooler_exporter__lease", "9999:another:1:abc", 0) },
			lasts: 20 * time.Minute,
			want: []alert{
				warning("LeaderCountWrong").once(time.Minute),
				warning("DLQRecorderStale").once(6 * time.Minute),
			},
		},
		{
			name:  "two lead",
			why:   "the lease does not let that be; it would take two Redis servers",
			edit:  func(r *recording, from int) { r.replace("vmpooler_exporter_leader", at(following), from, always(1)) },
			lasts: 10 * time.Minute,
			want:  []alert{warning("LeaderCountWrong")},
		},
	}
}
