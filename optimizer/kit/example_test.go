package kit_test

import (
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

// Params configures Climb.
type Params struct {
	PopSize int     `yaml:"pop_size" doc:"individuals per generation" range:"[1, 1e6]"`
	Step    float64 `yaml:"step" doc:"standard deviation of a step, as a fraction of each coordinate's width" range:"(0, 10]"`
	Rate    float64 `yaml:"rate" doc:"probability that a coordinate changes; one always does" range:"(0, 1]" auto:"1/n"`
}

func defaults() Params { return Params{PopSize: 8, Step: 0.1} }

func (p *Params) resolve(problem optimizer.Problem) error {
	if p.Rate == 0 {
		p.Rate = 1 / float64(problem.Dim())
	}
	return kit.SingleObjective(problem)
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name: "climb", Title: "Random hill climbing", When: "as an example", Cost: "O(λn)", Parallelism: "pop_size at a time",
	}, defaults, newClimb)
}

// Climb tries random steps from the best individual so far.
type Climb struct {
	problem optimizer.Problem
	par     Params
	s       climbState
}

type climbState struct {
	Gen  kit.Generation
	Src  *kit.Source
	Warm kit.Warm
}

func newClimb(problem optimizer.Problem, par Params, seed uint64) (*Climb, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	return &Climb{problem, par, climbState{Src: kit.NewSource(seed)}}, nil
}

func (o *Climb) Params() Params { return o.par }

func (o *Climb) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Warm, err = kit.NewWarm(known, o.problem)
	return err
}

func (o *Climb) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() {
		rng := rand.New(o.s.Src)
		xs := o.s.Warm.Population(o.problem, rng, o.par.PopSize)
		o.s.Warm = nil
		if best := o.s.Gen.Best; best != nil {
			for i := range xs {
				xs[i] = kit.GaussianMutation(rng, o.problem, o.par.Step, o.par.Rate, best.X)
			}
		}
		o.s.Gen.Begin(xs)
	}
	return o.s.Gen.Ask(max), nil
}

func (o *Climb) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, func(int) []float64 { return o.problem.Draw(rand.New(o.s.Src)) })
	if complete {
		o.s.Gen.End()
	}
	return err
}

func (o *Climb) Status() optimizer.Status { return o.s.Gen.Status() }

func (o *Climb) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 1, o.problem, o.s)
}

func (o *Climb) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(algorithm(), 1, o.problem, b, &o.s)
}

func TestKitMakesAnAlgorithmOfFewLines(t *testing.T) {
	optimizertest.Algorithms(t, []optimizer.Algorithm{algorithm()})
}
