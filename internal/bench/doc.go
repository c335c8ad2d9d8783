// Package bench measures the exporter against the least that its work can
// cost: the same replies, read over one raw connection without a client
// library, on the same redis-server and in the same run. `make bench` prints
// the table that the README shows.
package bench
