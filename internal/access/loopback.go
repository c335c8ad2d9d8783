package access

import "net"

// isLoopback says whether a listener on this host:port is on a loopback address. A
// name counts only if it is localhost: what others resolve to may change.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
