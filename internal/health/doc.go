// Package health judges a vmpooler.Snapshot: it turns what Redis holds into the
// numbers per pool, the conditions that hold, and one status with its reasons.
//
// A Snapshot, perhaps a SweepResult, and the thresholds flow in; a Report flows
// out, from which the metrics, the command, the API and vmpooler__health are
// all made, so that they can't disagree. The package is pure: no clock, no
// Redis, no logging.
package health
