package dlq

import (
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// Letter is a dead letter as a script gets it that writes it together with
// something else, see Store.Add for those that are written alone.
type Letter struct {
	Queue  string        // the key of its queue
	Index  string        // the key of the exporters' index of it, see IndexKey
	Member string        // to be added to the queue with Score, if it is not there
	Score  float64       // epoch seconds of the failure; the VM's score in the index, too
	Lives  time.Duration // what both keys live from then on, as a backstop
}

// NewLetter cleans an entry and encodes it, for queues whose entries live for ttl.
func NewLetter(e Entry, ttl time.Duration) Letter {
	w := prepare(Candidate{Entry: e})
	return Letter{
		Queue: vmpooler.DLQKey(e.Queue), Index: IndexKey(e.Queue),
		Member: w.member, Score: w.score, Lives: ttl + backstop,
	}
}
