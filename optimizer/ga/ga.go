// Package ga is the genetic algorithm for one objective, with tournaments, blend crossover and Gaussian mutation: for spaces that mix numbers,
// switches and choices, and to repeat published runs. On continuous parameters package cmaes needs far fewer evaluations.
//
// [New] makes the one with generations. [NewAsync] makes the one in a steady state, for evaluations that differ so much in time that the slowest
// would keep all others waiting. Several objectives are for package moo.
package ga

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Params configures [Search].
type Params struct {
	PopSize int `yaml:"pop_size" doc:"individuals in the population" range:"[2, 1e6]" auto:"50, or execution.parallel where that is more than 4 times as many"`
	kit.VariationParams
	TournSize int `yaml:"tourn_size" doc:"individuals drawn for each tournament, of which the best becomes a parent" range:"[1, inf)"`
	Elite     int `yaml:"elite" doc:"best individuals that pass unchanged into the next generation" range:"[0, inf)"`
}

// Defaults returns the defaults of [Params].
func Defaults() Params {
	return Params{VariationParams: kit.DefaultVariation(), TournSize: 4, Elite: 1}
}

// The population where none is given, on few slots, and at most.
const (
	usualSize = 50
	maxSize   = 1_000_000 // as the range says
)

func (p *Params) resolve(problem optimizer.Problem) error {
	p.PopSize = cmp.Or(p.PopSize, kit.Usual(usualSize, problem, maxSize))
	if p.Elite >= p.PopSize {
		return fmt.Errorf("elite = %d, want less than pop_size = %d", p.Elite, p.PopSize)
	}
	return p.VariationParams.Resolve(problem)
}

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm(), asyncAlgorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "genetic",
		Title: "Genetic algorithm with tournaments, blend crossover and Gaussian mutation",
		Reference: "Holland 1975, Adaptation in Natural and Artificial Systems; blend crossover: Eshelman and Schaffer 1993, " +
			"doi 10.1016/B978-0-08-094832-4.50018-0",
		When: "for spaces that mix numbers, switches and choices, or to repeat published runs; on continuous parameters " +
			"cmaes needs far fewer evaluations",
		Cost: "O(λ (n + tourn_size))",
		Parallelism: "up to pop_size at a time, as children that are copies keep their loss and are not evaluated again; with execution.parallel more than 200, the " +
			"population has as many as that says",
	}, Defaults, New)
}

// Search breeds each generation from winners of tournaments in the last one. Numbers are crossed by blending and mutated by
// Gaussian noise, whole numbers after that rounded; categorical values are swapped and redrawn.
type Search struct {
	problem optimizer.Problem
	par     Params
	s       state
}

type state struct {
	Gen        kit.Generation // the individuals of Population without a loss, in its order
	Src        *kit.Source
	Warm       kit.Warm
	Population []kit.Individual
}

// New makes a genetic algorithm for a problem with one objective.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	return &Search{problem, par, state{Src: kit.NewSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// WarmStart implements WarmStarter.
func (o *Search) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Warm, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() {
		rng := rand.New(o.s.Src)
		if o.s.Population == nil {
			for _, x := range o.s.Warm.Population(o.problem, rng, o.par.PopSize) {
				o.s.Population = append(o.s.Population, kit.Individual{X: x})
			}
			o.s.Warm = nil
		} else {
			o.breed(rng)
		}
		var fresh [][]float64
		for _, g := range o.s.Population {
			if !g.Known {
				fresh = append(fresh, g.X)
			}
		}
		o.s.Gen.Begin(fresh)
	}
	return o.s.Gen.Ask(max), nil
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, func(int) []float64 { return o.problem.Draw(rand.New(o.s.Src)) })
	if !complete {
		return err
	}
	told := o.s.Gen.Members
	for i, g := range o.s.Population {
		if !g.Known {
			m := told[0]
			told = told[1:]
			o.s.Population[i] = kit.NewIndividual(m.X, m.Loss, m.Failed)
		}
	}
	o.s.Gen.End()
	return nil
}

// breed replaces the population by its offspring. At least one child is new.
func (o *Search) breed(rng *rand.Rand) {
	parents := slices.Clone(o.s.Population)
	slices.SortStableFunc(parents, kit.Individual.Compare)
	children := make([]kit.Individual, 0, o.par.PopSize)
	children = append(children, parents[:o.par.Elite]...)
	for len(children) < o.par.PopSize {
		children = append(children, parents[tournament(rng, o.par.TournSize, len(parents))])
	}
	offspring := children[o.par.Elite:]
	for i := 0; i+1 < len(offspring); i += 2 {
		if rng.Float64() < o.par.CxProb {
			c, d := kit.BlendCrossover(rng, o.problem, o.par.MatePar, offspring[i].X, offspring[i+1].X)
			offspring[i], offspring[i+1] = kit.Individual{X: c}, kit.Individual{X: d}
		}
	}
	for i := range offspring {
		if rng.Float64() < o.par.MutProb {
			offspring[i] = kit.Individual{X: o.par.Mutate(rng, o.problem, offspring[i].X)}
		}
	}
	// Copies of one point carry no information: of two equal ones the later is mutated with probability 0.8.
	seen := make(map[string]bool, len(children))
	fresh := false
	for i, c := range children {
		if key := string(c.X.Append(nil)); i >= o.par.Elite && seen[key] && rng.Float64() < 0.8 {
			children[i] = kit.Individual{X: o.par.Mutate(rng, o.problem, c.X)}
		} else {
			seen[key] = true
		}
		fresh = fresh || !children[i].Known
	}
	if !fresh {
		last := &children[len(children)-1]
		*last = kit.Individual{X: o.par.Mutate(rng, o.problem, last.X)}
	}
	o.s.Population = children
}

// tournament draws size of n parents, which are sorted from the best to the worst, and returns the index of the best one drawn.
func tournament(rng *rand.Rand, size, n int) int {
	winner := n
	for range size {
		winner = min(winner, rng.IntN(n))
	}
	return winner
}

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status { return o.s.Gen.Status() }

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(algorithm(), 1, o.problem, b, &o.s)
}
