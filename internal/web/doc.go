// Package web is the page that an operator opens when paged at night: how vmpooler
// is and why, its pools worst first, what failed, what the purge does and would do,
// and the exporter itself. What flows in is a live.View and,
// for the lists that are drilled down to, what a Source reads; what flows out is HTML
// that works without JavaScript and asks no other host for anything.
//
// Redis → Source → View → Page (pure, in strings as they are shown) → template.
//
// It never reads or writes Redis itself. What changes something is passed on to
// Actions, for an admin only. A text from Redis is shown as text, whatever it
// holds: see plain.
package web
