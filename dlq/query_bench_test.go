package dlq

import (
	"io"
	"testing"
)

func BenchmarkList(b *testing.B) {
	c := server.Client(b)
	populate(b, c)
	for b.Loop() {
		if _, err := List(b.Context(), c, Filter{Limit: 50}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListByError(b *testing.B) {
	c := server.Client(b)
	populate(b, c)
	for b.Loop() {
		if _, err := List(b.Context(), c, Filter{Limit: 50, Error: "matches nothing"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStats(b *testing.B) {
	c := server.Client(b)
	populate(b, c)
	for b.Loop() {
		if _, err := Summarize(b.Context(), c, Filter{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExport(b *testing.B) {
	c := server.Client(b)
	populate(b, c)
	for b.Loop() {
		if _, err := Export(b.Context(), c, Filter{}, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
