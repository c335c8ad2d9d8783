package redisclient

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ConnectError says that no connection to the server could be opened: it is
// down, its name doesn't resolve, the TLS handshake failed, or no Sentinel
// names a master.
type ConnectError struct {
	Addr string // as Describe gives it
	Err  error
}

// Error implements error.
func (e *ConnectError) Error() string { return "connect to " + e.Addr + ": " + e.Err.Error() }

// Unwrap returns the cause, unless it is a Sentinel's reply: "no such master"
// is redis.Nil, and whoever asked the server for a value must not take that for
// the server's word that there is none.
func (e *ConnectError) Unwrap() error {
	if isReply(e.Err) {
		return nil
	}
	return e.Err
}

// IsAuth reports whether Redis, or Sentinel, refused the user or the password,
// or asked for one (NOAUTH, WRONGPASS).
func IsAuth(err error) bool {
	if ce, ok := errors.AsType[*ConnectError](err); ok {
		return isReply(ce.Err) && isAuthReply(ce.Err)
	}
	return isReply(err) && isAuthReply(err)
}

func isAuthReply(err error) bool {
	return redis.IsAuthError(err) || redis.HasErrorPrefix(err, "AUTH ") || hasText(err, "NOAUTH ", "WRONGPASS ")
}

// IsNoPermission reports whether the user lacks the permission for a command or
// a key, also inside a script, or for the GET and BY of SORT.
func IsNoPermission(err error) bool {
	return isReply(err) && (redis.IsPermissionError(err) || hasText(err,
		"NOPERM ",
		"The user executing the script can't", // a script's redis.call, to 7.0
		"ACL failure in script",               // the same, from 7.2
		"denied due to insufficient ACL permissions"))
}

// IsLoading reports whether the server is still reading its dataset.
func IsLoading(err error) bool { return isReply(err) && redis.IsLoadingError(err) }

// IsReadOnly reports whether a write went to a read-only replica.
func IsReadOnly(err error) bool { return isReply(err) && redis.IsReadOnlyError(err) }

// IsUnknownCommand reports whether the server doesn't know the command or
// subcommand: it is older, or the command was renamed away.
func IsUnknownCommand(err error) bool {
	return isReply(err) && hasText(err, "unknown command", "unknown subcommand", "Unknown subcommand",
		"Unknown Redis command called from")
}

// IsWrongType reports whether a key holds another type than the command is for.
func IsWrongType(err error) bool { return isReply(err) && hasText(err, "WRONGTYPE ") }

// IsConnection reports whether Redis gave no answer at all: it can't be
// reached, the connection broke, or no reply came within the deadline. A
// context that the caller cancelled is no such case, nor is a refused password.
func IsConnection(err error) bool {
	if _, ok := errors.AsType[*ConnectError](err); ok {
		return !IsAuth(err) && !errors.Is(err, context.Canceled)
	}
	if err == nil || isReply(err) || errors.Is(err, context.Canceled) {
		return false
	}
	for _, is := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded,
		redis.ErrClosed, redis.ErrPoolTimeout, redis.ErrPoolExhausted,
	} {
		if errors.Is(err, is) {
			return true
		}
	}
	var ne net.Error
	return errors.As(err, &ne)
}

// isReply reports whether err is an error that a server sent.
func isReply(err error) bool {
	var re redis.Error
	return errors.As(err, &re)
}

// hasText looks in the reply for one of several texts. Anywhere, because what
// fails within a script stands behind a prefix that differs between versions.
func hasText(err error, texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(err.Error(), t) {
			return true
		}
	}
	return false
}
