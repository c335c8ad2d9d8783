package dlq

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

func TestCleanRedactsSecretsAndLeavesTheRest(t *testing.T) {
	cases := []struct{ message, want string }{
		{"password=hunter2 for root", "password=[redacted] for root"},
		{"password: hunter2 for root", "password: [redacted] for root"},
		{"Password : hunter2", "Password : [redacted]"},
		{"passwd=a,b;c&d", "passwd=[redacted]"},
		{"pwd=x", "pwd=[redacted]"},
		{"client_secret=abc failed", "client_secret=[redacted] failed"},
		{"api_key=abc, apikey: def", "api_key=[redacted] apikey: [redacted]"},
		{"token:abcdef of bob", "token:[redacted] of bob"},
		{"token=abcdef of bob", "token=[redacted] of bob"},
		{"X-Auth-Token: abcdef", "X-Auth-Token: [redacted]"},
		{`{"token:token"=>"s3cr3t x", "pool"=>"p"}`, `{"token:token"=>[redacted], "pool"=>"p"}`},
		{`{"password":"a\"b","pool":"p"}`, `{"password":[redacted],"pool":"p"}`},
		{`{\"password\":\"ab\",\"pool\":\"p\"}`, `{\"password\":[redacted],\"pool\":\"p\"}`},
		{`{:password=>'a b', :pool=>1}`, `{:password=>[redacted], :pool=>1}`},
		{"Authorization: Bearer abc.def-ghi end", "Authorization: Bearer [redacted] end"},
		{"authorization: Basic dXNlcg== end", "authorization: Basic [redacted] end"},
		{"sent bearer eyJhbGciOi.J9 end", "sent bearer [redacted] end"},
		{"connect https://root:pa/s@s@vc/sdk: refused", "connect https://[redacted]@vc/sdk: refused"},
		{"connect redis://:pw@host:6379/0", "connect redis://[redacted]@host:6379/0"},
		{"clone https://ghp_abc@github.com/x", "clone https://[redacted]@github.com/x"},
		{"ovftool --password hunter2 --name x", "ovftool --password [redacted] --name x"},
		{"password=a\nhost=b", `password=[redacted]\nhost=b`},

		{"Permission denied (publickey,password).", "Permission denied (publickey,password)."},
		{"get http://host:80/a@b failed", "get http://host:80/a@b failed"},
		{"the bearer of this was rejected", "the bearer of this was rejected"},
		{"invalid token", "invalid token"},
		{"password expired", "password expired"},
		{"Connection refused - connect(2) for \"a.example.com\" port 22", "Connection refused - connect(2) for \"a.example.com\" port 22"},
		{"a\tb\x1b[31m\x00é\u2028\u202e", `a\tb\x1b[31m\x00é\u2028\u202e`},
		{"a\xffb", "a\ufffdb"},
		{"", ""},
	}
	for _, tc := range cases {
		if got := Clean(tc.message); got != tc.want {
			t.Errorf("Clean(%q)\n got %q\nwant %q", tc.message, got, tc.want)
		}
		check(t, tc.message)
	}
}

func TestCleanLeavesVmpoolersMessagesAlone(t *testing.T) {
	for _, w := range testredis.CaptureHardOwn().Writes {
		if queue, ok := vmpooler.DLQFromKey(w.Command[1]); ok && w.Command[0] == "zadd" {
			r, _ := Decode(queue, w.Command[3], 0)
			if got, want := Clean(r.ErrorMessage), strings.ReplaceAll(r.ErrorMessage, "\n", `\n`); got != want {
				t.Errorf("%q became %q", r.ErrorMessage, got)
			}
		}
	}
}

func TestCleanCutsAndSaysSo(t *testing.T) {
	if got := Clean(strings.Repeat("x", MaxMessage)); len(got) != MaxMessage || strings.Contains(got, "cut") {
		t.Errorf("a message of the greatest length became %q", got)
	}
	got := Clean(strings.Repeat("é", 5120))
	if !strings.HasSuffix(got, "é… (cut, 10240 bytes in all)") || len(got) > MaxMessage || len(got) < MaxMessage-1 {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	for n := range 40 { // the cut falls everywhere in and around a secret
		message := strings.Repeat("x", MaxMessage-60+n) + " password=hunter2 " + strings.Repeat("y", 500)
		check(t, message)
		if got := Clean(message); strings.Contains(got, "hunt") {
			t.Error(got)
		}
	}
	check(t, strings.Repeat("password=", 20000))
	for _, n := range []int{500, 5000, 50000} { // a password too long to be read to its end
		message := "connect redis://u:" + strings.Repeat("p", n) + "@host"
		check(t, message)
		if got := Clean(message); strings.Contains(got, "pp") {
			t.Error(got)
		}
	}
}

func BenchmarkClean(b *testing.B) {
	for _, bc := range []struct{ name, message string }{
		{"ordinary", `Connection refused - connect(2) for "pix-odd-island.example.com" port 22`},
		{"long", strings.Repeat("no space left on device ", 2000)},
		{"hostile-keys", strings.Repeat("password=", 5000)},
		{"hostile-pairs", strings.Repeat("password= ", 5000)},
		{"hostile-schemes", strings.Repeat("a://b:", 8000)},
	} {
		b.Run(bc.name, func(b *testing.B) {
			for b.Loop() {
				Clean(bc.message)
			}
		})
	}
}

// check holds Clean to what it promises of any message.
func check(t *testing.T, message string) {
	t.Helper()
	once := Clean(message)
	if !utf8.ValidString(once) || len(once) > MaxMessage || strings.ContainsFunc(once, needsEscape) {
		t.Errorf("Clean(%q) = %q", message, once)
	}
	if twice := Clean(once); twice != once {
		t.Errorf("Clean(%q)\n  once %q\n twice %q", message, once, twice)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"password=x", `"token:token"=>"x"`, "redis://u:p@h", "Authorization: Bearer x1", "a\x00\xff\n", "… (cut, 1 bytes in all)",
		"password='", `secret:\"`, "bearer 1", " --token x", strings.Repeat("pwd= ", 300), "token:token:token", "http://a:1/@",
	} {
		f.Add(s, 1)
		f.Add(s, 200)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 1 || n > 300 {
			n = 1
		}
		check(t, strings.Repeat(s, n))
	})
}
