// Package live is what the API and the page show: the last reading of vmpooler's
// state, its dead letters and its on-demand requests, what the purge has done, who
// writes, the settings in force, and each pool's last hour.
//
// It is the only reader of Redis on their behalf. A Cache reads the same thing at
// most once a period, however many clients ask, and what it hands out is shared by
// all of them and never changed. What flows in are the readers of the packages
// below; what flows out are their own types. It writes nothing, and no secret is
// among what it reads.
package live
