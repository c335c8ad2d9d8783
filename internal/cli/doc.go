// Package cli renders what the commands print: it takes settings, reports and
// lists that others made, and writes them for a terminal. It reads nothing
// itself, neither files nor Redis, and never prints a secret.
package cli
