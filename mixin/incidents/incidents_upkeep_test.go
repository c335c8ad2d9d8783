package incidents

import (
	"fmt"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// upkeepIncidents are those of dead letters and of the purge.
func upkeepIncidents() []incident {
	return []incident{
		{
			name:  "the recorder has stopped",
			begin: func(w *world) { w.replicas[leading].stops[recorderPart]() },
			lasts: 20 * time.Minute,
			want:  []alert{warning("DLQRecorderStale").once(5 * time.Minute)},
		},
		{
			name:   "dead letters come faster than they go",
			file:   "  health_thresholds:\n    dlq_max_warning: 500\n    dlq_max_critical: 1000\n",
			during: func(w *world, since time.Duration) { deadLetters(w, since, 6) },
			lasts:  55 * time.Minute,
			want:   []alert{warning("DLQFillingUp").once(21 * time.Minute)},
		},
		{
			name:  "dead letters are too many at once",
			begin: func(w *world) { deadLetters(w, 0, 1200) },
			lasts: 25 * time.Minute,
			want:  []alert{critical("Unhealthy"), warning("DLQTooLarge")},
			pages: "VmpoolerUnhealthy",
		},
		{
			name: "the purge has stopped",
			file: "  purge_interval: 300\n",
			begin: func(w *world) {
				w.replicas[leading].stops[purgePart]()
			},
			lasts: 40 * time.Minute,
			want:  []alert{warning("PurgeStale").once(15 * time.Minute)},
		},
		{
			name:  "the purge holds a pool",
			why:   "more of its metadata has leaked than is purged at once, which is told as well",
			file:  "  purge_interval: 300\n",
			begin: func(w *world) { leak(w, 0, 250) },
			lasts: 45 * time.Minute,
			want: []alert{
				warning("PurgeHeld").with(of(largePool)).once(6 * time.Minute),
				info("OrphanedMetadataGrowing").once(2 * time.Minute),
			},
		},
		{
			name:   "metadata leaks all the time",
			during: func(w *world, since time.Duration) { leak(w, since, 6) },
			lasts:  45 * time.Minute,
			want:   []alert{info("OrphanedMetadataGrowing").once(10 * time.Minute)},
		},
		{
			name:  "a provider does not list a pool",
			begin: func(w *world) { w.unlisted[largePool] = true },
			lasts: 45 * time.Minute,
			want:  []alert{warning("ProviderListingUnknown").with(of(largePool)).once(6 * time.Minute)},
		},
	}
}

// deadLetters writes some as a vmpooler does that records them itself.
func deadLetters(w *world, since time.Duration, n int) {
	w.t.Helper()
	pipe := w.redis.Pipeline()
	for i := range n {
		at := time.Now()
		member := fmt.Sprintf(`pix-%d-%d:%d:{"vm":"pix-%d-%d","pool":%q,"queue_from":"clone","error_class":"RuntimeError","error_message":"no room","failed_at":%q}`,
			since/time.Second, i, at.Unix(), since/time.Second, i, largePool, at.Format(time.RFC3339))
		pipe.Do(w.t.Context(), "zadd", vmpooler.DLQKey("clone"), at.Unix(), member)
	}
	w.do(pipe)
}

// leak writes metadata that vmpooler has lost, of VMs of two days ago.
func leak(w *world, since time.Duration, n int) {
	w.t.Helper()
	pipe := w.redis.Pipeline()
	for i := range n {
		pipe.HSet(w.t.Context(), vmpooler.VMKey(fmt.Sprintf("pix-lost-%d-%d", since/time.Second, i)),
			vmpooler.FieldPool, largePool, vmpooler.FieldClone, vmpooler.FormatTime(time.Now().Add(-48*time.Hour)))
	}
	w.do(pipe)
}
