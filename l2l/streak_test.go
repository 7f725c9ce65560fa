package l2l

import (
	"fmt"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func TestStreakTellsWhereIndividualsFail(t *testing.T) {
	space := optimizee.Space{
		{Name: "tau", Lower: 1, Upper: 100}, {Name: "n", Kind: optimizee.Int, Lower: 0, Upper: 3},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm", "oja"}},
	}
	type told struct {
		tau  float64
		n    int
		rule string
		ok   bool
	}
	for want, individuals := range map[string][]told{
		"tau was at least 60 in all of them and at most 40.25 in all of the 2 that succeeded": {
			{40.25, 1, "bcm", true}, {20, 2, "oja", true}, {90, 1, "oja", false}, {60, 2, "bcm", false}, {70, 2, "stdp", false}},
		"n was at most 1 in all of them and at least 2 in all of the 2 that succeeded": {
			{50, 2, "bcm", true}, {60, 3, "oja", true}, {55, 1, "oja", false}, {70, 0, "bcm", false}},
		"rule was bcm in all of them and in none of the 2 that succeeded": { // though its number is between theirs
			{50, 2, "stdp", true}, {60, 3, "oja", true}, {55, 2, "bcm", false}, {70, 3, "bcm", false}, {30, 2, "bcm", false}},
		"": {{50, 2, "bcm", true}, {20, 2, "bcm", false}, {80, 2, "bcm", false}},
		"tried were tau from 5 to 90, n from 1 to 2": { // nothing has succeeded: those before the first success do not count
			{90, 1, "oja", false}, {5, 2, "bcm", false}},
		"tau was at least 60 in all of them and at most 50 in all of the 1 that succeeded": {
			{90, 1, "oja", false}, {5, 2, "bcm", false}, {50, 2, "bcm", true}, {60, 2, "bcm", false}},
	} {
		s := newStreak(space)
		for _, i := range individuals {
			x, err := space.Encode(map[string]any{"tau": i.tau, "n": i.n, "rule": i.rule})
			if err != nil {
				t.Fatal(err)
			}
			s.take(x, !i.ok, "no spikes")
		}
		if got := s.where(); got != want {
			t.Errorf("%v: %q, want %q", individuals, got, want)
		}
	}
}

func TestStreakHoldsLittleWhateverFails(t *testing.T) {
	var s streak
	for i := range 100_000 {
		s.take(make([]float64, 2000), true, fmt.Sprintf("reason %s", string(rune('a'+i%1000))))
	}
	if len(s.kinds) > maxKinds || s.region.lower != nil || s.failed != 100_000 {
		t.Errorf("%d kinds and %d coordinates of %d failures", len(s.kinds), len(s.region.lower), s.failed)
	}
}
