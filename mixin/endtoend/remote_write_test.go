package endtoend

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"

	"github.com/klauspost/compress/s2"
)

// label is one of a series to be written; those of a series are sorted by name.
type label struct{ name, value string }

// sample is a value at a time in milliseconds.
type sample struct {
	at    int64
	value float64
}

// writeRequest is a WriteRequest of Prometheus's remote write 1.0, which is three
// nested lists: too little to bring a library along for.
type writeRequest struct{ b []byte }

// add appends a series with its samples, which are in order.
func (w *writeRequest) add(labels []label, samples []sample) {
	var series, item []byte
	for _, l := range labels {
		item = field(item[:0], 1, []byte(l.name))
		item = field(item, 2, []byte(l.value))
		series = field(series, 1, item)
	}
	for _, s := range samples {
		item = append(item[:0], 1<<3|1) // a double
		item = binary.LittleEndian.AppendUint64(item, math.Float64bits(s.value))
		item = append(item, 2<<3) // a varint
		item = binary.AppendUvarint(item, uint64(s.at))
		series = field(series, 2, item)
	}
	w.b = field(w.b, 1, series)
}

// field appends bytes as a field of that number.
func field(to []byte, number byte, data []byte) []byte {
	to = append(to, number<<3|2)
	to = binary.AppendUvarint(to, uint64(len(data)))
	return append(to, data...)
}

// write sends a request to a Prometheus with --web.enable-remote-write-receiver.
func (p prometheus) write(ctx context.Context, w *writeRequest) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.addr+"/api/v1/write", bytes.NewReader(s2.EncodeSnappy(nil, w.b)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Encoding", "snappy")
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("remote write: %s: %s", resp.Status, text)
	}
	return nil
}
