package optimizer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// GeneticParams configures Genetic.
type GeneticParams struct {
	PopSize   int     `yaml:"pop_size" doc:"individuals in the population" range:"[2, 1e6]"`
	CxProb    float64 `yaml:"cx_prob" doc:"probability that a pair of parents is crossed" range:"[0, 1]"`
	MutProb   float64 `yaml:"mut_prob" doc:"probability that a child is mutated" range:"[0, 1]"`
	IndProb   float64 `yaml:"ind_prob" doc:"probability that a gene of a mutated child changes; one always does" range:"(0, 1]" auto:"max(0.05, 1/n)"`
	TournSize int     `yaml:"tourn_size" doc:"individuals drawn for each tournament, of which the best becomes a parent" range:"[1, inf)"`
	MatePar   float64 `yaml:"mate_par" doc:"alpha of the blend crossover: how far children may lie outside their parents' interval, as a fraction of it" range:"[0, inf)"`
	MutPar    float64 `yaml:"mut_par" doc:"standard deviation of the Gaussian mutation, as a fraction of the coordinate's width" range:"(0, inf)"`
	Elite     int     `yaml:"elite" doc:"best individuals that pass unchanged into the next generation" range:"[0, inf)"`
}

// DefaultGenetic returns the defaults of GeneticParams.
func DefaultGenetic() GeneticParams {
	return GeneticParams{PopSize: 50, CxProb: 0.7, MutProb: 0.5, TournSize: 4, MatePar: 0.5, MutPar: 0.1, Elite: 1}
}

func (p *GeneticParams) resolve(problem Problem) error {
	if p.IndProb == 0 {
		p.IndProb = max(0.05, 1/float64(problem.Dim()))
	}
	if p.Elite >= p.PopSize {
		return fmt.Errorf("elite = %d, want less than pop_size = %d", p.Elite, p.PopSize)
	}
	if p.CxProb == 0 && p.MutProb == 0 {
		return fmt.Errorf("cx_prob = 0 and mut_prob = 0, want one of them > 0: nothing would ever change")
	}
	return single(problem)
}

var geneticAlgorithm = Algorithm{
	Name:  "genetic",
	Title: "Genetic algorithm with tournaments, blend crossover and Gaussian mutation",
	Reference: "Holland 1975, Adaptation in Natural and Artificial Systems; blend crossover: Eshelman and Schaffer 1993, " +
		"doi 10.1016/B978-0-08-094832-4.50018-0",
	When: "for spaces that mix numbers, switches and choices, or to repeat published runs; on continuous parameters " +
		"cmaes needs far fewer evaluations",
	Cost:        "O(λ (n + tourn_size))",
	Parallelism: "up to pop_size at a time; children that are copies keep their loss and are not evaluated again",
	Params:      func() any { p := DefaultGenetic(); return &p },
	New:         build(NewGenetic, func(o *Genetic) GeneticParams { return o.par }),
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
	Population []genome
}

// genome is an individual of the population.
type genome struct {
	X      codec.Vector
	Loss   float64 // meaningful if Known and not Failed
	Known  bool    // it has been evaluated
	Failed bool
}

// better orders genomes: smaller losses first, failed ones last.
func (g genome) better(than genome) bool {
	if g.Failed != than.Failed {
		return than.Failed
	}
	return !g.Failed && g.Loss < than.Loss
}

// NewGenetic makes a genetic algorithm for a problem with one objective.
func NewGenetic(problem Problem, par GeneticParams, seed uint64) (*Genetic, error) {
	par, err := resolved("genetic", par, problem)
	if err != nil {
		return nil, err
	}
	return &Genetic{problem, par, geneticState{Src: newSource(seed)}}, nil
}

// Ask implements Optimizer.
func (o *Genetic) Ask(max int) ([]Candidate, error) {
	if o.s.Gen.idle() {
		rng := rand.New(o.s.Src)
		if o.s.Population == nil {
			o.s.Population = make([]genome, o.par.PopSize)
			for i := range o.s.Population {
				o.s.Population[i].X = o.problem.Draw(rng)
			}
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
			o.s.Population[i] = genome{X: m.X, Known: true, Failed: m.Failed}
			if !m.Failed {
				o.s.Population[i].Loss = m.Loss[0]
			}
		}
	}
	o.s.Gen.end()
	return nil
}

