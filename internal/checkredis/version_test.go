package checkredis

import "testing"

func TestVersionsFrom62To8AndValkeyAreSupported(t *testing.T) {
	for _, tc := range []struct {
		info             string
		want             string
		problem, warning bool
		fast             string
	}{
		{"redis_version:6.2.14\r\nrole:master", "Redis 6.2.14", false, false, "+sort"},
		{"redis_version:7.0.15", "Redis 7.0.15", false, false, "+sort_ro"},
		{"redis_version:8.4.0", "Redis 8.4.0", false, false, "+sort_ro"},
		{"redis_version:6.0.16", "Redis 6.0.16", true, false, "+sort"},
		{"redis_version:5.0.3", "Redis 5.0.3", true, false, "+sort"},
		{"redis_version:9.0.0", "Redis 9.0.0", false, true, "+sort_ro"},
		{"redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0", "Valkey 8.1.0", false, false, "+sort_ro"},
		{"server_name:valkey\r\nredis_version:7.2.4\r\nvalkey_version:7.2.9", "Valkey 7.2.9", false, false, "+sort_ro"},
		{"redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.0.0", "Valkey 9.0.0", false, true, "+sort_ro"},
		{"role:master", "unknown", false, true, "+sort_ro"},
		{"redis_version:unstable", "Redis unstable", false, true, "+sort_ro"},
	} {
		var s server
		s.fromInfo(tc.info)
		problem, warning := s.version.judge()
		if s.version.String() != tc.want || (problem != "") != tc.problem || (warning != "") != tc.warning {
			t.Errorf("%q is %s: problem %q, warning %q", tc.info, s.version, problem, warning)
		}
		if s.version.lacksSortRO() != (tc.fast == "+sort") {
			t.Errorf("%s: the fast way is not %s", s.version, tc.fast)
		}
	}
}

func TestWithoutINFOTheAnswerToHELLODoes(t *testing.T) {
	var s server
	s.fromHello([]any{"server", "valkey", "version", "8.0.1", "proto", int64(2), "mode", "cluster", "role", "replica", "modules", []any{}})
	if s.version.String() != "Valkey 8.0.1" || s.role != Replica || !s.cluster {
		t.Errorf("%+v", s)
	}
}
