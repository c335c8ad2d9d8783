package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/lease"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// purgeStoppedError says how far a purge came that did not come to its end.
type purgeStoppedError struct {
	done, of int
	err      error
}

// Error implements error.
func (e *purgeStoppedError) Error() string {
	how := "the purge stopped"
	why := ": " + strings.TrimPrefix(e.err.Error(), "purge: ")
	switch {
	case errors.Is(e.err, context.Canceled):
		how, why = "the purge was interrupted", ""
	case errors.Is(e.err, lease.ErrFenced):
		why = ": its lease has passed on to another process"
	}
	if e.done == 0 {
		return how + why + "; " + errNotPurged.Error()
	}
	if e.done == e.of {
		return how + " with the last of " + cli.Entries(e.of) + why
	}
	return how + fmt.Sprintf(" after %d of %s", e.done, cli.Entries(e.of)) + why
}

// Unwrap returns the cause.
func (e *purgeStoppedError) Unwrap() error { return e.err }

// seeCheckRedis is what to do about a permission that is missing.
const seeCheckRedis = "`check-redis` says what this user of Redis lacks, and prints the ACL to set"

// explainPurge turns what keeps a purge or its history from going on into a
// sentence, with what to do about it.
func explainPurge(err error) error {
	var (
		busy    *purger.BusyError
		stopped *purgeStoppedError
	)
	switch {
	case errors.As(err, &busy):
		return fmt.Errorf("another purge is under way, by %s, whose lease ends in %s unless it is prolonged; %w",
			dlq.Clean(busy.Owner), busy.For.Round(time.Second), errNotPurged)
	case redisclient.IsNoPermission(err):
		return fmt.Errorf("%w; %s", err, seeCheckRedis)
	case errors.As(err, &stopped):
		if stopped.done == 0 && !errors.Is(err, context.Canceled) && !redisclient.IsConnection(stopped.err) {
			return fmt.Errorf("%w; %s", err, seeCheckRedis)
		}
	case errors.Is(err, context.Canceled) && !errors.Is(err, errNotPurged):
		return fmt.Errorf("interrupted; %w", errNotPurged)
	}
	return err
}
