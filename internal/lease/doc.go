// Package lease lets one of several exporters on one Redis write, and fences off
// those that believe they still may: a process that was paused while its lease
// passed on to another writes nothing when it wakes up.
//
// The lease is a string in Redis that expires. Its value is the fencing token;
// every script that writes on the strength of a lease compares it in the same
// call (see Fence). The package writes the keys of the leases and nothing else.
package lease
