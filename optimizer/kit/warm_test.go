package kit

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func TestWarmTakesPointsFirstAndThenTheBestFronts(t *testing.T) {
	for objectives, c := range map[int]struct {
		losses [][]float64
		want   string // the first coordinates of the population
	}{
		1: {[][]float64{{3}, nil, {1}, {2}, {1}}, "[1 2 4 3 0]"},
		2: {[][]float64{{3, 3}, {1, 2}, nil, {2, 1}, {0, 9}, {2, 3}}, "[2 1 3 4 5 0]"},
	} {
		problem := optimizer.Problem{Coords: optimizer.Box(1, 0, 10).Coords, Objectives: objectives}
		var known []optimizer.Solution
		for i, l := range c.losses {
			known = append(known, optimizer.Solution{X: []float64{float64(i)}, Loss: l})
		}
		w, err := NewWarm(known, problem)
		if err != nil {
			t.Fatal(err)
		}
		var got []float64
		for _, x := range w.Population(problem, rand.New(rand.NewPCG(1, 1)), len(known)) {
			got = append(got, x[0])
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%d objectives: %v, want %s", objectives, got, c.want)
		}
	}
}
