package l2l

import (
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// race lets finalists with these true means race in batches of three, so many at most, and returns the state after that. A part of the noise is common
// to all of them, as that of common random numbers is.
func race(means []float64, common float64, looks int, rng *rand.Rand) *finals {
	s := &Search{rules: Rules{Objectives: []optimizee.Objective{{Name: "loss", Direction: optimizee.Minimise}}}}
	f := &finals{Finalists: make([]finalist, len(means)), Looks: looks}
	for range looks {
		for range 3 {
			shared := common * rng.NormFloat64()
			for i := range f.Finalists {
				if !f.Finalists[i].Out {
					f.Finalists[i].Raced = append(f.Finalists[i].Raced, codec.Vector{means[i] + shared + rng.NormFloat64()})
				}
			}
		}
		if f.eliminate(s) == 1 {
			break
		}
	}
	return f
}

func TestRaceLosesTheBestFinalistAtMostAsOftenAsItStates(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const races = 600
	for _, common := range []float64{0, 10} {
		lost := 0
		for range races {
			if race([]float64{0, 0, 0, 0, 0}, common, 8, rng).Finalists[0].Out { // of equals, whichever counts as the best
				lost++
			}
		}
		if most := races*raceError + 3*5.4; float64(lost) > most { // three standard deviations of a binomial count
			t.Errorf("with common noise %v the best was lost in %d of %d races, want at most %v of them", common, lost, races, raceError)
		}
	}
}

func TestRaceEndsEarlyWhereOneFinalistIsClearlyAhead(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for range 100 {
		// By itself each fitness varies by ten times the difference; the pairs show it.
		f := race([]float64{20, 0, 20, 20}, 200, 20, rng)
		if f.Finalists[1].Out || len(f.Finalists[1].Raced) > 12 {
			t.Fatalf("the best is out: %v, after %d fitnesses", f.Finalists[1].Out, len(f.Finalists[1].Raced))
		}
		for i, of := range f.Finalists {
			if i != 1 && !of.Out {
				t.Fatalf("finalist %d is still in", i)
			}
		}
	}
}

func TestRacePassesOverFailuresAndDropsWhoFailsMoreOftenThanNot(t *testing.T) {
	s := &Search{rules: Rules{Objectives: []optimizee.Objective{{Name: "score", Direction: optimizee.Maximise}}}}
	of := func(values ...float64) finalist {
		var f finalist
		for _, v := range values {
			if v == 0 {
				f.Raced = append(f.Raced, nil)
			} else {
				f.Raced = append(f.Raced, codec.Vector{v})
			}
		}
		return f
	}
	f := &finals{Looks: 1, Finalists: []finalist{of(5, 6, 0, 5), of(9, 0, 0, 0), of(0, 6, 7, 6), of(1, 2, 1.5, 1)}}
	if w := f.winner(s); w != 2 {
		t.Errorf("finalist %d leads, want 2, whose score is the largest of those that mostly succeed", w)
	}
	if alive := f.eliminate(s); alive != 2 || f.Finalists[0].Out || !f.Finalists[1].Out || f.Finalists[2].Out || !f.Finalists[3].Out {
		t.Errorf("%d are left of %+v", alive, f.Finalists)
	}
}
