// Package purger clears stale entries out of vmpooler's Redis, and nothing that
// is alive: pending VMs that never boot, ready ones nobody wanted, completed ones
// that were never destroyed, metadata that nothing will ever remove, requests that
// wait for ever, and VMs that the provider does not have.
//
// A State (what Redis said at one moment) and a View of the providers flow in; a
// Plan comes out of them, by pure code; each of its actions is applied by one
// atomic script that checks its reason anew on the server. What has moved on in
// the meantime is left alone entirely. The queues running, discovered and
// migrating are never written to.
package purger
