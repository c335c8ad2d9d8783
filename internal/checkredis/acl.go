package checkredis

import (
	"slices"
	"strings"
)

// An ACLLine is a command for redis-cli that an administrator can run.
type ACLLine struct {
	Purpose string // a sentence without its full stop
	Line    string // with the word PASSWORD where the password goes
}

// aclUser is the user that the lines make or change.
const aclUser = "vmpooler_exporter"

// ReadACL returns the smallest ACL that the exporter can read with: Redis 6.2
// understands it, and so does everything newer. A database other than 0 needs
// SELECT.
func ReadACL(db int) ACLLine {
	return ACLLine{"reading alone", userLine(db, []string{KeysVmpooler}, ReadCommands)}
}

// WriteACL returns the smallest ACL for reading and for every feature that
// writes. MULTI and DISCARD are in it for check-redis.
func WriteACL(db int) ACLLine {
	return ACLLine{
		"reading, dead letters, purge and published health",
		userLine(db, []string{KeysVmpooler, KeysOwn}, ReadCommands, WriteCommands, queueCommands),
	}
}

// FastReadACL returns what a user who has ReadACL or WriteACL needs besides to
// read with one SORT a queue.
func FastReadACL(v Version) ACLLine {
	if v.lacksSortRO() {
		return ACLLine{"reading the fast way besides", "ACL SETUSER " + aclUser + " +sort"}
	}
	// A selector of its own gives the right to read all keys to this one command.
	return ACLLine{
		"reading the fast way besides (SORT_RO can then read every key of this Redis)",
		"ACL SETUSER " + aclUser + " clearselectors (+sort_ro %R~*)",
	}
}

func userLine(db int, keys []string, lists ...[]Command) string {
	var rules []string
	for _, c := range slices.Concat(lists...) {
		if !c.Optional {
			rules = append(rules, c.rule())
		}
	}
	if db != 0 {
		rules = append(rules, "+select")
	}
	slices.Sort(rules)
	words := []string{"ACL SETUSER", aclUser, "on", ">PASSWORD", "resetkeys"}
	for _, k := range keys {
		words = append(words, "~"+k)
	}
	words = append(words, "resetchannels", "-@all")
	return strings.Join(append(words, slices.Compact(rules)...), " ")
}
