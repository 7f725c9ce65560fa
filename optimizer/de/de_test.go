package de

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

func TestDEDifferenceThatLeavesTheBoxEndsHalfwayToTheBound(t *testing.T) {
	c := optimizer.Coordinate{Lower: -5, Upper: 5}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, v := range []struct{ best, plus, minus, want float64 }{
		{4, 1, 0, 2 + 0.5*2 + 0.5*1}, {4, 9, 0, 3.5}, {-4, 0, 9, -1.5},
	} {
		if got := differ(rng, c, 0.5, 2, v.best, v.plus, v.minus); got != v.want {
			t.Errorf("from 2 towards %v, with %v − %v: %v, want %v", v.best, v.plus, v.minus, got, v.want)
		}
	}
}

func TestDEWholeNumbersTakeStepsShorterThanOneSomeOfTheTime(t *testing.T) {
	c := optimizer.Coordinate{Kind: optimizer.Integer, Lower: 0, Upper: 1}
	rng := rand.New(rand.NewPCG(1, 1))
	sum := 0.0
	const n = 10_000
	for range n {
		sum += differ(rng, c, 0.3, 0, 1, 0, 0)
	}
	if mean := sum / n; math.Abs(mean-0.3) > 0.02 {
		t.Errorf("0.3 of the way from 0 to 1 is 1 in %v of all cases, want 0.3", mean)
	}
}

func TestDECategoriesThatAllAgreeOnStay(t *testing.T) {
	c := optimizer.Coordinate{Kind: optimizer.Categorical, Upper: 4}
	rng := rand.New(rand.NewPCG(1, 1))
	seen := map[float64]bool{}
	for range 1000 {
		if y := differ(rng, c, 0.5, 3, 3, 1, 1); y != 3 {
			t.Fatalf("without a difference, 3 becomes %v", y)
		}
		seen[differ(rng, c, 0.5, 3, 3, 1, 2)] = true
	}
	if len(seen) != 5 {
		t.Errorf("with a difference, %d of 5 categories are reached", len(seen))
	}
}

func TestDETrialReplacesItsMemberUnlessItIsWorse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	at := func(loss float64, failed bool) kit.Individual {
		return kit.NewIndividual([]float64{loss}, []float64{loss}, failed)
	}
	for _, c := range []struct {
		name          string
		member, trial kit.Individual
		taken, won    bool
	}{
		{"better", at(2, false), at(1, false), true, true},
		{"equal", at(2, false), at(2, false), true, false},
		{"worse", at(2, false), at(3, false), false, false},
		{"failed", at(2, false), at(0, true), false, false},
		{"after a failure", at(0, true), at(9, false), true, false}, // there is no gain to measure
	} {
		d := deme{Population: []kit.Individual{c.member}}
		w, won := d.contest(rng, 0, c.trial, tactic{0.4, 0.6}, 1)
		taken := &d.Population[0].X[0] == &c.trial.X[0]
		if taken != c.taken || won != c.won || (len(d.Archive) == 1) != c.won {
			t.Errorf("%s: taken %v, won %v, %d in the archive", c.name, taken, won, len(d.Archive))
		}
		if won && w != (win{tactic{0.4, 0.6}, 0.5}) {
			t.Errorf("%s: %+v", c.name, w)
		}
	}
}

func TestDETacticsAreDrawnAroundTheMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	d := deme{Memory: []tactic{{0.6, alwaysZero}}}
	below := 0
	for range 1000 {
		c := d.draw(rng)
		if c.CR != 0 || !(c.F > 0 && c.F <= 1) {
			t.Fatalf("drawn: %+v", c)
		}
		if c.F < 0.6 {
			below++
		}
	}
	if below < 430 || below > 570 { // those below 0 are drawn again
		t.Errorf("%d of 1000 scale factors are below 0.6", below)
	}
	d.Memory[0].CR = 0.9
	top, sum := 0, 0.0
	for range 1000 {
		c := d.draw(rng)
		if sum += c.CR; c.CR == 1 {
			top++
		}
	}
	if top < 110 || top > 210 || math.Abs(sum/1000-0.9) > 0.03 { // 16 % of a normal distribution lie more than a deviation above its mean
		t.Errorf("of crossover rates around 0.9, %d of 1000 are 1; mean %v", top, sum/1000)
	}
}

