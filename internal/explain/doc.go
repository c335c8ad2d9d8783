// Package explain tells the story of one VM or one on-demand request: where it is
// now, what happened to it and when, and what vmpooler will do with it next.
//
// Evidence flows in from Redis (the queues, the hash, dead letters, the audit of the
// purge), read in a handful of round trips; a Report comes out of it by pure code.
// What nothing in Redis tells is said to be unknown, never guessed. Nothing is ever
// written, and a user's token (the field token:token) is never read.
package explain
