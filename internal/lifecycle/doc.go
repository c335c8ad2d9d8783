// Package lifecycle reads the life of VMs out of what vmpooler leaves in Redis:
// it knows which evidence in a VM's hash means that the VM failed, how, and
// when.
//
// The fields of hashes with their times of expiry flow in, failures flow out.
// The package is pure: no clock, no Redis, no logging. It never guesses where
// the evidence would be the same without a failure.
package lifecycle
