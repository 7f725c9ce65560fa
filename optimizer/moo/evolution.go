package moo

import (
	"fmt"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// MatingParams configures how NSGA-II, NSGA-III and IBEA make children.
type MatingParams struct {
	CxProb  float64 `yaml:"cx_prob" doc:"probability that a pair of parents is crossed" range:"[0, 1]"`
	CxEta   float64 `yaml:"cx_eta" doc:"distribution index of the simulated binary crossover; the larger, the closer children are to their parents" range:"[0, 1000]"`
	IndProb float64 `yaml:"ind_prob" doc:"probability that a gene of a child mutates" range:"(0, 1]" auto:"1/n"`
	MutEta  float64 `yaml:"mut_eta" doc:"distribution index of the polynomial mutation; the larger, the shorter its steps" range:"[0, 1000]"`
}

// defaultMating are the settings in common use.
func defaultMating() MatingParams { return MatingParams{CxProb: 0.9, CxEta: 15, MutEta: 20} }

func (p *MatingParams) resolve(problem optimizer.Problem) error {
	if p.IndProb == 0 {
		p.IndProb = 1 / float64(problem.Dim())
	}
	if n := problem.NumObjectives(); n < 2 {
		return fmt.Errorf("%w: it has one objective, want several (for one choose cmaes, or genetic)", optimizer.ErrUnsuited)
	}
	return nil
}

// usualSize is the population where none is given. To choose who survives costs its square, of which a thousand take some tens of milliseconds.
func usualSize(problem optimizer.Problem) int { return kit.Usual(100, problem, 1000) }

// evolution is what the multi-objective evolutionary algorithms have in common: a population breeds as many children, and of both
// together the best survive. They differ in who survives, and who wins a tournament.
//
// A failed individual never becomes a parent; while there is no parent, individuals are drawn at random.
type evolution struct {
	algorithm optimizer.Algorithm
	problem   optimizer.Problem
	size      int // of the population
	mating    MatingParams
	survive   func(rng *rand.Rand, pool []parent, n int) []parent // chooses n of more, and sets their Rank and Merit
	s         evolutionState
}

type evolutionState struct {
	Gen     kit.Generation
	Src     *kit.Source
	Warm    kit.Warm
	Parents []parent // at most size; fewer as long as too many failed
}

// parent is a member of the population.
type parent struct {
	X     codec.Vector
	Loss  codec.Vector
	Rank  int     // a tournament is won by the smaller one,
	Merit float64 // and then by the larger one
}

func newEvolution(algorithm optimizer.Algorithm, problem optimizer.Problem, size int, mating MatingParams, seed uint64) evolution {
	return evolution{algorithm: algorithm, problem: problem, size: size, mating: mating, s: evolutionState{Src: kit.NewSource(seed)}}
}

// Ask implements Optimizer.
func (e *evolution) Ask(max int) ([]optimizer.Candidate, error) {
	if e.s.Gen.Idle() {
		rng := rand.New(e.s.Src)
		if len(e.s.Parents) == 0 {
			e.s.Gen.Begin(e.s.Warm.Population(e.problem, rng, e.size))
			e.s.Warm = nil
		} else {
			e.s.Gen.Begin(e.breed(rng))
		}
	}
	return e.s.Gen.Ask(max), nil
}

// Tell implements Optimizer.
func (e *evolution) Tell(results []optimizer.Evaluated) error {
	complete, err := e.s.Gen.Tell(results, e.problem, func(int) []float64 { return e.problem.Draw(rand.New(e.s.Src)) })
	if !complete {
		return err
	}
	pool := e.s.Parents
	for _, m := range e.s.Gen.Members {
		if !m.Failed {
			pool = append(pool, parent{X: m.X, Loss: m.Loss})
		}
	}
	if len(pool) > 0 {
		e.s.Parents = e.survive(rand.New(e.s.Src), pool, min(e.size, len(pool)))
	}
	e.s.Gen.End()
	return nil
}

// breed makes the children of a generation. A child that repeats a point of the population or of a sibling is mutated again, a few times.
func (e *evolution) breed(rng *rand.Rand) [][]float64 {
	seen := make(map[string]bool, 2*e.size)
	for _, p := range e.s.Parents {
		seen[string(p.X.Append(nil))] = true
	}
	children := make([][]float64, 0, e.size+1)
	for len(children) < e.size {
		a, b := e.tournament(rng).X, e.tournament(rng).X
		if rng.Float64() < e.mating.CxProb {
			a, b = kit.SimulatedBinaryCrossover(rng, e.problem, e.mating.CxEta, a, b)
		}
		for _, x := range [][]float64{a, b} {
			for try := 0; try == 0 || try < 10 && seen[string(codec.Vector(x).Append(nil))]; try++ {
				x = kit.PolynomialMutation(rng, e.problem, e.mating.MutEta, e.mating.IndProb, x)
			}
			seen[string(codec.Vector(x).Append(nil))] = true
			children = append(children, x)
		}
	}
	return children[:e.size]
}

// tournament draws two parents and returns the better one.
func (e *evolution) tournament(rng *rand.Rand) parent {
	a, b := e.s.Parents[rng.IntN(len(e.s.Parents))], e.s.Parents[rng.IntN(len(e.s.Parents))]
	if b.Rank < a.Rank || b.Rank == a.Rank && b.Merit > a.Merit {
		return b
	}
	return a
}

// WarmStart implements WarmStarter.
func (e *evolution) WarmStart(known []optimizer.Solution) (err error) {
	e.s.Warm, err = kit.NewWarm(known, e.problem)
	return err
}

// Population returns the present parents' points and losses: what survived the last generation that is complete.
func (e *evolution) Population() []optimizer.Solution {
	var out []optimizer.Solution
	for _, p := range e.s.Parents {
		out = append(out, optimizer.Solution{X: p.X, Loss: p.Loss})
	}
	return out
}

// Status implements Optimizer.
func (e *evolution) Status() optimizer.Status {
	st := e.s.Gen.Status()
	st.Figures = []optimizer.Figure{{Name: "front", Value: float64(len(st.Front))}}
	return st
}

// MarshalBinary implements Optimizer.
func (e *evolution) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(e.algorithm, 1, e.problem, e.s)
}

// UnmarshalBinary implements Optimizer.
func (e *evolution) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(e.algorithm, 1, e.problem, b, &e.s)
}

// lossesOf collects the losses of parents.
func lossesOf(pool []parent) [][]float64 {
	losses := make([][]float64, len(pool))
	for i, p := range pool {
		losses[i] = p.Loss
	}
	return losses
}
