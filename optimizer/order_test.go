package optimizer_test

import (
	"math"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func TestStandingPutsSmallLossesFirstAndFailuresLast(t *testing.T) {
	order := []optimizer.Standing{ // from the best to the worst
		optimizer.StandingOf([]float64{-3}, false),
		optimizer.Evaluated{Loss: []float64{0, -9}}.Standing(),
		optimizer.Solution{Loss: []float64{2}}.Standing(),
		{Loss: math.MaxFloat64},
	}
	failed := []optimizer.Standing{
		{Failed: true}, {Failed: true, Loss: -100}, optimizer.Solution{}.Standing(),
		optimizer.Evaluated{Failed: true, Loss: []float64{-9}}.Standing(),
		optimizer.StandingOf([]float64{math.NaN()}, false), optimizer.StandingOf([]float64{math.Inf(-1)}, false),
	}
	for i, a := range order {
		for j, b := range order {
			if a.Better(b) != (i < j) || a.Compare(b) < 0 != (i < j) {
				t.Errorf("%+v against %+v: %d", a, b, a.Compare(b))
			}
		}
		for _, f := range failed {
			if !a.Better(f) || f.Better(a) {
				t.Errorf("%+v is not better than the failed %+v", a, f)
			}
		}
	}
	if slices.ContainsFunc(failed, func(f optimizer.Standing) bool { return f.Compare(failed[0]) != 0 }) {
		t.Error("failed individuals are not equals")
	}
}
