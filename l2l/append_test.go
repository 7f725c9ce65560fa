package l2l_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// What is appended quickly is what the encoder writes, so that journals do not change.
func TestEventsAreAppendedAsTheyAreMarshalled(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	number := func() int64 { // of any size and sign, and often 0 or at an edge
		if rng.IntN(2) == 0 {
			return 0
		}
		return (1<<rng.IntN(63) - rng.Int64N(3)) * (1 - 2*rng.Int64N(2))
	}
	vector := func() codec.Vector {
		if rng.IntN(2) == 0 {
			return nil
		}
		v := make(codec.Vector, []int{0, 1, 10, 31, 32, 33, 8192}[rng.IntN(7)])
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		return v
	}
	for round := range 5000 {
		r := l2l.Result{
			Individual: number(), Instance: int(number()), Replicate: int(number()), Attempt: int(number()), Ending: l2l.Ending(rng.IntN(256)),
			Fitness: vector(), Outputs: vector(), Targets: vector(), Reason: strings.Repeat("é", []int{0, 1, 15, 16, 127, 128, 40_000}[rng.IntN(7)]),
			Seconds: math.Float64frombits(rng.Uint64()) * float64(rng.IntN(2)), Rank: int(number()), Host: strings.Repeat("h", rng.IntN(40)), At: number(),
			Violations: vector(), Measurements: vector(), Step: int(number()), Slot: int(number()),
		}
		asked := l2l.Asked{Max: int(number())}
		if round == 0 || rng.IntN(4) > 0 {
			asked.Individuals = make([]l2l.Individual, []int{0, 1, 15, 16, 17}[rng.IntN(5)])
			if round == 0 {
				asked.Individuals = make([]l2l.Individual, 70_000) // the head of so long an array is longer
			}
			for i := range asked.Individuals {
				asked.Individuals[i] = l2l.Individual{ID: number(), Generation: int(number()), Lane: int(number()), Nth: number()}
			}
		} else {
			asked.Count, asked.Digest = rng.IntN(5), []byte{1, 2, 3}[:rng.IntN(4)]
		}
		if n := len(asked.Individuals); n > 0 {
			asked.Individuals[n-1].X = vector()
		}
		for _, e := range []l2l.Event{r, asked} {
			want, err := codec.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := codec.Append([]byte("before"), e); err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Fatalf("%T, %v: %x, want %x", e, err, got[:min(len(got), 100)], want[:min(len(want), 100)])
			}
		}
	}
}
