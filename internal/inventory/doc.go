// Package inventory asks the providers which VMs they have: vSphere, Google's
// Compute Engine, vmpooler's dummy, or a command for any other.
//
// An Inventory has every pool listed by its provider's Lister. A History judges the
// listings by those before them and by vmpooler's queues, and a Poller does it again
// and again. What comes out is a View, which answers for each VM of a pool: present,
// absent, or unknown. A wrong "absent" destroys a user's VM, so whatever
// may be wrong with a listing makes the answer unknown. The package only ever
// lists: it changes nothing at a provider and nothing in Redis.
package inventory
