package moo

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func poolOf(losses ...[]float64) []parent {
	pool := make([]parent, len(losses))
	for i, l := range losses {
		pool[i] = parent{X: []float64{float64(i)}, Loss: l}
	}
	return pool
}

// names are the indices that poolOf has given, sorted.
func names(parents []parent) []int {
	var out []int
	for _, p := range parents {
		out = append(out, int(p.X[0]))
	}
	slices.Sort(out)
	return out
}

func TestNSGA2CrowdingDistancesByHand(t *testing.T) {
	inf := math.Inf(1)
	got := crowding([][]float64{{0, 10}, {4, 0}, {1, 8}, {3, 2}})
	// {1, 8}: (3 − 0)/4 + (10 − 2)/10; {3, 2}: (4 − 1)/4 + (8 − 0)/10
	if want := []float64{inf, inf, 0.75 + 0.8, 0.75 + 0.8}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := crowding([][]float64{{5, 5}, {5, 5}, {5, 5}}); got[1] != 0 {
		t.Errorf("between its equals: %v, want 0", got[1])
	}
}

func TestNSGA2KeepsTheBestFrontsAndTheEndsOfTheNext(t *testing.T) {
	pool := poolOf([]float64{1, 1}, []float64{2, 5}, []float64{2.1, 4.9}, []float64{3, 3}, []float64{5, 2}, []float64{9, 9})
	next := leastCrowded(nil, pool, 4)
	if got, want := names(next), []int{0, 1, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("%v survive, want %v: the best, the ends of the second front, and the one with most room", got, want)
	}
	if next[0].Rank != 0 || next[1].Rank != 1 {
		t.Errorf("ranks %d and %d, want 0 and 1", next[0].Rank, next[1].Rank)
	}
}

func TestMOONeverBreedsAFailedIndividual(t *testing.T) {
	o, err := NewNSGA2(optimizer.Problem{Coords: optimizer.Box(3, 0, 1).Coords, Objectives: 2}, NSGA2Defaults(), 1)
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for range 5 {
		cs, _ := o.Ask(0)
		var evs []optimizer.Evaluated
		for _, c := range cs {
			ev := optimizer.Evaluated{ID: c.ID, Loss: []float64{c.X[0], 1 - c.X[0]}, Failed: c.ID%3 == 0}
			failed[fmt.Sprint(c.X)] = ev.Failed
			evs = append(evs, ev)
		}
		if err := o.Tell(evs); err != nil {
			t.Fatal(err)
		}
		for _, p := range o.Population() {
			if failed[fmt.Sprint([]float64(p.X))] {
				t.Fatalf("%v failed, and is in the population", p.X)
			}
		}
	}
	if n := len(o.Population()); n != o.par.PopSize {
		t.Errorf("%d in the population, want %d", n, o.par.PopSize)
	}
}
