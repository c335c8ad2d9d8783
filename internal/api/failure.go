package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/live"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
)

// errorType is the kind of an error, for programs.
type errorType string

// The kinds.
const (
	badData         errorType = "bad_data"
	unauthorized    errorType = "unauthorized"
	forbidden       errorType = "forbidden"
	notFound        errorType = "not_found"
	conflict        errorType = "conflict"
	tooManyRequests errorType = "too_many_requests"
	unavailable     errorType = "unavailable"
	internal        errorType = "internal"
)

var statuses = map[errorType]int{
	badData: http.StatusBadRequest, unauthorized: http.StatusUnauthorized, forbidden: http.StatusForbidden,
	notFound: http.StatusNotFound, conflict: http.StatusConflict, tooManyRequests: http.StatusTooManyRequests,
	unavailable: http.StatusServiceUnavailable, internal: http.StatusInternalServerError,
}

// Challenge is what a 401 asks for, in WWW-Authenticate.
const Challenge = `Basic realm="vmpooler_exporter"`

// failure is an error as the client gets it.
type failure struct {
	kind    errorType
	code    int // HTTP's
	message string
	wait    time.Duration // until it is worth another try; 0 if nobody knows
}

// Error implements error.
func (f *failure) Error() string { return f.message }

// refuse returns an error of this kind, with the status that goes with it.
func refuse(kind errorType, format string, args ...any) *failure {
	return &failure{kind: kind, code: statuses[kind], message: fmt.Sprintf(format, args...)}
}

// failureOf says what the client is told of an error. What is Redis's is said in its
// own words, without secrets; what is ours is not.
func failureOf(err error) *failure {
	var (
		f       *failure
		missing *dlq.NotFoundError
		panics  *live.PanicError
		reply   redis.Error
	)
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, dlq.ErrFilter):
		return refuse(badData, "%s", strings.TrimPrefix(dlq.Clean(err.Error()), dlq.ErrFilter.Error()+": "))
	case errors.As(err, &missing):
		return refuse(notFound, "%s", dlq.Clean(err.Error()))
	case errors.As(err, &panics):
		return refuse(internal, "something went wrong here; the log says what")
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(unavailable, "Redis gave no answer in time")
	case redisclient.IsConnection(err):
		return refuse(unavailable, "Redis gave no answer: %s", dlq.Clean(err.Error()))
	case errors.As(err, &reply), redisclient.IsAuth(err):
		return refuse(unavailable, "Redis refused: %s", dlq.Clean(err.Error()))
	default:
		return refuse(internal, "something went wrong here; the log says what")
	}
}

// write answers with the error.
func (f *failure) write(w http.ResponseWriter) {
	body, err := encode(struct {
		Status string    `json:"status"`
		Type   errorType `json:"errorType"`
		Error  string    `json:"error"`
	}{"error", f.kind, f.message})
	if err != nil {
		panic(err) // these are texts
	}
	if f.code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", Challenge)
	}
	if f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.wait.Seconds()))))
	}
	send(w, f.code, body)
}
