package optimizer

import (
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// GeneticAsyncParams configures GeneticAsync.
type GeneticAsyncParams struct {
	PopSize int `yaml:"pop_size" doc:"individuals in the population" range:"[2, 1e6]"`
	VariationParams
	TournSize int `yaml:"tourn_size" doc:"individuals drawn for each tournament, of which the best becomes a parent" range:"[1, inf)"`
}

// DefaultGeneticAsync returns the defaults of GeneticAsyncParams.
func DefaultGeneticAsync() GeneticAsyncParams {
	return GeneticAsyncParams{PopSize: 50, VariationParams: defaultVariation(), TournSize: 4}
}

func (p *GeneticAsyncParams) resolve(problem Problem) error {
	return p.VariationParams.resolve(problem)
}

func geneticAsyncAlgorithm() Algorithm {
	return Describe(Algorithm{
		Name:      "genetic_async",
		Title:     "Genetic algorithm without generations (steady state)",
		Reference: "Syswerda 1991, A Study of Reproduction in Generational and Steady-State Genetic Algorithms, Foundations of Genetic Algorithms 1",
		When: "as genetic, where evaluations differ so much in time that the slowest would keep all others waiting; a run depends on who " +
			"finished first, so that it can be resumed and replayed, but not repeated",
		Cost:        "O(n + tourn_size + pop_size) for each individual",
		Parallelism: "any number at a time; more than pop_size breed from parents that are out of date",
	}, DefaultGeneticAsync, NewGeneticAsync)
}

// GeneticAsync breeds one child at a time from winners of tournaments, with the operators of Genetic. A child that is told enters the
// population, and the worst leaves it. Failed individuals never enter.
type GeneticAsync struct {
	problem Problem
	par     GeneticAsyncParams
	s       geneticAsyncState
}

type geneticAsyncState struct {
	Stream     stream[struct{}]
	Src        *source
	Start      []codec.Vector // points still to be proposed before any is bred: those of a warm start that have no loss
	Population []genome       // from the best to the worst; all known, none failed
}

// NewGeneticAsync makes an asynchronous genetic algorithm for a problem with one objective.
func NewGeneticAsync(problem Problem, par GeneticAsyncParams, seed uint64) (*GeneticAsync, error) {
	par, err := resolved(geneticAsyncAlgorithm(), par, problem, (*GeneticAsyncParams).resolve)
	if err != nil {
		return nil, err
	}
	return &GeneticAsync{problem, par, geneticAsyncState{Src: newSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *GeneticAsync) Params() GeneticAsyncParams { return o.par }

// Asynchronous implements Asynchronous.
func (o *GeneticAsync) Asynchronous() {}

// WarmStart implements WarmStarter. Known losses are believed: the best of those solutions are in the population from the start.
func (o *GeneticAsync) WarmStart(known []Solution) error {
	w, err := checkedWarm(known, o.problem)
	for _, k := range w {
		if len(k.Loss) == 0 {
			o.s.Start = append(o.s.Start, k.X)
		} else {
			o.enter(genomeOf(k.X, k.Loss, false))
		}
	}
	return err
}

// Ask implements Optimizer.
func (o *GeneticAsync) Ask(most int) ([]Candidate, error) {
	rng := rand.New(o.s.Src)
	out := make([]Candidate, max(most, 1))
	for i := range out {
		out[i] = o.s.Stream.propose(o.next(rng), struct{}{})
	}
	return out, nil
}

// next is the point to propose next: random ones until the population, with what is under way, is full.
func (o *GeneticAsync) next(rng *rand.Rand) []float64 {
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
func (o *GeneticAsync) breed(rng *rand.Rand) []float64 {
	population := o.s.Population
	a := population[tournament(rng, o.par.TournSize, len(population))]
	b := population[tournament(rng, o.par.TournSize, len(population))]
	return o.par.child(rng, o.problem, a.X, b.X, func(x []float64) bool {
		return slices.ContainsFunc(population, func(g genome) bool { return slices.Equal(g.X, x) })
	})
}

// Tell implements Optimizer.
func (o *GeneticAsync) Tell(results []Evaluated) error {
	answers, err := o.s.Stream.tell(results, o.problem)
	for _, a := range answers {
		if !a.Failed {
			o.enter(genomeOf(a.X, a.Loss, false))
		}
	}
	return err
}

// enter takes a genome into the population, before its equals, which are older; the worst leaves if there are too many.
func (o *GeneticAsync) enter(g genome) {
	at, _ := slices.BinarySearchFunc(o.s.Population, g, genome.Compare)
	o.s.Population = slices.Insert(o.s.Population, at, g)
	o.s.Population = o.s.Population[:min(len(o.s.Population), o.par.PopSize)]
}

// Status implements Optimizer.
func (o *GeneticAsync) Status() Status {
	return Status{Generation: int(o.s.Stream.Told) / o.par.PopSize, Told: o.s.Stream.Told, Best: o.s.Stream.Best}
}

// MarshalBinary implements Optimizer.
func (o *GeneticAsync) MarshalBinary() ([]byte, error) {
	return encodeState(geneticAsyncAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *GeneticAsync) UnmarshalBinary(b []byte) error {
	return decodeState(geneticAsyncAlgorithm(), 1, o.problem, b, &o.s)
}
