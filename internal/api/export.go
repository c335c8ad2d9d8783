package api

import (
	"net/http"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// exportLetters writes all dead letters that the filter chooses as JSON lines, oldest
// first, a piece at a time and without an envelope. An error that comes after the
// first piece cuts the connection, so that no client takes the rest for the end.
func (a *api) exportLetters(w http.ResponseWriter, r *http.Request, v values) error {
	f, err := v.letters(a.opts.Now().Truncate(quantum))
	if err != nil {
		return err
	}
	select {
	case a.exports <- struct{}{}:
		defer func() { <-a.exports }()
	default:
		return tooBusy("as many exports as may be are under way")
	}
	out := &pieces{w: w, control: http.NewResponseController(w), stall: a.opts.Stall}
	if _, err := dlq.Export(r.Context(), a.opts.Client, f, out); err != nil {
		return err
	}
	out.begin() // also where nothing was chosen
	return nil
}

// pieces sends on what it is given at once, to a client that takes each of them in
// time.
type pieces struct {
	w       http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	begun   bool
}

func (p *pieces) begin() {
	if !p.begun {
		p.begun = true
		p.w.Header().Set("Content-Type", "application/x-ndjson")
		p.w.WriteHeader(http.StatusOK)
	}
}

// Write implements io.Writer.
func (p *pieces) Write(b []byte) (int, error) {
	p.begin()
	// A connection without deadlines, as in a test, has nothing to set.
	_ = p.control.SetWriteDeadline(time.Now().Add(p.stall))
	n, err := p.w.Write(b)
	if err == nil {
		err = p.control.Flush()
	}
	return n, err
}
