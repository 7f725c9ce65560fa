// Package de is adaptive differential evolution: members of a population move by differences of other members, and what moves well is
// remembered. It is for losses with many local minima, and for spaces that mix numbers, switches and choices.
//
// [NewLSHADE] makes the one whose population shrinks in the course of a run, the first choice. [NewJADE] makes the one whose population stays,
// for fewer evaluations. [NewAsync] makes JADE without generations, for evaluations that differ so much in time that the slowest would keep all
// others waiting. On smooth losses of parameters that depend on each other package cmaes needs far fewer evaluations.
package de

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{jadeAlgorithm(), lshadeAlgorithm(), asyncAlgorithm()}
}

// What the adaptive differential evolutions JADE, LSHADE and Async have in common: the mutation current-to-pbest/1 with an archive,
// binomial crossover, a scale factor and a crossover rate of its own for each trial, and restarts. All of it but the restarts and what is said of
// whole numbers and categories is of Zhang and Sanderson 2009 (JADE), doi 10.1109/TEVC.2009.2014613; names in comments are theirs.

// deme is a population under differential evolution with what it has learnt. It is part of the algorithm's state.
type deme struct {
	Population []kit.Individual
	Archive    []codec.Vector // points that left the population because a trial was better
	Memory     []tactic       // around which tactics are drawn, one of them for each trial
}

// minDeme is the smallest population of which a trial can be made, of four different members.
const minDeme = 4

// tactic is how a trial is made.
type tactic struct {
	F  float64 // scale factor of differences, in (0, 1]
	CR float64 // crossover rate, in [0, 1]; in the memory also alwaysZero
}

// alwaysZero in the memory's crossover rate stands for drawing 0 (the terminal value of L-SHADE).
const alwaysZero = -1

// win is a trial that was better than the member it was made for.
type win struct {
	tactic
	Gain float64 // half the difference of their losses; the whole could overflow
}

// newMemory returns n tactics from the middle of their ranges.
func newMemory(n int) []tactic { return slices.Repeat([]tactic{{0.5, 0.5}}, n) }

// draw draws a tactic: F from a Cauchy, CR from a normal distribution, both of scale 0.1.
func (d *deme) draw(rng *rand.Rand) tactic {
	m := d.Memory[rng.IntN(len(d.Memory))]
	t := tactic{CR: min(max(m.CR+0.1*rng.NormFloat64(), 0), 1)} // CR_i
	if m.CR == alwaysZero {
		t.CR = 0
	}
	for t.F <= 0 {
		t.F = min(m.F+0.1*math.Tan(math.Pi*(rng.Float64()-0.5)), 1) // F_i
	}
	return t
}

// elite returns the indices of the best members: the given part of them, two at least.
func (d *deme) elite(part float64) []int {
	order := make([]int, len(d.Population))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return d.Population[a].Compare(d.Population[b]) })
	return order[:max(2, int(math.Round(part*float64(len(order)))))]
}

// trial makes a trial for member i of minDeme or more. It is made anew, a few times, if it repeats the member, as may happen with whole numbers.
func (d *deme) trial(rng *rand.Rand, problem optimizer.Problem, elite []int, i int, t tactic) []float64 {
	n := len(d.Population)
	x := d.Population[i].X
	for try := 0; ; try++ {
		best, r1, r2 := elite[rng.IntN(len(elite))], i, i
		for r1 == i {
			r1 = rng.IntN(n)
		}
		for r2 == i || r2 == r1 {
			r2 = rng.IntN(n + len(d.Archive))
		}
		pull, plus, minus := d.Population[best].X, d.Population[r1].X, codec.Vector(nil)
		if r2 < n {
			minus = d.Population[r2].X
		} else {
			minus = d.Archive[r2-n]
		}
		y := slices.Clone(x)
		always := rng.IntN(len(y))
		for j, c := range problem.Coords {
			if j == always || rng.Float64() < t.CR {
				y[j] = differ(rng, c, t.F, x[j], pull[j], plus[j], minus[j]) // v_i,j
			}
		}
		if try == 10 || !slices.Equal(x, y) {
			return y
		}
	}
}

