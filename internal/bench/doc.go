// Package bench measures the exporter against the least that its work can
// cost: the same replies, read over one raw connection without a client
// library, on the same redis-server and in the same run. What has no floor, such
// as a burst of failures or a command, is measured by itself. `make bench`
// prints the table that the README shows, and fails where a target is missed.
package bench