// breed replaces the population by its offspring. At least one child is new.
func (o *Genetic) breed(rng *rand.Rand) {
	parents := slices.Clone(o.s.Population)
	slices.SortStableFunc(parents, func(a, b genome) int {
		switch {
		case a.better(b):
			return -1
		case b.better(a):
			return 1
		}
		return 0
	})
	children := make([]genome, 0, o.par.PopSize)
	children = append(children, parents[:o.par.Elite]...)
	for len(children) < o.par.PopSize {
		winner := len(parents) // the parents are sorted, so the smallest index wins
		for range o.par.TournSize {
			winner = min(winner, rng.IntN(len(parents)))
		}
		children = append(children, parents[winner])
	}
	offspring := children[o.par.Elite:]
	for i := 0; i+1 < len(offspring); i += 2 {
		if rng.Float64() < o.par.CxProb {
			offspring[i], offspring[i+1] = o.cross(rng, offspring[i].X, offspring[i+1].X)
		}
	}
	for i := range offspring {
		if rng.Float64() < o.par.MutProb {
			offspring[i] = o.mutate(rng, offspring[i].X)
		}
	}
	// Copies of one point carry no information: of two equal ones the later is mutated with probability 0.8.
	seen := make(map[string]bool, len(children))
	fresh := false
	for i, c := range children {
		if key := string(c.X.Append(nil)); i >= o.par.Elite && seen[key] && rng.Float64() < 0.8 {
			children[i] = o.mutate(rng, c.X)
		} else {
			seen[key] = true
		}
		fresh = fresh || !children[i].Known
	}
	if !fresh {
		children[len(children)-1] = o.mutate(rng, children[len(children)-1].X)
	}
	o.s.Population = children
}

// cross is the blend crossover BLX-alpha: with q = (1 + 2 alpha) u − alpha, u ~ U(0, 1), drawn for each gene, the children are
// (1 − q) a + q b and q a + (1 − q) b. Categorical genes go to one child or the other.
func (o *Genetic) cross(rng *rand.Rand, a, b []float64) (genome, genome) {
	c, d := make([]float64, len(a)), make([]float64, len(a))
	for i, coord := range o.problem.Coords {
		q := (1+2*o.par.MatePar)*rng.Float64() - o.par.MatePar
		if coord.Kind == Categorical {
			q = math.Round(min(max(q, 0), 1))
		}
		c[i] = coord.clip((1-q)*a[i] + q*b[i])
		d[i] = coord.clip(q*a[i] + (1-q)*b[i])
	}
	return genome{X: c}, genome{X: d}
}

// mutate returns a changed copy of x.
func (o *Genetic) mutate(rng *rand.Rand, x []float64) genome {
	y := slices.Clone(x)
	always := rng.IntN(len(y))
	for i, coord := range o.problem.Coords {
		if rng.Float64() >= o.par.IndProb && i != always {
			continue
		}
		switch coord.Kind {
		case Continuous:
			y[i] = coord.clip(y[i] + o.par.MutPar*coord.Width()*rng.NormFloat64())
		case Integer: // by one at least
			step := o.par.MutPar * coord.Width() * rng.NormFloat64()
			y[i] = coord.clip(y[i] + math.Copysign(max(1, math.Abs(step)), step))
		case Categorical: // to any of the others
			y[i] = math.Mod(y[i]+1+float64(rng.IntN(int(coord.Upper))), coord.Upper+1)
		}
	}
	return genome{X: y}
}

// Status implements Optimizer.
func (o *Genetic) Status() Status { return o.s.Gen.status() }

// MarshalBinary implements Optimizer.
func (o *Genetic) MarshalBinary() ([]byte, error) { return encodeState("genetic", 1, o.problem, o.s) }

// UnmarshalBinary implements Optimizer.
func (o *Genetic) UnmarshalBinary(b []byte) error {
	s, err := decodeState[geneticState]("genetic", 1, o.problem, b)
	if err == nil {
		o.s = s
	}
	return err
}
