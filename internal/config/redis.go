package config

import "time"

// Redis says where vmpooler's Redis is and how to log in to it.
type Redis struct {
	Network  string // "tcp" or "unix"
	Addr     string // host:port, or the socket's path
	DB       int
	Username string // ACL user; empty for the default user
	Password Secret
	TLS      TLS

	// PasswordFile is where Password came from, if it can be read again; see
	// CurrentPassword.
	PasswordFile string

	SentinelMaster   string   // name of the master set; empty without Sentinel
	SentinelAddrs    []string // host:port of each Sentinel
	SentinelUsername string
	SentinelPassword Secret

	SentinelPasswordFile string // as PasswordFile, see CurrentSentinelPassword

	// DataTTL is vmpooler's data_ttl: how long the hash of a destroyed or
	// failed VM is kept.
	DataTTL time.Duration
}

// TLS says how to encrypt the connection to Redis.
type TLS struct {
	Enabled            bool
	CAFile             string // PEM; empty for the system's authorities
	CertFile, KeyFile  string // PEM client certificate and its key, both or neither
	ServerName         string // the name to verify; empty for the address' host
	InsecureSkipVerify bool
}
