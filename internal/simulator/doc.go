// Package simulator is a vmpooler that lives in any Redis: its pools fill, its
// users check VMs out and return them, on-demand requests come in, clones
// fail, some VMs never boot, ready VMs die, and now and then something leaks.
// The demo, tests, benchmarks and long runs use it in place of the real one.
//
// A seed, a starting time and a list of pools flow in; the commands that
// vmpooler 3.9.1 sends flow out, in its order, with its keys and fields
// (conformance_test.go holds them against two recorded runs). Time comes from
// the caller: Step advances the simulation to a moment, and the same seed up to
// the same moment gives the same commands whatever the steps in between.
//
// Like vmpooler, the simulator keeps the queues in Redis alone. What it knows
// of a VM is what the provider and the user know: whether it booted, when it
// dies, who holds it. Each inventory of a pool reads the queues anew, so what
// other programs change is noticed as vmpooler would notice it: a VM that is in
// no queue is discovered and destroyed, a name that the provider never had is
// dropped.
//
// It never looks at the wall clock, never sleeps, never reads a key that
// vmpooler does not read, and never writes one that vmpooler does not write
// (its dead-letter queues and its health hash are not simulated, as with
// vmpooler's own switched off; Populate can fill the former).
package simulator
