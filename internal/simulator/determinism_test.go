package simulator

import (
	"testing"
	"time"
)

func TestTheSameSeedGivesTheSameCommandsWhateverTheSteps(t *testing.T) {
	const length = 10 * time.Minute
	var want string
	for _, step := range []time.Duration{length, time.Minute, 700 * time.Millisecond} {
		rec := record(t, server.Client(t), busy(), length, step)
		switch got := rec.text(); {
		case len(rec.commands) < 1000:
			t.Fatalf("steps of %v: only %d commands", step, len(rec.commands))
		case want == "":
			want = got
		case got != want:
			t.Errorf("steps of %v give other commands", step)
		}
	}
	other := busy()
	other.Seed++
	if record(t, server.Client(t), other, length, length).text() == want {
		t.Error("another seed gives the same commands")
	}
}
