package endtoend

// reason says why a panel's query has nothing to draw here. It is sometimes so where
// it depends on how fast the machine is.
type reason struct {
	why       string
	sometimes bool
}

// mayBeEmpty are the queries, "uid: panel/refId", that answer nothing for a fleet to
// which everything happens. What is drawn after all is a stale line, and fails.
var mayBeEmpty = map[string]reason{
	"vmpooler-overview: annotation Warnings":    {why: noWarningYet},
	"vmpooler-pools: annotation Warnings":       {why: noWarningYet},
	"vmpooler-maintenance: annotation Warnings": {why: noWarningYet},
}

const noWarningYet = "the shortest time for which a warning holds its tongue is longer than the test"

// emptyRecordings are the recording rules without series, and why.
var emptyRecordings = map[string]string{}

// emptyVariables are the variables without values, and why.
var emptyVariables = map[string]string{}
