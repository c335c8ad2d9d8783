package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// floor reads the same replies as the exporter over one raw connection, without
// a client library and without looking at them: what it takes is Redis' time
// and the kernel's.
type floor struct {
	conn net.Conn
	r    *bufio.Reader
}

func dialFloor(socket string) (*floor, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	return &floor{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (f *floor) close() error { return f.conn.Close() }

// appendCommand appends a command in RESP.
func appendCommand(b []byte, args ...string) []byte {
	b = fmt.Appendf(b, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

// queueCommands is the scrape's pipeline at its least: the ages of pending and
// ready, the sizes of the rest.
func queueCommands(pools []string) (request []byte, replies int) {
	add := func(args ...string) {
		request = appendCommand(request, args...)
		replies++
	}
	for _, p := range pools {
		for _, q := range vmpooler.Queues() {
			switch q {
			case vmpooler.Pending, vmpooler.Ready:
				add("SORT_RO", q.Key(p), "BY", "nosort", "GET", "#", "GET", vmpooler.VMKey("*")+"->"+q.AgeField())
			default:
				add("SCARD", q.Key(p))
			}
		}
	}
	for _, q := range vmpooler.DLQQueues() {
		add("ZCARD", vmpooler.DLQKey(q))
	}
	add("ZCARD", vmpooler.KeyOndemandCreate)
	add("GET", vmpooler.KeyTasksClone)
	add("GET", vmpooler.KeyTasksOndemandClone)
	return request, replies
}

// exchange sends the request and reads that many replies away.
func (f *floor) exchange(request []byte, replies int) error {
	if _, err := f.conn.Write(request); err != nil {
		return err
	}
	for range replies {
		if err := f.skip(); err != nil {
			return err
		}
	}
	return nil
}

func (f *floor) skip() error {
	line, err := f.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	switch line[0] {
	case '$':
		n, err := strconv.Atoi(string(line[1 : len(line)-2]))
		if err != nil || n < 0 {
			return err
		}
		_, err = f.r.Discard(n + 2)
		return err
	case '*':
		n, err := strconv.Atoi(string(line[1 : len(line)-2]))
		if err != nil {
			return err
		}
		for range n {
			if err := f.skip(); err != nil {
				return err
			}
		}
	case '-':
		return fmt.Errorf("redis: %s", line)
	}
	return nil
}

// sweep walks all keys with SCAN, then PTTL and HMGET of each, batch by batch.
func (f *floor) sweep(fields ...string) (keys int, err error) {
	cursor := "0"
	for {
		batch, next, err := f.scan(cursor)
		if err != nil {
			return keys, err
		}
		var request []byte
		replies := 0
		for _, key := range batch {
			if !strings.HasPrefix(key, vmpooler.VMKey("")) {
				continue
			}
			request = appendCommand(request, "PTTL", key)
			request = appendCommand(request, append([]string{"HMGET", key}, fields...)...)
			replies += 2
		}
		// Write while reading: a pipeline of this size fills both buffers.
		sent := make(chan error, 1)
		go func() {
			_, err := f.conn.Write(request)
			sent <- err
		}()
		for range replies {
			if err := f.skip(); err != nil {
				return keys, err
			}
		}
		if err := <-sent; err != nil {
			return keys, err
		}
		keys += len(batch)
		if cursor = next; cursor == "0" {
			return keys, nil
		}
	}
}

func (f *floor) scan(cursor string) (keys []string, next string, err error) {
	if _, err := f.conn.Write(appendCommand(nil, "SCAN", cursor, "MATCH", vmpooler.Prefix+"*", "COUNT", "1000")); err != nil {
		return nil, "", err
	}
	if _, err := f.line(); err != nil { // *2
		return nil, "", err
	}
	if next, err = f.bulk(); err != nil {
		return nil, "", err
	}
	head, err := f.line()
	if err != nil {
		return nil, "", err
	}
	n, err := strconv.Atoi(head[1:])
	if err != nil {
		return nil, "", err
	}
	keys = make([]string, n)
	for i := range keys {
		if keys[i], err = f.bulk(); err != nil {
			return nil, "", err
		}
	}
	return keys, next, nil
}

func (f *floor) line() (string, error) {
	s, err := f.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	return s[:len(s)-2], nil
}

func (f *floor) bulk() (string, error) {
	head, err := f.line()
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(head[1:])
	if err != nil {
		return "", err
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(f.r, b); err != nil {
		return "", err
	}
	return string(b[:n]), nil
}
