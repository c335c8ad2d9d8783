package dlq

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// position is an entry's place in the order of a list: by time, then queue,
// then a hash of the member. It is a place even when the entry itself is gone:
// that is why the hash and not Redis's own order of members, which would need
// the whole member in the cursor.
type position struct {
	score float64
	queue string
	hash  uint64
}

func positionOf(queue, member string, score float64) position {
	sum := sha256.Sum256([]byte(member))
	return position{score: score, queue: queue, hash: binary.BigEndian.Uint64(sum[:])}
}

// compare orders oldest first; Newest is its exact reverse.
func (p position) compare(o position, order Order) int {
	c := cmp.Or(cmp.Compare(p.score, o.score), strings.Compare(p.queue, o.queue), cmp.Compare(p.hash, o.hash))
	if order == Newest {
		return -c
	}
	return c
}

// A cursor is base64url of: a byte for the version and the order, the score's
// bits, the hash, the queue.
const cursorFixed = 1 + 8 + 8

func cursorVersion(o Order) byte {
	if o == Oldest {
		return 2
	}
	return 1
}

func (p position) cursor(order Order) string {
	b := make([]byte, 0, cursorFixed+len(p.queue))
	b = append(b, cursorVersion(order))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(p.score))
	b = binary.BigEndian.AppendUint64(b, p.hash)
	b = append(b, p.queue...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads what cursor wrote. A cursor belongs to an order: in the
// other one it would mean the entries that were shown already.
func parseCursor(s string, order Order) (position, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) <= cursorFixed || b[0] != cursorVersion(Newest) && b[0] != cursorVersion(Oldest) {
		return position{}, fmt.Errorf("%w: this is no cursor of a list; begin again without one", ErrFilter)
	}
	if b[0] != cursorVersion(order) {
		return position{}, fmt.Errorf("%w: the cursor is of a list in the other order", ErrFilter)
	}
	p := position{
		score: math.Float64frombits(binary.BigEndian.Uint64(b[1:])),
		hash:  binary.BigEndian.Uint64(b[9:]),
		queue: string(b[cursorFixed:]),
	}
	if math.IsNaN(p.score) || p.cursor(order) != s { // no score of Redis's; line feeds, which base64 overlooks
		return position{}, fmt.Errorf("%w: this is no cursor of a list; begin again without one", ErrFilter)
	}
	return p, nil
}
