// Package cem is the cross-entropy method: each generation is drawn from a distribution that was fitted to the best of the one before, a normal
// distribution or a mixture of several. It is for rugged and noisy losses with large populations.
//
// [New] makes the one with a population of fixed size. [NewFACE] makes the one whose samples grow until they improve, for when the size is hard
// to choose. On smooth losses package cmaes needs fewer evaluations.
package cem

import (
	"cmp"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Params configures [Search].
type Params struct {
	PopSize int     `yaml:"pop_size" doc:"individuals per generation" range:"[4, 1e6]" auto:"100, or execution.parallel where that is more than 4 times as many"`
	Rho     float64 `yaml:"rho" doc:"share of a generation that is its elite; the elite has at least 2 individuals" range:"(0, 1]" auto:"0.2, or 0.05 where pop_size follows execution.parallel"`
	DistributionParams
}

// Defaults returns the defaults of [Params].
func Defaults() Params {
	return Params{DistributionParams: defaultDistribution()}
}

// resolve fills in what is left to be chosen. A large sample can do with a smaller share in its elite (the tutorial, remark 3.2, has 0.01), by which
// the distribution narrows faster; with 0.05 it still finds the best of many local minima (bench/results/speedup.txt).
func (p *Params) resolve(problem optimizer.Problem) error {
	if p.PopSize == 0 {
		if p.PopSize = kit.Usual(usualSize, problem, maxSize); p.PopSize > usualSize {
			p.Rho = cmp.Or(p.Rho, 0.05)
		}
	}
	p.Rho = cmp.Or(p.Rho, 0.2)
	return p.DistributionParams.resolve(problem)
}

// The population where none is given, on few slots, and at most.
const (
	usualSize = 100
	maxSize   = 1_000_000 // as the range says
)

// elite is the number of individuals in the elite. Of a single one there is no variance.
func (p *Params) elite() int { return max(2, int(p.Rho*float64(p.PopSize))) }

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm(), faceAlgorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "crossentropy",
		Title: "Cross-entropy method",
		Reference: "de Boer, Kroese, Mannor and Rubinstein 2005, A Tutorial on the Cross-Entropy Method, doi 10.1007/s10479-005-5724-z; " +
			"continuous coordinates: Kroese, Porotsky and Rubinstein 2006, doi 10.1007/s11009-006-9753-0; " +
			"added noise: Szita and Lőrincz 2006, doi 10.1162/neco.2006.18.12.2936",
		When: "for rugged and noisy losses with large populations, and with distribution: mixture where there may be several good regions; " +
			"for a smooth loss cmaes needs fewer evaluations",
		Cost: "O(λ n²), with a diagonal covariance O(λn), for a mixture times components and iterations; memory O(components n² + λn)",
		Parallelism: "pop_size at a time; with execution.parallel more than 400, as many as that says, with a smaller share of them in the elite, so that the " +
			"distribution narrows in fewer generations",
	}, Defaults, New)
}

// Search samples each generation from a distribution that it has fitted to the elite of the one before: the distribution of largest
// likelihood, which is that of smallest cross-entropy. It works in the coordinates of a frame, so bounds hold; whole numbers are rounded,
// and a choice is the largest of one number for each, of which the elite's are 1 for the choice it has and 0 for the others.
type Search struct {
	problem      optimizer.Problem
	par          Params
	distribution *distribution // over s.Distribution
	s            state
}

type state struct {
	Gen          kit.Generation
	Src          *kit.Source
	Distribution distributionState
	Stop         string
}

// New makes a cross-entropy method for a problem with one objective.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	o := &Search{problem: problem, par: par, s: state{Src: kit.NewSource(seed)}}
	o.distribution = newDistribution(problem, par.DistributionParams, &o.s.Distribution)
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// WarmStart implements WarmStarter: known points make up the first generation, with random ones.
func (o *Search) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Distribution.Known, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() && o.s.Stop == "" {
		o.s.Gen.Begin(o.distribution.sample(o.par.PopSize, rand.New(o.s.Src)))
	}
	return o.s.Gen.Ask(max), nil
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	rng := rand.New(o.s.Src)
	complete, err := o.s.Gen.Tell(results, o.problem, func(int) []float64 { return o.distribution.draw(rng) })
	if !complete {
		return err
	}
	o.distribution.learn(o.s.Gen.Ranked(), o.par.elite(), rng)
	o.s.Stop = o.distribution.converged()
	o.s.Gen.End()
	return nil
}

// Recommend implements Recommender: it is the distribution's mean, or the means of its components, and the average of the means so far.
func (o *Search) Recommend() [][]float64 { return o.distribution.centres() }

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Stop = o.s.Stop
	st.Figures = o.distribution.figures()
	return st
}

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	var s state
	err := kit.DecodeState(algorithm(), 1, o.problem, b, &s)
	if err == nil {
		err = o.distribution.check(s.Distribution)
	}
	if err == nil {
		o.s = s
		o.distribution.changed()
	}
	return err
}
