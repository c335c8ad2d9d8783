package dlq

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFingerprint(t *testing.T) {
	for message, want := range map[string]string{
		"": "",
		`No route to host - connect(2) for "pix-steep-arrow.example.com" port 22 (timed out)`: `No route to host - connect(2) for "<vm>" port <n> (timed out)`,
		"Connection timed out - user specified timeout for pix-old-delta.example.com:22":      "Connection timed out - user specified timeout for <vm>:<n>",
		"pix-steep-arrow is gone":                       "<vm> is gone",
		"failed to obtain IP after 0.00 seconds":        "failed to obtain IP after <n> seconds",
		"waited 30s of 1.5GB":                           "waited <n>s of <n>GB",
		"pending for 5m41s, limit 3m0s":                 "pending for <n>, limit <n>",
		"missing for 10d1h, 1h2m3s, no 3m2h, 4d4, 5m7x": "missing for <n>, <n>, no 3m2h, 4d4, 5m7x",
		"Template Templates/debian-12-x86_64 not found": "Template Templates/debian-12-x86_64 not found",
		`Cannot open the disk '/vmfs/volumes/5f2a\x.vmdk' (50% full): no space — host “esx-07”`: `Cannot open the disk '/vmfs/volumes/<n>f<n>a\x.vmdk' (<n>% full): no space — host “esx-07”`,
		`File "[ds] pix-other/disk-7.vmdk" of task-1234`:                                        `File "[ds] pix-other/disk-<n>.vmdk" of <id>`,
		"request 3a367972-058e-4da6-a1f6-298ffebc7630 at 10.16.3.4:443":                         "request <id> at <ip>:<n>",
		"no answer of 10.0.0.7.":                           "no answer of <ip>.",
		"fe80::1 and [2001:db8::42]:22, 00:50:56:ab:cd:ef": "<ip> and [<ip>]:<n>, <ip>",
		"session 5f2a9c11d0, pointer 0x7f2a, defaced":      "session <id>, pointer <id>, defaced",
		"Errno::ECONNREFUSED on vm-42 in domain-c9":        "Errno::ECONNREFUSED on <id> in <id>",
		"at 2026-11-23 of x86_64":                          "at <n> of x86_64",
		"read-only pix-not9-name":                          "read-only pix-not9-name",
	} {
		r := Record{Entry: Entry{VM: "pix-steep-arrow", ErrorMessage: message}}
		if got := Fingerprint(&r); got != want {
			t.Errorf("%s\n got %s\nwant %s", message, got, want)
		}
	}
	long := Record{Entry: Entry{ErrorClass: "E", ErrorMessage: strings.Repeat("ä", 5000)}}
	if got := Fingerprint(&long); len(got) > longestFingerprint+10 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes of a long message", len(got))
	}
}

func FuzzFingerprint(f *testing.F) {
	f.Add("pix-a-b", `No route to host - connect(2) for "pix-a-b.x" port 22`)
	f.Add("", "::1 00:50:56:ab:cd:ef 1.2.3.4 0x \xff '/a1'")
	f.Fuzz(func(_ *testing.T, vm, message string) {
		Fingerprint(&Record{Entry: Entry{VM: vm, ErrorMessage: message}})
	})
}

func TestStatsNameTheBadSpellInOneLine(t *testing.T) {
	c := server.Client(t)
	const spell = 214
	for i := range spell {
		vm := fmt.Sprintf("pix-%c%c-noun", 'a'+i/26, 'a'+i%26)
		put(t, c, letter("pending", vm, fmt.Sprintf("pool-%d", i%4), "Timeout",
			`No route to host - connect(2) for "`+vm+`.example.com" port 22 (timed out)`, time.Hour+time.Duration(i)*time.Second))
	}
	few(t, c)
	s, err := Summarize(t.Context(), c, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	g := s.Groups[0]
	if g.Fingerprint != `Timeout: No route to host - connect(2) for "<vm>" port <n> (timed out)` || g.Count != spell ||
		!slices.Equal(g.Pools, []string{"pool-0", "pool-1", "pool-2", "pool-3"}) ||
		!g.Last.Equal(queryNow.Add(-time.Hour)) || !g.First.Equal(queryNow.Add(-time.Hour-(spell-1)*time.Second)) || g.Example.VM != "pix-aa-noun" {
		t.Errorf("%+v", g)
	}
	if s.Entries != spell+3 || len(s.Groups) != 4 || s.Queues[0] != (Tally{"pending", spell + 1}) || len(s.Hours) != 3 {
		t.Errorf("%d entries, %d groups, %v, %v", s.Entries, len(s.Groups), s.Queues, s.Hours)
	}
}

func TestStatsShowNoSecretAndGroupWithoutIt(t *testing.T) {
	c := server.Client(t)
	for i, secret := range []string{"hunter", "tiger"} {
		put(t, c, letter("clone", fmt.Sprintf("vm-%d", i), "p", "E", "login with password="+secret+" failed", time.Hour))
	}
	s, err := Summarize(t.Context(), c, Filter{})
	if err != nil || len(s.Groups) != 1 || s.Groups[0].Count != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	if text := fmt.Sprint(s.Groups[0].Fingerprint, s.Groups[0].Example.ErrorMessage); strings.Contains(text, "hunter") || strings.Contains(text, "tiger") {
		t.Error(text)
	}
}
