package kit

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func TestFrameLeadsBackToThePointThatItCameFrom(t *testing.T) {
	inf := math.Inf(1)
	problem := optimizer.Problem{Coords: append(slices.Clone(rig.MixedProblem.Coords),
		optimizer.Coordinate{Lower: 1e9, Upper: 1e9 + 1}, optimizer.Coordinate{Lower: 0, Upper: inf, Mean: 1, Std: 1},
		optimizer.Coordinate{Lower: -inf, Upper: 2, Mean: -1, Std: 3},
		optimizer.Coordinate{Kind: optimizer.Integer, Lower: -inf, Upper: inf, Mean: 0.5, Std: 4},
		optimizer.Coordinate{Kind: optimizer.Categorical, Upper: 1})}
	f := NewFrame(problem, Folded)
	if want := problem.Dim() + 4; f.Dim() != want { // five choices have five numbers
		t.Fatalf("%d numbers, want %d", f.Dim(), want)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		x := problem.Draw(rng)
		back := f.Point(f.Preimage(x))
		for i, c := range problem.Coords {
			if math.Abs(back[i]-x[i]) > 1e-9*c.Width() {
				t.Fatalf("coordinate %d: %v comes back as %v", i, x[i], back[i])
			}
		}
	}
	for _, where := range []string{"centre", "random"} {
		for range 100 {
			for i, u := range f.Start(where, rng) {
				if math.IsNaN(u) || math.IsInf(u, 0) {
					t.Fatalf("start %s: number %d is %v", where, i, u)
				}
			}
		}
	}
}

// A normal distribution that has shrunk to the frame's floor around a point still tries other whole numbers and choices, now and then.
func TestFrameFloorLetsWholeNumbersAndChoicesStillChange(t *testing.T) {
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Lower: -20, Upper: 20},
		{Kind: optimizer.Integer, Upper: 1}, {Kind: optimizer.Categorical, Upper: 4}, {Lower: 0, Upper: 1}}}
	f := NewFrame(problem, Folded)
	x := []float64{7, 1, 3, 0.5}
	mean, u := f.Preimage(x), make([]float64, f.Dim())
	rng := rand.New(rand.NewPCG(2, 2))
	const draws = 20000
	changed := make([]float64, problem.Dim())
	for range draws {
		for j := range u {
			u[j] = mean[j] + f.Floor[j]*rng.NormFloat64()
		}
		for i, v := range f.Point(u) {
			if v != x[i] {
				changed[i] += 1.0 / draws
			}
		}
	}
	// One in ten for the three of them. The switch and choices are a bit off: it is at the edge, and they are not independent.
	for i, share := range changed[:3] {
		if share < 0.015 || share > 0.05 {
			t.Errorf("coordinate %d changes in a share of %.3f, want about 0.033", i, share)
		}
	}
	if changed[3] != 0 {
		t.Errorf("the continuous coordinate moves in a share of %.3f, want 0: it has no floor", changed[3])
	}
}

func TestFramePrefersNoChoiceAtTheStart(t *testing.T) {
	f := NewFrame(optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Categorical, Upper: 4}}}, Folded)
	rng := rand.New(rand.NewPCG(3, 3))
	counts := make([]int, 5)
	for range 5000 {
		u := f.Start("centre", rng)
		for j := range u {
			u[j] += 0.2 * rng.NormFloat64()
		}
		counts[int(f.Point(u)[0])]++
	}
	for k, n := range counts {
		if n < 850 || n > 1150 {
			t.Errorf("choice %d was drawn %d times of 5,000, want about 1,000", k, n)
		}
	}
}

func TestBoundaryStaysInsideAndIsInverted(t *testing.T) {
	inf := math.Inf(1)
	for _, b := range []boundary{newBoundary(0, 1, 1), newBoundary(-3, 4, 1), newBoundary(0, 0.01, 1), newBoundary(0, inf, 1),
		newBoundary(-inf, 2, 1), newBoundary(-inf, inf, 1)} {
		last := math.Inf(-1)
		for u := -12.0; u < 12; u += 0.0009765625 {
			x := b.inside(u)
			if x < b.lower || x > b.upper {
				t.Fatalf("%+v: %v maps to %v", b, u, x)
			}
			if lo, hi := b.lower-b.margin, b.upper+b.margin; u > lo && u < hi {
				if x < last {
					t.Fatalf("%+v: falls at %v", b, u)
				}
				last = x
				if back := b.preimage(x); math.Abs(back-u) > 1e-6 {
					t.Fatalf("%+v: %v maps to %v, which comes from %v", b, u, x, back)
				}
			}
			if u > b.lower+b.margin && u < b.upper-b.margin && x != u {
				t.Fatalf("%+v: %v inside moves to %v", b, u, x)
			}
		}
	}
}
