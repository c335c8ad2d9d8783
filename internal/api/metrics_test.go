package api

import (
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestCountersStandAtZeroFromTheStart(t *testing.T) {
	s := newSite(t, server.Client(t), nil)
	for _, rt := range (&api{}).routes() {
		for _, code := range rt.codes() {
			if n, ok := s.count("vmpooler_exporter_api_requests_total", "code", strconv.Itoa(code), "route", rt.name()); !ok || n != 0 {
				t.Errorf("%s %d: %v, %v", rt.name(), code, n, ok)
			}
		}
		if n, ok := s.count("vmpooler_exporter_api_request_duration_seconds", "route", rt.name()); !ok || n != 0 {
			t.Errorf("%s: %v, %v", rt.name(), n, ok)
		}
	}
	s.get("/api/v1/queue/dlq")
	s.get("/api/v1/queue/dlq?x=1")
	for code, want := range map[string]float64{"200": 1, "400": 1, "503": 0} {
		if n, _ := s.count("vmpooler_exporter_api_requests_total", "code", code, "route", "GET /api/v1/queue/dlq"); n != want {
			t.Errorf("%s: %v", code, n)
		}
	}
	if n, _ := s.count("vmpooler_exporter_api_request_duration_seconds", "route", "GET /api/v1/queue/dlq"); n != 2 {
		t.Errorf("%v durations", n)
	}
	problems, err := testutil.GatherAndLint(s.reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
