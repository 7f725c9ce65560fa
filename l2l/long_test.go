package l2l_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// long is a space whose points are so long that hashes of them are computed in other ways than those of short ones.
var long = optimizee.Space{{Name: "w", Size: 501, Lower: -5, Upper: 5}}

func TestTrajectoryHashIsThatOfAllIndividualsHoweverLongTheyAre(t *testing.T) {
	byID := map[int64][]byte{}
	l := &l2l.Loop{
		Search: l2l.NewSearch(newOptimizerFor(t, "random", long), rules()), Evaluator: newEvaluator(3, failing), Stop: l2l.Stop{Evaluations: 300},
		Observers: []l2l.Observer{func(e l2l.Event, of *l2l.Individual, s *l2l.Search) {
			r, ok := e.(l2l.Result)
			if !ok || r.Ending != l2l.OK && r.Attempt < rules().Retries {
				return
			}
			line := of.X.Append(binary.LittleEndian.AppendUint64(nil, uint64(of.ID)))
			if r.Ending != l2l.OK {
				line = append(line, "failed"...)
			}
			byID[of.ID] = r.Fitness.Append(line)
			if s.Individuals()%100 == 50 { // looking at it does not change it
				if before := s.TrajectoryHash(); before != s.TrajectoryHash() {
					t.Errorf("the hash of %d individuals is not always the same", s.Individuals())
				}
			}
		}},
	}
	summary := run(t, l)
	all := sha256.New()
	for id := range summary.Individuals {
		all.Write(byID[id])
	}
	if want := hex.EncodeToString(all.Sum(nil)); summary.TrajectoryHash != want || summary.Individuals != 300 {
		t.Errorf("the hash of %d individuals is %s, want %s", summary.Individuals, summary.TrajectoryHash, want)
	}
}

func TestNoiseIsFoundByLongPointsThatAreToldAgain(t *testing.T) {
	known := make(codec.Vector, 501)
	for _, noisy := range []bool{false, true} {
		search := l2l.NewSearch(newOptimizerFor(t, "genetic", long), l2l.Rules{Seed: 1, Objectives: objectives})
		run(t, &l2l.Loop{Search: search, Stop: l2l.Stop{Generations: 40}, Evaluator: newEvaluator(1, func(e l2l.Evaluation) l2l.Result {
			r := bowl(e)
			sum := 0.0
			for i, x := range e.X {
				sum += math.Abs(x - known[i])
			}
			if r.Fitness[0] = sum; noisy {
				r.Fitness[0] += float64(e.Seed % 1000)
			}
			return r
		})})
		if search.Noisy() != noisy {
			t.Errorf("evaluations are found to be noisy: %v, want %v", search.Noisy(), noisy)
		}
	}
}
