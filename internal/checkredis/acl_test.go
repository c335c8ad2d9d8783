package checkredis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// without takes one rule out of an ACL line.
func without(line, rule string) string {
	return strings.TrimSuffix(strings.Replace(line+" ", " "+rule+" ", " ", 1), " ")
}

func TestThePrintedReadACLIsEnoughToRead(t *testing.T) {
	for _, db := range []int{0, 2} {
		setUser(t, shared, ReadACL(db).Line)
		r := check(t, as(t, shared, aclUser, db))
		if !r.OK() || r.Read.Missing != nil {
			t.Errorf("database %d: not enough: %v, %v", db, r.Problems, r.Read.Missing)
		}
		if r.Write.State != Unknown || r.WriteOK() {
			t.Errorf("writing is %q to a user who may not even queue", r.Write.State)
		}
		if r.Read.Fast != "" || r.Read.NotFast != "SORT_RO is not permitted" {
			t.Errorf("fast way %q, %q", r.Read.Fast, r.Read.NotFast)
		}
	}
}

func TestThePrintedWriteACLIsEnoughForAll(t *testing.T) {
	for _, db := range []int{0, 2} {
		setUser(t, shared, WriteACL(db).Line)
		r := check(t, as(t, shared, aclUser, db))
		if !r.WriteOK() || !r.Satisfied() {
			t.Errorf("database %d: not enough: %v, %v, %+v", db, r.Problems, r.Read.Missing, r.Write)
		}
	}
}

func TestThePrintedFastACLAllowsTheFastWayAndNoMore(t *testing.T) {
	c := shared.Client(t)
	setUser(t, shared, ReadACL(0).Line)
	v := check(t, as(t, shared, aclUser, 0)).Version
	run(t, c, without(ReadACL(0).Line, "")+" +sort_ro")
	if r := check(t, as(t, shared, aclUser, 0)); r.Read.NotFast != "the GET option of SORT_RO needs the permission to read every key" {
		t.Errorf("with the command alone: %q, %q", r.Read.Fast, r.Read.NotFast)
	}
	setUser(t, shared, ReadACL(0).Line)
	for range 2 { // as often as one likes
		run(t, c, FastReadACL(v).Line)
	}
	user := as(t, shared, aclUser, 0)
	if r := check(t, user); r.Read.Fast != "SORT_RO" || !r.OK() {
		t.Errorf("fast way %q, %q", r.Read.Fast, r.Read.NotFast)
	}
	if err := user.Get(t.Context(), "other").Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("another command reads any key: %v", err)
	}
}

func TestOneReadPermissionTakenAwayIsTheOneReported(t *testing.T) {
	for _, c := range ReadCommands {
		if c.Optional {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			line := ReadACL(0).Line
			if without(line, c.rule()) == line {
				t.Fatalf("%s is not in %s", c.rule(), line)
			}
			setUser(t, shared, without(line, c.rule()))
			r := check(t, as(t, shared, aclUser, 0))
			if d := cmp.Diff([]Missing{{Command: c.Name}}, r.Read.Missing); d != "" || r.OK() {
				t.Error(d)
			}
			if c.Name == "INFO" && (r.Version.Number == "" || r.Role != Master) {
				t.Errorf("without INFO: version %s, role %q", r.Version, r.Role)
			}
		})
	}
}

func TestOneWritePermissionTakenAwayIsTheOneReported(t *testing.T) {
	for _, c := range WriteCommands {
		t.Run(c.Name, func(t *testing.T) {
			line := WriteACL(0).Line
			if without(line, c.rule()) == line {
				t.Fatalf("%s is not in %s", c.rule(), line)
			}
			setUser(t, shared, without(line, c.rule()))
			r := check(t, as(t, shared, aclUser, 0))
			want := Write{State: Refused, Missing: []Missing{{Command: c.Name}}}
			if d := cmp.Diff(want, r.Write); d != "" || r.WriteOK() {
				t.Error(d)
			}
		})
	}
}

func TestAKeyPatternTakenAwayIsReportedForEachCommand(t *testing.T) {
	for _, keys := range []string{KeysVmpooler, KeysOwn} {
		setUser(t, shared, without(WriteACL(0).Line, "~"+keys))
		r := check(t, as(t, shared, aclUser, 0))
		if d := cmp.Diff(refusedOn(ReadCommands, keys), r.Read.Missing); d != "" {
			t.Errorf("reading without %s: %s", keys, d)
		}
		if d := cmp.Diff(refusedOn(WriteCommands, keys), r.Write.Missing); d != "" {
			t.Errorf("writing without %s: %s", keys, d)
		}
	}
}

func refusedOn(list []Command, keys string) []Missing {
	var m []Missing
	for _, c := range list {
		for _, s := range c.Samples {
			if s.Keys == keys && !c.Optional {
				m = append(m, Missing{c.Name, keys})
			}
		}
	}
	return m
}

func TestReadOnlyKeysAreNotEnoughToWrite(t *testing.T) {
	setUser(t, shared, strings.Replace(WriteACL(0).Line, "~"+KeysVmpooler, "%R~"+KeysVmpooler, 1))
	r := check(t, as(t, shared, aclUser, 0))
	if !r.OK() || r.Write.State != Refused {
		t.Errorf("reading %v, writing %s", r.OK(), r.Write.State)
	}
	for _, m := range r.Write.Missing {
		if m.Keys != KeysVmpooler || m.Command == "HEXISTS" {
			t.Errorf("%+v is not missing", m)
		}
	}
}

func TestWithoutMULTIAnAdministratorsDryRunAnswers(t *testing.T) {
	line := without(WriteACL(0).Line, "+multi") + " +acl|dryrun"
	setUser(t, shared, line)
	if r := check(t, as(t, shared, aclUser, 0)); r.Write.State != Possible {
		t.Errorf("writing: %+v", r.Write)
	}
	setUser(t, shared, without(without(line, "+zrem"), "~"+KeysOwn))
	want := append(refusedOn(WriteCommands, KeysOwn), Missing{Command: "ZREM"})
	got := check(t, as(t, shared, aclUser, 0)).Write
	if len(got.Missing) != len(want) || got.State != Refused {
		t.Errorf("writing: %+v, want %v missing", got, want)
	}
	for _, m := range want {
		if len(addMissing(got.Missing, m)) != len(got.Missing) {
			t.Errorf("%v is not reported", m)
		}
	}
}

func TestDISCARDMayBeRefused(t *testing.T) {
	setUser(t, shared, without(WriteACL(0).Line, "+discard"))
	if r := check(t, as(t, shared, aclUser, 0)); r.Write.State != Possible {
		t.Errorf("writing: %+v", r.Write)
	}
}

// The lines must be understood by 6.2, which can't be run here: it has neither
// %R~, nor selectors, nor SORT_RO.
func TestTheLinesForRedis62(t *testing.T) {
	for _, l := range []ACLLine{ReadACL(0), WriteACL(1), FastReadACL(Version{"Redis", "6.2.14"})} {
		if strings.ContainsAny(l.Line, "%()") || strings.Contains(l.Line, "sort_ro") {
			t.Errorf("6.2 doesn't understand %s", l.Line)
		}
	}
	if want := "ACL SETUSER vmpooler_exporter +sort"; FastReadACL(Version{"Redis", "6.2.14"}).Line != want {
		t.Errorf("the fast way of 6.2: %s", FastReadACL(Version{"Redis", "6.2.14"}).Line)
	}
}
