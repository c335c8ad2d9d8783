// Package vmpooler is the one owner of what vmpooler keeps in Redis: the names
// of its keys, the form of its times, and the types that a reading of them has.
//
// Redis flows in, an immutable Snapshot (one moment's queues, counters and
// requests) and a SweepResult (what a walk over every hash found) flow out.
// The package never writes to Redis, never judges (that is internal/health's
// work), and imports nothing else of this module.
package vmpooler
