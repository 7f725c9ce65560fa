package cmaes_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
)

// noisySearch runs cmaes on a sphere of 6 coordinates with normal noise for some evaluations. It returns the value, without noise, of the point that is
// recommended, and the largest population.
func noisySearch(t *testing.T, told bool, noise float64, seed uint64, evaluations int) (value, population float64) {
	t.Helper()
	problem := optimizer.Box(6, -5, 5)
	problem.Noisy = told
	o, err := cmaes.New(problem, cmaes.Defaults(), seed)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	for n := 0; n < evaluations; {
		n += noisyGeneration(t, o, noise, rng)
		for _, f := range o.Status().Figures {
			if f.Name == "population" {
				population = max(population, f.Value)
			}
		}
	}
	return noisySphere(optimizer.Recommended(o)[0]), population
}

func noisySphere(x []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += (v - float64(i)/3) * (v - float64(i)/3)
	}
	return sum
}

func noisyGeneration(t *testing.T, o *cmaes.Search, noise float64, rng *rand.Rand) int {
	t.Helper()
	asked, err := o.Ask(0)
	if err != nil {
		t.Fatal(err)
	}
	told := make([]optimizer.Evaluated, len(asked))
	for i, c := range asked {
		told[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{noisySphere(c.X) + noise*rng.NormFloat64()}}
	}
	if err := o.Tell(told); err != nil {
		t.Fatal(err)
	}
	return len(asked)
}

func TestPopulationGrowsWhereNoiseHidesTheLossAndTheAnswerIsBetterForIt(t *testing.T) {
	var with, without []float64
	for seed := range uint64(11) {
		value, population := noisySearch(t, true, 1, seed, 1500)
		with = append(with, value)
		if population < 20 {
			t.Errorf("seed %d: the population has grown from 9 to %v, want 20 at least", seed, population)
		}
		value, _ = noisySearch(t, false, 1, seed, 1500)
		without = append(without, value)
	}
	slices.Sort(with)
	slices.Sort(without)
	if with[5] > without[5]/2 {
		t.Errorf("the median of what is recommended is %.3g, and %.3g without being told of noise: want half of it at most", with[5], without[5])
	}
}

func TestPopulationStaysWhereNoiseDoesNotMatter(t *testing.T) {
	for seed := range uint64(5) {
		if value, population := noisySearch(t, true, 1e-9, seed, 1000); population > 12 || value > 1e-6 {
			t.Errorf("seed %d: the population has grown to %v, and the point recommended has %.3g; want about 9, and 1e-6 at most", seed, population, value)
		}
	}
}

func TestNoisySearchGoesOnFromItsStateInTheMiddleOfAGeneration(t *testing.T) {
	problem := optimizer.Box(6, -5, 5)
	problem.Noisy = true
	a, err := cmaes.New(problem, cmaes.Defaults(), 3)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for range 40 {
		noisyGeneration(t, a, 1, rng)
	}
	if _, err := a.Ask(4); err != nil {
		t.Fatal(err)
	}
	state, err := a.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	b, err := cmaes.New(problem, cmaes.Defaults(), 99)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	x, err := a.Ask(0)
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.Ask(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(x) == 0 || !reflect.DeepEqual(x, y) {
		t.Errorf("the search asks for %v, and the one that was made of its state for %v", x, y)
	}
	silent, err := cmaes.New(optimizer.Box(6, -5, 5), cmaes.Defaults(), 99)
	if err != nil {
		t.Fatal(err)
	}
	if err := silent.UnmarshalBinary(state); err == nil {
		t.Error("a search that is not told of noise takes the state of one that is")
	}
}
