// Package checkredis finds out what would keep the exporter from reading or
// from writing vmpooler's Redis, before it is let loose on it: the work behind
// `vmpooler_exporter check-redis`.
//
// A client flows in, a Report flows out: the server's version and role, the
// commands and keys that the user is refused, and the smallest ACL that would
// do. ReadCommands and WriteCommands are the one list of everything that the
// exporter sends; the ACL lines are made from it.
//
// The package never writes. Whether a write is permitted is found out by
// queueing it behind MULTI, where Redis checks permissions, the replica's
// read-only state and its memory, and then leaving with DISCARD on a connection
// that is closed afterwards; EXEC is never sent. Where MULTI is refused, ACL
// DRYRUN is asked; where that is refused too, the answer is "unknown". It never
// prints a password either: the ACL lines hold the word PASSWORD.
package checkredis