// differ returns x + F (best − x) + F (plus − minus). What would leave the box ends halfway between x and the bound. Whole numbers are rounded
// up or down at random, to the nearer one more often, so that small differences are not lost. Of categories, the best one is taken with
// probability F, and then, where plus and minus differ, another one with probability F.
func differ(rng *rand.Rand, c optimizer.Coordinate, f, x, best, plus, minus float64) float64 {
	if c.Kind == optimizer.Categorical {
		y := x
		if rng.Float64() < f {
			y = best
		}
		if plus != minus && rng.Float64() < f {
			y = c.Other(rng, y)
		}
		return y
	}
	y := x + f*(best-x) + f*(plus-minus)
	switch {
	case math.IsNaN(y) || math.IsInf(y, 0): // points as far apart as numbers reach
		y = x
	case y < c.Lower:
		y = (c.Lower + x) / 2
	case y > c.Upper:
		y = (c.Upper + x) / 2
	}
	if c.Kind == optimizer.Integer {
		y = math.Floor(y + rng.Float64())
	}
	return c.Clip(y)
}

// contest puts a trial in the place of member i unless it is worse. A member that a trial has beaten goes to the archive, where it takes
// a random place if there are room others. It reports the win, if it is one from which there is something to learn.
func (d *deme) contest(rng *rand.Rand, i int, trial kit.Individual, t tactic, room int) (w win, won bool) {
	old := d.Population[i]
	c := trial.Compare(old)
	if c > 0 {
		return win{}, false
	}
	d.Population[i] = trial
	if c == 0 || old.Failed {
		return win{}, false
	}
	if len(d.Archive) < room {
		d.Archive = append(d.Archive, old.X)
	} else if room > 0 {
		d.Archive[rng.IntN(len(d.Archive))] = old.X
	}
	return win{t, max(old.Loss/2-trial.Loss/2, math.SmallestNonzeroFloat64)}, true
}

// lehmer is the weighted Lehmer mean Σ w v² / Σ w v of the wins' values, which leans to the larger ones; 0 if all are 0.
func lehmer(wins []win, value, weight func(win) float64) float64 {
	var above, below float64
	for _, w := range wins {
		v := value(w)
		above += weight(w) * v * v
		below += weight(w) * v
	}
	if below == 0 {
		return 0
	}
	return above / below
}

func (w win) f() float64  { return w.F }
func (w win) cr() float64 { return w.CR }

// learnJADE moves the only tactic of JADE's memory towards the means of those that won.
func (d *deme) learnJADE(wins []win, rate float64) {
	if len(wins) == 0 {
		return
	}
	mean, m := 0.0, &d.Memory[0]
	for _, w := range wins {
		mean += w.CR / float64(len(wins))
	}
	m.CR += rate * (mean - m.CR)                                              // μ_CR
	m.F += rate * (lehmer(wins, win.f, func(win) float64 { return 1 }) - m.F) // μ_F
}

// differential is what the generational ones have in common. A run lasts until the population has converged, makes no progress any
// more, or has none left (see size); then another one begins with a fresh population, so that the search never ends by itself.
type differential struct {
	algorithm optimizer.Algorithm
	problem   optimizer.Problem
	greed     float64 // p: the part of the population that counts as the best
	archive   float64 // room in the archive, as a multiple of the population
	cells     int     // of the memory
	learn     func(s *differentialState, wins []win)
	size      func(s *differentialState) int // of the population to go on with, at least minDeme; 0 ends the run
	s         differentialState
}

type differentialState struct {
	Gen      kit.Generation
	Src      *kit.Source
	Warm     kit.Warm
	Deme     deme     // its population is empty until the first generation of a run is complete
	Tactics  []tactic // of the outstanding trials; empty in the first generation of a run
	Cell     int      // of the memory, that is learnt next
	Run      int      // runs ended
	Restarts optimizer.Restarts
	Used     int // individuals that this run has learnt from
	Futile   int // last generations without a win
}

