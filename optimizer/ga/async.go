package ga

import (
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// AsyncParams configures [Async].
type AsyncParams struct {
	PopSize int `yaml:"pop_size" doc:"individuals in the population" range:"[2, 1e6]"`
	kit.VariationParams
	TournSize int `yaml:"tourn_size" doc:"individuals drawn for each tournament, of which the best becomes a parent" range:"[1, inf)"`
}

// AsyncDefaults returns the defaults of [AsyncParams].
func AsyncDefaults() AsyncParams {
	return AsyncParams{PopSize: usualSize, VariationParams: kit.DefaultVariation(), TournSize: 4}
}

func (p *AsyncParams) resolve(problem optimizer.Problem) error {
	return p.VariationParams.Resolve(problem)
}

func asyncAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:      "genetic_async",
		Title:     "Genetic algorithm without generations (steady state)",
		Reference: "Syswerda 1991, A Study of Reproduction in Generational and Steady-State Genetic Algorithms, Foundations of Genetic Algorithms 1",
		When: "as genetic, where evaluations differ so much in time that the slowest would keep all others waiting; a run depends on who " +
			"finished first, so that it can be resumed and replayed, but not repeated",
		Cost: "O(n + tourn_size + pop_size) for each individual",
		Parallelism: "any number at a time; more than pop_size breed from parents that are out of date, which costs evaluations; a population as large as the " +
			"slots are many takes longer still, so that it does not follow execution.parallel",
	}, AsyncDefaults, NewAsync)
}

// Async breeds one child at a time from winners of tournaments, with the operators of [Search]. A child that is told enters the
// population, and the worst leaves it. Failed individuals never enter.
type Async struct {
	problem optimizer.Problem
	par     AsyncParams
	s       asyncState
}

type asyncState struct {
	Stream     kit.Stream[struct{}]
	Src        *kit.Source
	Start      []codec.Vector   // points still to be proposed before any is bred: those of a warm start that have no loss
	Population []kit.Individual // from the best to the worst; all known, none failed
}

// NewAsync makes an asynchronous genetic algorithm for a problem with one objective.
func NewAsync(problem optimizer.Problem, par AsyncParams, seed uint64) (*Async, error) {
	par, err := kit.Resolved(asyncAlgorithm(), par, problem, (*AsyncParams).resolve)
	if err != nil {
		return nil, err
	}
	return &Async{problem, par, asyncState{Src: kit.NewSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Async) Params() AsyncParams { return o.par }

// Asynchronous implements Asynchronous.
func (o *Async) Asynchronous() {}

// WarmStart implements WarmStarter. Known losses are believed: the best of those solutions are in the population from the start.
func (o *Async) WarmStart(known []optimizer.Solution) error {
	w, err := kit.NewWarm(known, o.problem)
	for _, k := range w {
		if len(k.Loss) == 0 {
			o.s.Start = append(o.s.Start, k.X)
		} else {
			o.enter(kit.NewIndividual(k.X, k.Loss, false))
		}
	}
	return err
}

// Ask implements Optimizer.
func (o *Async) Ask(most int) ([]optimizer.Candidate, error) {
	rng := rand.New(o.s.Src)
	out := make([]optimizer.Candidate, max(most, 1))
	for i := range out {
		out[i] = o.s.Stream.Propose(o.next(rng), struct{}{})
	}
	return out, nil
}

// next is the point to propose next: random ones until the population, with what is under way, is full.
func (o *Async) next(rng *rand.Rand) []float64 {
	switch n := len(o.s.Population); {
	case len(o.s.Start) > 0:
		x := o.s.Start[0]
		o.s.Start = o.s.Start[1:]
		return x
	case n == 0 || n+len(o.s.Stream.Open) < o.par.PopSize:
		return o.problem.Draw(rng)
	}
	return o.breed(rng)
}

// breed makes a child that the population does not hold, if a few mutations can.
func (o *Async) breed(rng *rand.Rand) []float64 {
	population := o.s.Population
	a := population[tournament(rng, o.par.TournSize, len(population))]
	b := population[tournament(rng, o.par.TournSize, len(population))]
	return o.par.Child(rng, o.problem, a.X, b.X, func(x []float64) bool {
		return slices.ContainsFunc(population, func(g kit.Individual) bool { return slices.Equal(g.X, x) })
	})
}

// Tell implements Optimizer.
func (o *Async) Tell(results []optimizer.Evaluated) error {
	answers, err := o.s.Stream.Tell(results, o.problem)
	for _, a := range answers {
		if !a.Failed {
			o.enter(kit.NewIndividual(a.X, a.Loss, false))
		}
	}
	return err
}

// enter takes an individual into the population, before its equals, which are older; the worst leaves if there are too many.
func (o *Async) enter(g kit.Individual) {
	at, _ := slices.BinarySearchFunc(o.s.Population, g, kit.Individual.Compare)
	o.s.Population = slices.Insert(o.s.Population, at, g)
	o.s.Population = o.s.Population[:min(len(o.s.Population), o.par.PopSize)]
}

// Status implements Optimizer.
func (o *Async) Status() optimizer.Status { return o.s.Stream.Status(o.par.PopSize) }

// MarshalBinary implements Optimizer.
func (o *Async) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(asyncAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Async) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(asyncAlgorithm(), 1, o.problem, b, &o.s)
}
