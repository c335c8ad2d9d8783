package access

import (
	"net"
	"slices"
	"strings"
)

// Local says whether all that listens there can be reached from this host alone:
// loopback addresses, and unix sockets. The addresses are those of listeners, not what
// was asked for: a name may stand for anything.
func Local(addresses []net.Addr) bool {
	return len(addresses) > 0 && !slices.ContainsFunc(addresses, func(a net.Addr) bool { return !isLocal(a) })
}

func isLocal(a net.Addr) bool {
	switch a := a.(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	}
	return false
}

// ownName says whether a request's Host is a name that only this host has for itself.
// A browser here sends another one if a page of a stranger's site made its own name
// stand for a loopback address: to the browser that request is of the same origin.
func ownName(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil { // without a port
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}
