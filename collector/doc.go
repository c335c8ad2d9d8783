// Package collector turns vmpooler's state into Prometheus metrics: one
// snapshot a scrape, shared by the scrapes that run at the same time, and one
// small collector a subject, each with its own success and duration.
//
// A Source reads and judges (internal/vmpooler, internal/health); a Handler
// serves what the collectors make of it. Nothing here writes to Redis, and no
// error's text or VM's name ever becomes a label.
package collector