func newDifferential(algorithm optimizer.Algorithm, problem optimizer.Problem, cells int, seed uint64) differential {
	return differential{algorithm: algorithm, problem: problem, cells: cells,
		s: differentialState{Src: kit.NewSource(seed), Deme: deme{Memory: newMemory(cells)}}}
}

// WarmStart implements WarmStarter.
func (o *differential) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Warm, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *differential) Ask(max int) ([]optimizer.Candidate, error) {
	if s := &o.s; s.Gen.Idle() {
		rng := rand.New(s.Src)
		if s.Deme.Population == nil {
			s.Gen.Begin(s.Warm.Population(o.problem, rng, o.size(s)))
			s.Warm = nil
		} else {
			elite := s.Deme.elite(o.greed)
			xs := make([][]float64, len(s.Deme.Population))
			s.Tactics = make([]tactic, len(xs))
			for i := range xs {
				s.Tactics[i] = s.Deme.draw(rng)
				xs[i] = s.Deme.trial(rng, o.problem, elite, i, s.Tactics[i])
			}
			s.Gen.Begin(xs)
		}
	}
	return o.s.Gen.Ask(max), nil
}

// redraw makes individual i once more.
func (o *differential) redraw(i int) []float64 {
	s, rng := &o.s, rand.New(o.s.Src)
	if s.Deme.Population == nil {
		return o.problem.Draw(rng)
	}
	s.Tactics[i] = s.Deme.draw(rng)
	return s.Deme.trial(rng, o.problem, s.Deme.elite(o.greed), i, s.Tactics[i])
}

// Tell implements Optimizer.
func (o *differential) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, o.redraw)
	if !complete {
		return err
	}
	s, rng := &o.s, rand.New(o.s.Src)
	first := s.Deme.Population == nil
	room := int(math.Round(o.archive * float64(len(s.Gen.Members))))
	var wins []win
	for i, m := range s.Gen.Members {
		g := kit.NewIndividual(m.X, m.Loss, m.Failed)
		if first {
			s.Deme.Population = append(s.Deme.Population, g)
		} else if w, won := s.Deme.contest(rng, i, g, s.Tactics[i], room); won {
			wins = append(wins, w)
		}
	}
	s.Used += len(s.Gen.Members)
	s.Futile++
	if first || len(wins) > 0 {
		s.Futile = 0
		o.learn(s, wins)
	}
	s.Tactics = nil
	s.Gen.End()
	if size := o.size(s); size == 0 || s.Futile == kit.Patience || kit.Collapsed(o.problem, s.Deme.Population) {
		reason := kit.EndOfRun(s.Futile == kit.Patience)
		if size == 0 {
			reason = "limit: the run has had its evaluations"
		}
		s.Deme, s.Cell, s.Run, s.Used, s.Futile = deme{Memory: newMemory(o.cells)}, 0, s.Run+1, 0, 0
		s.Restarts.Add(optimizer.Restart{Told: s.Gen.Told, Reason: reason, PopSize: o.size(s)})
	} else {
		s.Deme.shrink(rng, size, int(math.Round(o.archive*float64(size))))
	}
	return nil
}

// shrink removes the worst members above size, and random points of the archive above room.
func (d *deme) shrink(rng *rand.Rand, size, room int) {
	if size < len(d.Population) {
		slices.SortStableFunc(d.Population, kit.Individual.Compare)
		d.Population = d.Population[:size]
	}
	for len(d.Archive) > room {
		at := rng.IntN(len(d.Archive))
		d.Archive[at] = d.Archive[len(d.Archive)-1]
		d.Archive = d.Archive[:len(d.Archive)-1]
	}
}

// Status implements Optimizer.
func (o *differential) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Restarts = o.s.Restarts
	st.Figures = []optimizer.Figure{{Name: "population", Value: float64(len(o.s.Deme.Population))}, {Name: "run", Value: float64(o.s.Run + 1)}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *differential) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(o.algorithm, 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *differential) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(o.algorithm, 1, o.problem, b, &o.s)
}
