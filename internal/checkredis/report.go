package checkredis

// Needs says what the exporter is going to do with this Redis.
type Needs struct {
	Write bool // a feature that writes is on: what keeps it from writing is a problem
}

// Report is what Check found out. It holds no secret.
type Report struct {
	Address string // as the client knows it; the caller may put a better one
	Needs   Needs

	Version  Version
	Role     Role
	User     string // the ACL user
	Database int
	Pools    int // members of vmpooler__pools, or -1 when unknown

	Problems []string // why reading fails or would go wrong, apart from permissions
	Warnings []string // what the operator should look at

	Read  Read
	Write Write

	ACL []ACLLine // the smallest for reading, for the fast way, for writing
}

// Read says whether the exporter can read.
type Read struct {
	Missing []Missing
	Fast    string // the command of the fast way; empty where the exporter must use HMGET
	NotFast string // why not
}

// Write says whether the features that write can.
type Write struct {
	State   WriteState
	Missing []Missing // with Refused
	Reason  string    // with Impossible and Unknown
}

// WriteState is one of four answers to whether writing is possible.
type WriteState string

// The answers.
const (
	Possible   WriteState = "possible"
	Refused    WriteState = "refused"    // the user lacks permissions
	Impossible WriteState = "impossible" // no user could
	Unknown    WriteState = "unknown"    // it could not be asked without writing
)

// Missing is a permission that the user lacks.
type Missing struct {
	Command string // such as "SCRIPT LOAD"
	Keys    string // the pattern of the keys that it is refused on; empty where the command itself is refused
}

// OK reports whether the exporter can read.
func (r *Report) OK() bool { return len(r.Problems) == 0 && len(r.Read.Missing) == 0 }

// WriteOK reports whether it can read and write.
func (r *Report) WriteOK() bool { return r.OK() && r.Write.State == Possible }

// Satisfied reports whether it can do what it needs to.
func (r *Report) Satisfied() bool {
	if r.Needs.Write {
		return r.WriteOK()
	}
	return r.OK()
}