func TestJADELearnsFromWhatWon(t *testing.T) {
	d := deme{Memory: []tactic{{0.5, 0.5}}}
	d.learnJADE(nil, 0.1)
	if d.Memory[0] != (tactic{0.5, 0.5}) {
		t.Errorf("without a win it has learnt %+v", d.Memory[0])
	}
	d.learnJADE([]win{{tactic{0.4, 0.2}, 7}, {tactic{0.8, 0.4}, 1}}, 0.1)
	// Lehmer mean (0.16 + 0.64) / (0.4 + 0.8) = 2/3; arithmetic mean 0.3
	if m := d.Memory[0]; math.Abs(m.F-(0.9*0.5+0.1*2/3)) > 1e-15 || math.Abs(m.CR-(0.9*0.5+0.1*0.3)) > 1e-15 {
		t.Errorf("memory %+v", m)
	}
}

func TestLSHADELearnsInTurnAndWeighsByGain(t *testing.T) {
	s := differentialState{Deme: deme{Memory: newMemory(2)}}
	learnLSHADE(&s, []win{{tactic{0.4, 0.2}, 3}, {tactic{0.8, 0.4}, 1}})
	// F: (3·0.16 + 0.64) / (3·0.4 + 0.8) = 0.56; CR: (3·0.04 + 0.16) / (3·0.2 + 0.4) = 0.28
	if m := s.Deme.Memory[0]; math.Abs(m.F-0.56) > 1e-15 || math.Abs(m.CR-0.28) > 1e-15 {
		t.Errorf("first cell %+v", m)
	}
	learnLSHADE(&s, nil)
	learnLSHADE(&s, []win{{tactic{0.3, 0}, 1}})
	if m := s.Deme.Memory[1]; m.F != 0.3 || m.CR != alwaysZero {
		t.Errorf("second cell %+v, want crossover to have ended", m)
	}
	for range 2 {
		learnLSHADE(&s, []win{{tactic{0.7, 0.9}, 1}})
	}
	if m := s.Deme.Memory; m[0].CR != 0.9 || m[1].CR != alwaysZero {
		t.Errorf("after a round %+v, want crossover to have ended in the second for good", m)
	}
}

func newLSHADE(t *testing.T, problem optimizer.Problem, seed uint64) *LSHADE {
	t.Helper()
	o, err := NewLSHADE(problem, LSHADEDefaults(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func newJADE(t *testing.T, problem optimizer.Problem, seed uint64) *JADE {
	t.Helper()
	o, err := NewJADE(problem, JADEDefaults(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestLSHADEShrinksToFourAndThenBeginsARunTwiceAsLong(t *testing.T) {
	o := newLSHADE(t, optimizer.Box(2, -5, 5), 1)
	length := o.par.Evaluations
	used, last := 0, o.par.PopSize
	for run := 0; run < 2; {
		cs, _ := o.Ask(0)
		switch {
		case o.s.Run > run:
			if want := length << run; used < want || used >= want+last || last > 5 {
				t.Errorf("run %d ended after %d individuals with a population of %d, want %d and about 4", run, used, last, want)
			}
			run, used = run+1, 0
			if len(cs) != o.par.PopSize {
				t.Errorf("the next run begins with %d, want %d", len(cs), o.par.PopSize)
			}
		case len(cs) > last || len(cs) < minDeme:
			t.Fatalf("a generation of %d after one of %d", len(cs), last)
		}
		last, used = len(cs), used+len(cs)
		for _, c := range cs { // a loss on which it never converges
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{-float64(c.ID)}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDEFindsTheRightValleyOfRastrigin(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	for name, make := range map[string]func(seed uint64) optimizer.Optimizer{
		"jade":     func(seed uint64) optimizer.Optimizer { return newJADE(t, optimizer.Box(5, -5, 5), seed) },
		"lshade":   func(seed uint64) optimizer.Optimizer { return newLSHADE(t, optimizer.Box(5, -5, 5), seed) },
		"de_async": func(seed uint64) optimizer.Optimizer { return newAsync(t, optimizer.Box(5, -5, 5), seed) },
	} {
		if used := rig.MedianEvaluations(t, make, "rastrigin", 1e-8, 20_000); used > 8000 {
			t.Errorf("%s: %d evaluations to 1e-8 (median of 9), want at most 8,000", name, used)
		}
	}
}
