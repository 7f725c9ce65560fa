package optimizer

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// GeneticParams configures Genetic.
type GeneticParams struct {
	PopSize int `yaml:"pop_size" doc:"individuals in the population" range:"[2, 1e6]"`
	VariationParams
	TournSize int `yaml:"tourn_size" doc:"individuals drawn for each tournament, of which the best becomes a parent" range:"[1, inf)"`
	Elite     int `yaml:"elite" doc:"best individuals that pass unchanged into the next generation" range:"[0, inf)"`
}

// DefaultGenetic returns the defaults of GeneticParams.
func DefaultGenetic() GeneticParams {
	return GeneticParams{PopSize: 50, VariationParams: defaultVariation(), TournSize: 4, Elite: 1}
}

func (p *GeneticParams) resolve(problem Problem) error {
	if p.Elite >= p.PopSize {
		return fmt.Errorf("elite = %d, want less than pop_size = %d", p.Elite, p.PopSize)
	}
	return p.VariationParams.resolve(problem)
}

func geneticAlgorithm() Algorithm {
	return Describe(Algorithm{
		Name:  "genetic",
		Title: "Genetic algorithm with tournaments, blend crossover and Gaussian mutation",
		Reference: "Holland 1975, Adaptation in Natural and Artificial Systems; blend crossover: Eshelman and Schaffer 1993, " +
			"doi 10.1016/B978-0-08-094832-4.50018-0",
		When: "for spaces that mix numbers, switches and choices, or to repeat published runs; on continuous parameters " +
			"cmaes needs far fewer evaluations",
		Cost:        "O(λ (n + tourn_size))",
		Parallelism: "up to pop_size at a time; children that are copies keep their loss and are not evaluated again",
	}, DefaultGenetic, NewGenetic)
}

// Genetic breeds each generation from winners of tournaments in the last one. Numbers are crossed by blending and mutated by
// Gaussian noise, whole numbers after that rounded; categorical values are swapped and redrawn.
type Genetic struct {
	problem Problem
	par     GeneticParams
	s       geneticState
}

type geneticState struct {
	Gen        generation // the individuals of Population without a loss, in its order
	Src        *source
	Warm       warm
	Population []genome
}

// NewGenetic makes a genetic algorithm for a problem with one objective.
func NewGenetic(problem Problem, par GeneticParams, seed uint64) (*Genetic, error) {
	par, err := resolved(geneticAlgorithm(), par, problem, (*GeneticParams).resolve)
	if err != nil {
		return nil, err
	}
	return &Genetic{problem, par, geneticState{Src: newSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Genetic) Params() GeneticParams { return o.par }

// WarmStart implements WarmStarter.
func (o *Genetic) WarmStart(known []Solution) (err error) {
	o.s.Warm, err = checkedWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *Genetic) Ask(max int) ([]Candidate, error) {
	if o.s.Gen.idle() {
		rng := rand.New(o.s.Src)
		if o.s.Population == nil {
			for _, x := range o.s.Warm.population(o.problem, rng, o.par.PopSize) {
				o.s.Population = append(o.s.Population, genome{X: x})
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
		o.s.Gen.begin(fresh)
	}
	return o.s.Gen.ask(max), nil
}

// Tell implements Optimizer.
func (o *Genetic) Tell(results []Evaluated) error {
	complete, err := o.s.Gen.tell(results, o.problem, func(int) []float64 { return o.problem.Draw(rand.New(o.s.Src)) })
	if !complete {
		return err
	}
	told := o.s.Gen.Members
	for i, g := range o.s.Population {
		if !g.Known {
			m := told[0]
			told = told[1:]
			o.s.Population[i] = genomeOf(m.X, m.Loss, m.Failed)
		}
	}
	o.s.Gen.end()
	return nil
}

// breed replaces the population by its offspring. At least one child is new.
func (o *Genetic) breed(rng *rand.Rand) {
	parents := slices.Clone(o.s.Population)
	slices.SortStableFunc(parents, genome.Compare)
	children := make([]genome, 0, o.par.PopSize)
	children = append(children, parents[:o.par.Elite]...)
	for len(children) < o.par.PopSize {
		children = append(children, parents[tournament(rng, o.par.TournSize, len(parents))])
	}
	offspring := children[o.par.Elite:]
	for i := 0; i+1 < len(offspring); i += 2 {
		if rng.Float64() < o.par.CxProb {
			c, d := blend(rng, o.problem, o.par.MatePar, offspring[i].X, offspring[i+1].X)
			offspring[i], offspring[i+1] = genome{X: c}, genome{X: d}
		}
	}
	for i := range offspring {
		if rng.Float64() < o.par.MutProb {
			offspring[i] = genome{X: o.par.mutate(rng, o.problem, offspring[i].X)}
		}
	}
	// Copies of one point carry no information: of two equal ones the later is mutated with probability 0.8.
	seen := make(map[string]bool, len(children))
	fresh := false
	for i, c := range children {
		if key := string(c.X.Append(nil)); i >= o.par.Elite && seen[key] && rng.Float64() < 0.8 {
			children[i] = genome{X: o.par.mutate(rng, o.problem, c.X)}
		} else {
			seen[key] = true
		}
		fresh = fresh || !children[i].Known
	}
	if !fresh {
		last := &children[len(children)-1]
		*last = genome{X: o.par.mutate(rng, o.problem, last.X)}
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
func (o *Genetic) Status() Status { return o.s.Gen.status() }

// MarshalBinary implements Optimizer.
func (o *Genetic) MarshalBinary() ([]byte, error) {
	return encodeState(geneticAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Genetic) UnmarshalBinary(b []byte) error {
	return decodeState(geneticAlgorithm(), 1, o.problem, b, &o.s)
}
