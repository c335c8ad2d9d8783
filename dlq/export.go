package dlq

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Exported is what Export wrote, and what it could not.
type Exported struct {
	Entries    int      // lines
	Unreadable int      // of them, members that are no dead letters
	WrongType  []string // queues whose key is no sorted set; nothing of them was written
}

// Export writes all entries that f chooses to w as JSON lines (see
// MarshalRecord), oldest first whatever f's Order, Limit and Cursor are, in
// memory that does not grow with their number. An error wraps ErrFilter, is
// one of Redis's that names the key, or w's; lines may have been written.
func Export(ctx context.Context, client redis.UniversalClient, f Filter, w io.Writer) (Exported, error) {
	f.Order, f.Limit, f.Cursor = Oldest, 0, ""
	q, err := f.compile()
	if err != nil {
		return Exported{}, err
	}
	var done Exported
	out := bufio.NewWriterSize(w, 64<<10)
	done.WrongType, err = q.walk(ctx, client, readBatch, func(m *member) error {
		if q.cannotMatch(m.raw) {
			return nil
		}
		r := m.decode()
		if !q.matches(&r) {
			return nil
		}
		line, err := MarshalRecord(&r)
		if err != nil {
			return err
		}
		done.Entries++
		if r.Err != nil {
			done.Unreadable++
		}
		_, err = out.Write(append(line, '\n'))
		return err
	})
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	return done, err
}

// MarshalRecord returns r as one line of JSON: its id and queue, then the
// entry's own keys in vmpooler's order; or, if r is unreadable, why, and the
// member. Texts are cleaned.
func MarshalRecord(r *Record) ([]byte, error) {
	head := struct {
		ID         string `json:"id"`
		Queue      string `json:"queue"`
		Unreadable string `json:"unreadable,omitempty"`
		Member     string `json:"member,omitempty"`
	}{ID: r.ID, Queue: r.Queue}
	if r.Err != nil {
		head.Unreadable, head.Member = Clean(r.Err.Error()), Clean(r.Raw)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as Encode
	if err := e.Encode(head); err != nil {
		return nil, err
	}
	line := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if r.Err != nil {
		return line, nil
	}
	clean := *r
	clean.clean()
	line[len(line)-1] = ','
	return append(line, entryJSON(clean.Entry)[1:]...), nil
}

// entryJSON returns the JSON of a member: what stands behind <vm>:<epoch>:.
func entryJSON(e Entry) string {
	m, _ := Encode(e)
	_, object, _ := strings.Cut(m[len(e.VM)+1:], ":")
	return object
}
