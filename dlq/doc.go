// Package dlq keeps vmpooler's dead letters: every failed VM with its error, in
// the same keys and the same form as vmpooler's own, so that either can read
// the other's.
//
// Failures (from internal/lifecycle) flow in and become entries of the sorted
// sets vmpooler__dlq__pending, …clone and …ready; lists, statistics and exports
// flow out. It writes to those sets and to keys of its own
// (vmpooler_exporter__…), and only where it is turned on. Requeue alone writes to
// vmpooler's own keys: a failed request's hash, its sets of VMs and the queue of
// requests.
package dlq
