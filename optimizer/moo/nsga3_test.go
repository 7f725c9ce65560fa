package moo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// The numbers of reference directions and individuals are those of the paper's table I.
func TestNSGA3HasTheAuthorsDirectionsByDefault(t *testing.T) {
	for _, c := range []struct{ objectives, directions, popSize int }{
		{2, 100, 100}, {3, 91, 92}, {5, 210, 212}, {8, 156, 156}, {10, 275, 276}, {15, 135, 136},
	} {
		o, err := NewNSGA3(optimizer.Problem{Coords: optimizer.Box(20, 0, 1).Coords, Objectives: c.objectives}, NSGA3Defaults(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(o.directions) != c.directions || o.par.PopSize != c.popSize {
			t.Errorf("%d objectives: %d directions and %d individuals, want %d and %d", c.objectives, len(o.directions), o.par.PopSize,
				c.directions, c.popSize)
		}
		for _, d := range referenceDirections(c.objectives, o.par.Divisions) {
			sum := 0.0
			for _, v := range d {
				sum += v
			}
			if math.Abs(sum-1) > 1e-12 || slices.Min(d) < 0 {
				t.Fatalf("direction %v", d)
			}
		}
	}
	small := NSGA3Defaults()
	small.PopSize = 40
	o, err := NewNSGA3(optimizer.Problem{Coords: optimizer.Box(20, 0, 1).Coords, Objectives: 3}, small, 1)
	if err != nil || len(o.directions) != 36 { // 7 divisions; 8 would be 45
		t.Errorf("with 40 individuals %d directions, want 36 (%v)", len(o.directions), err)
	}
}

// The extreme points, here not on the axes, are (1, 0.1, 0), (0, 1, 0.1) and (0.1, 0, 1) in other units: their plane cuts the axes at 1.1.
func TestNSGA3NormalisesByThePlaneThroughTheExtremePoints(t *testing.T) {
	o, err := NewNSGA3(optimizer.Problem{Coords: optimizer.Box(3, 0, 1).Coords, Objectives: 3}, NSGA3Defaults(), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float64{{1, 0.1, 0}, {0, 1, 0.1}, {0.1, 0, 1}, {0.5, 0.25, 0.35}, {3, 3, 3}} // the last one is dominated
	var losses [][]float64
	for _, f := range want {
		losses = append(losses, []float64{2 + 10*f[0], -5 + 1e-3*f[1], 1 + 1e6*f[2]})
	}
	got := o.normalise(losses, []int{0, 1, 2, 3}, []int{0, 1, 2, 3, 4})
	for i, f := range want {
		for k := range f {
			if math.Abs(got[i][k]-f[k]/1.1) > 1e-9 {
				t.Errorf("%v becomes %v, want %v / 1.1", losses[i], got[i], f)
				break
			}
		}
	}
	// Two points span no plane in space: the worst values of the first front take its place.
	got = o.normalise([][]float64{{0, 4, 2}, {8, 0, 2}, {80, 40, 20}}, []int{0, 1}, []int{0, 1, 2})
	if want := []float64{0, 1}; !slices.Equal(got[0][:2], want) {
		t.Errorf("without a plane: %v, want %v", got[0], want)
	}
}

func TestNSGA3FillsEmptyDirectionsFirst(t *testing.T) {
	par := NSGA3Defaults()
	par.Divisions = 2 // the directions (0, 1), (½, ½), (1, 0)
	o, err := NewNSGA3(optimizer.Problem{Coords: optimizer.Box(3, 0, 1).Coords, Objectives: 2}, par, 1)
	if err != nil {
		t.Fatal(err)
	}
	// Four near an axis, two near the diagonal, of which one is nearer.
	pool := poolOf([]float64{0, 1}, []float64{0.01, 0.97}, []float64{0.02, 0.96}, []float64{1, 0}, []float64{0.5, 0.52}, []float64{0.45, 0.55})
	for seed := range uint64(10) {
		next := o.nearest(rand.New(rand.NewPCG(seed, 1)), pool, 3)
		if got, want := names(next), []int{0, 3, 4}; !slices.Equal(got, want) {
			t.Fatalf("%v survive, want %v", got, want)
		}
	}
}
