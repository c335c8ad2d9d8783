package simulator

import "time"

// Failure is one of which vmpooler, with its dead-letter queue on, would keep a
// letter.
type Failure struct {
	Queue   string // that the letter would be in: clone, pending or ready
	VM      string
	Pool    string
	Class   string // of the error; "" for a ready VM, of which Redis does not tell
	Message string
	Request string // its id; "" for a VM that was made for its pool
	Alias   string // that the request asked for; "" likewise
	At      time.Time
}

// failed tells the options' OnFailure of a VM.
func (s *Simulator) failed(at time.Time, v *vm, queue, class, message string) {
	if s.opts.OnFailure == nil {
		return
	}
	s.opts.OnFailure(Failure{
		Queue: queue, VM: v.name, Pool: v.pool.Name, Class: class, Message: message,
		Request: v.request, Alias: v.alias, At: at,
	})
}
