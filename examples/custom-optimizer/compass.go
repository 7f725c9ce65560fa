package main

import (
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Params configures a Compass. Its tagged fields are the configuration of the optimizer.
type Params struct {
	Samples   int     `yaml:"samples" doc:"random individuals, from the best of which the search starts" range:"[1, 1e6]"`
	Step      float64 `yaml:"step" doc:"first step, as a fraction of each parameter's width" range:"(0, 1]"`
	Tolerance float64 `yaml:"tolerance" doc:"the search ends when the step is shorter than this fraction of it" range:"(0, 1)"`
}

func defaults() Params { return Params{Samples: 50, Step: 0.25, Tolerance: 1e-6} }

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:        "compass",
		Title:       "Compass search",
		Reference:   "Kolda, Lewis and Torczon 2003, Optimization by direct search, doi 10.1137/S003614450242889",
		When:        "as an example; for up to some ten numbers and a fitness that is smooth and without noise",
		Cost:        "O(n^2)",
		Parallelism: "2n at a time",
	}, defaults, newCompass)
}

// Compass looks from the best individual so far one step ahead in each direction of each coordinate. It goes to the best of what it sees, and
// where nothing is better it halves the step.
type Compass struct {
	problem optimizer.Problem
	par     Params
	s       state
}

// state is all that changes: what a checkpoint holds.
type state struct {
	Gen  kit.Generation
	Src  *kit.Source
	Warm kit.Warm // what is known before the search, until its first generation
	Step float64
	From int64  // the individual around which the present generation lies
	Stop string // why the search has ended
}

func newCompass(problem optimizer.Problem, par Params, seed uint64) (*Compass, error) {
	par, err := kit.Resolved(algorithm(), par, problem, func(_ *Params, p optimizer.Problem) error { return kit.SingleObjective(p) })
	if err != nil {
		return nil, err
	}
	return &Compass{problem, par, state{Src: kit.NewSource(seed), Step: par.Step}}, nil
}

// Params returns the parameters in use.
func (o *Compass) Params() Params { return o.par }

// WarmStart takes known solutions for the first individuals.
func (o *Compass) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Warm, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements optimizer.Optimizer.
func (o *Compass) Ask(max int) ([]optimizer.Candidate, error) {
	if s := &o.s; s.Gen.Idle() && s.Stop == "" {
		if best := s.Gen.Best; best != nil {
			s.From = best.ID
			s.Gen.Begin(o.around(best.X))
		} else { // at first, and as long as all individuals fail
			s.Gen.Begin(s.Warm.Population(o.problem, rand.New(s.Src), o.par.Samples))
			s.From, s.Warm = -1, nil
		}
		if s.Gen.Idle() {
			s.Stop = "no step leads anywhere"
		}
	}
	return o.s.Gen.Ask(max), nil
}

// around lists the points a step away from x: two for each coordinate, unless they lie beyond the bounds.
func (o *Compass) around(x []float64) (points [][]float64) {
	rng := rand.New(o.s.Src)
	for i, c := range o.problem.Coords {
		step := o.s.Step * c.Width()
		if c.Kind != optimizer.Continuous {
			step = max(step, 1)
		}
		to := []float64{c.Clip(x[i] + step), c.Clip(x[i] - step)}
		if c.Kind == optimizer.Categorical { // has no directions
			to = []float64{c.Other(rng, x[i])}
		}
		for _, v := range to {
			if v != x[i] {
				y := slices.Clone(x)
				y[i] = v
				points = append(points, y)
			}
		}
	}
	return points
}

// Tell implements optimizer.Optimizer.
func (o *Compass) Tell(results []optimizer.Evaluated) error {
	s := &o.s
	complete, err := s.Gen.Tell(results, o.problem, func(int) []float64 { return o.problem.Draw(rand.New(s.Src)) })
	if !complete {
		return err
	}
	if best := s.Gen.Best; best != nil && best.ID == s.From {
		if s.Step /= 2; s.Step < o.par.Tolerance*o.par.Step {
			s.Stop = "the step is shorter than the tolerance"
		}
	}
	s.Gen.End()
	return nil
}

// Status implements optimizer.Optimizer.
func (o *Compass) Status() optimizer.Status {
	status := o.s.Gen.Status()
	status.Stop, status.Figures = o.s.Stop, []optimizer.Figure{{Name: "step", Value: o.s.Step}}
	return status
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (o *Compass) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (o *Compass) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(algorithm(), 1, o.problem, b, &o.s)
}
