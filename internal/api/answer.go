package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// answer sends data in its envelope. The error is ours, and nothing was sent.
func answer(w http.ResponseWriter, data any) error {
	body, err := success(data)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, body)
	return nil
}

// success is data in its envelope.
func success(data any) ([]byte, error) {
	return encode(struct {
		Status string `json:"status"`
		Data   any    `json:"data"`
	}{"success", data})
}

// send writes a whole answer. That the client has gone is no error of ours.
func send(w http.ResponseWriter, code int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(body) //nolint:gosec // JSON that says so, under nosniff: no browser looks for markup in it
}

// encode returns v as a line of JSON that no terminal takes for commands.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "<" in a pool's name is for people to read; nosniff keeps browsers from it
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escapeInvisible(b.Bytes()), nil
}

// escapeInvisible escapes what encoding/json leaves as it is though a terminal obeys
// it: DEL, C1 control characters, marks that turn the direction of writing. Outside
// of strings JSON has none of them.
func escapeInvisible(doc []byte) []byte {
	if bytes.IndexFunc(doc, invisible) < 0 {
		return doc
	}
	out := make([]byte, 0, len(doc)+64)
	for len(doc) > 0 {
		r, size := utf8.DecodeRune(doc)
		if invisible(r) {
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		} else {
			out = append(out, doc[:size]...)
		}
		doc = doc[size:]
	}
	return out
}

func invisible(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }

// timeJSON leaves out what JSON's times can't say: no time, and a year that has not
// four digits.
func timeJSON(t time.Time) *time.Time {
	if t = t.UTC(); t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return nil
	}
	t = t.Truncate(time.Second)
	return &t
}
