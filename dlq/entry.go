package dlq

import "time"

// Entry is one dead letter: a VM that failed, and why. The JSON keys are
// vmpooler's.
type Entry struct {
	Queue string `json:"-"` // pending, clone or ready: the set it is in

	VM           string    `json:"vm"`
	Pool         string    `json:"pool"`
	QueueFrom    string    `json:"queue_from"`    // as vmpooler writes it: the queue's name
	ErrorClass   string    `json:"error_class"`   // such as Timeout, RuntimeError, Unreachable, Purge
	ErrorMessage string    `json:"error_message"` // one line, valid UTF-8, without secrets
	FailedAt     time.Time `json:"failed_at"`     // ISO 8601, to the second
	// RetryCount is the request's; nil where it is unknown: vmpooler leaves the
	// key out of some entries.
	RetryCount *int   `json:"retry_count,omitempty"`
	RequestID  string `json:"request_id,omitempty"`
	PoolAlias  string `json:"pool_alias,omitempty"`
}
