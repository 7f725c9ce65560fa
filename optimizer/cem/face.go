package cem

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// FACEParams configures FACE.
type FACEParams struct {
	MinPopSize int `yaml:"min_pop_size" doc:"individuals that each sample begins with" range:"[2, 1e6]" auto:"60, or execution.parallel where that is more than 4 times as many"`
	MaxPopSize int `yaml:"max_pop_size" doc:"individuals that a sample grows to; if it has not improved by then, the search ends, or, while a noisy distribution is wide by its noise, goes on with half of that" range:"[2, 1e6]" auto:"5 min_pop_size"`
	NExpand    int `yaml:"n_expand" doc:"individuals by which a sample that has not improved grows at a time" range:"[1, 1e6]" auto:"min_pop_size / 2, or all of it where that follows execution.parallel"`
	NElite     int `yaml:"n_elite" doc:"individuals in the elite" range:"[2, 1e6]" auto:"max(2, min_pop_size / 4), or 15 where that follows execution.parallel"`
	DistributionParams
}

// FACEDefaults returns the defaults of [FACEParams].
func FACEDefaults() FACEParams {
	return FACEParams{DistributionParams: defaultDistribution()}
}

func (p *FACEParams) resolve(problem optimizer.Problem) error {
	const usual = 60
	if p.MinPopSize == 0 {
		if p.MinPopSize = kit.Usual(usual, problem, maxSize/5); p.MinPopSize > usual {
			// The elite is what it would be, and so a smaller part: see Params.
			p.NElite, p.NExpand = cmp.Or(p.NElite, usual/4), cmp.Or(p.NExpand, p.MinPopSize)
		}
	}
	if p.MaxPopSize == 0 {
		p.MaxPopSize = 5 * p.MinPopSize
	}
	if p.NExpand == 0 {
		p.NExpand = max(1, p.MinPopSize/2)
	}
	if p.NElite == 0 {
		p.NElite = max(2, p.MinPopSize/4)
	}
	switch {
	case p.MaxPopSize < p.MinPopSize:
		return fmt.Errorf("max_pop_size = %d, want at least min_pop_size = %d", p.MaxPopSize, p.MinPopSize)
	case p.NElite > p.MinPopSize:
		return fmt.Errorf("n_elite = %d, want at most min_pop_size = %d", p.NElite, p.MinPopSize)
	}
	return p.DistributionParams.resolve(problem)
}

func faceAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "face",
		Title: "Fully adaptive cross-entropy method (FACE)",
		Reference: "de Boer, Kroese, Mannor and Rubinstein 2005, A Tutorial on the Cross-Entropy Method, doi 10.1007/s10479-005-5724-z, " +
			"where it adapts the sample size",
		When: "instead of crossentropy where the population is hard to choose: it spends individuals only where they are needed to improve, " +
			"and ends when they no longer help",
		Earlier: []string{""}, // version 1 ended where noise kept a sample from improving
		Cost:    "as crossentropy",
		Parallelism: "min_pop_size at a time, and n_expand at a time while a sample grows; with execution.parallel more than 240, as many as that says, with the " +
			"same elite",
	}, FACEDefaults, NewFACE)
}

// FACE is the cross-entropy method with an elite of fixed size out of a sample that grows, by individuals from the same distribution, until
// its best individual is better than the best so far, or the worst of its elite better than that of the sample before. Where it cannot be because
// the noise of a noisy distribution spreads it too far, the noise is halved: noise is against contracting too early, not against contracting. See [Search]
// for bounds, whole numbers and choices.
type FACE struct {
	problem      optimizer.Problem
	par          FACEParams
	distribution *distribution // over s.Distribution
	s            faceState
}

type faceState struct {
	Gen          kit.Generation // a sample's first individuals, or those by which it grows
	Src          *kit.Source
	Size         int          // individuals of the sample so far that did not fail
	Sample       []kit.Ranked // these, from the best to the worst; where temp_decay = 0, as many as the elite has
	Last         *level       // of the last sample that improved; nil before
	Distribution distributionState
	Stop         string
}

// level is how good a sample is.
type level struct {
	Best  float64 // smallest loss
	Elite float64 // largest loss in the elite, γ
}

// NewFACE makes a fully adaptive cross-entropy method for a problem with one objective.
func NewFACE(problem optimizer.Problem, par FACEParams, seed uint64) (*FACE, error) {
	par, err := kit.Resolved(faceAlgorithm(), par, problem, (*FACEParams).resolve)
	if err != nil {
		return nil, err
	}
	o := &FACE{problem: problem, par: par, s: faceState{Src: kit.NewSource(seed)}}
	o.distribution = newDistribution(problem, par.DistributionParams, &o.s.Distribution)
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *FACE) Params() FACEParams { return o.par }

// WarmStart implements WarmStarter: known points make up the first sample, with random ones.
func (o *FACE) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Distribution.Known, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *FACE) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() && o.s.Stop == "" {
		n := o.par.MinPopSize
		if o.s.Size > 0 {
			n = min(o.par.NExpand, o.par.MaxPopSize-o.s.Size)
		}
		o.s.Gen.Begin(o.distribution.sample(n, rand.New(o.s.Src)))
	}
	return o.s.Gen.Ask(max), nil
}

// Tell implements Optimizer.
func (o *FACE) Tell(results []optimizer.Evaluated) error {
	rng, s := rand.New(o.s.Src), &o.s
	complete, err := s.Gen.Tell(results, o.problem, func(int) []float64 { return o.distribution.draw(rng) })
	if !complete {
		return err
	}
	fresh := s.Gen.Ranked()
	s.Size += len(fresh)
	s.Sample = append(s.Sample, fresh...)
	slices.SortStableFunc(s.Sample, func(a, b kit.Ranked) int { return a.Standing().Compare(b.Standing()) })
	if o.par.TempDecay == 0 {
		s.Sample = s.Sample[:min(len(s.Sample), o.par.NElite)]
	}
	if s.Size >= o.par.NElite {
		now := level{s.Sample[0].Loss, s.Sample[o.par.NElite-1].Loss}
		switch {
		case s.Last == nil || now.Best < s.Last.Best || now.Elite < s.Last.Elite:
			o.distribution.learn(s.Sample, o.par.NElite, rng)
			s.Last, s.Sample, s.Size = &now, nil, 0
			s.Stop = o.distribution.converged()
		case s.Size >= o.par.MaxPopSize && o.distribution.quieten():
			s.Sample, s.Size = nil, 0
		case s.Size >= o.par.MaxPopSize:
			s.Stop = fmt.Sprintf("max_pop_size: %d individuals have not improved on the sample before", s.Size)
		}
	}
	s.Gen.End()
	return nil
}

// Recommend implements Recommender: it is the distribution's mean, or the means of its components, and the average of the means so far.
func (o *FACE) Recommend() [][]float64 { return o.distribution.centres() }

// Status implements Optimizer.
func (o *FACE) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Stop = o.s.Stop
	st.Figures = append(o.distribution.figures(), optimizer.Figure{Name: "sample", Value: float64(o.s.Size + len(o.s.Gen.Members))})
	return st
}

// MarshalBinary implements Optimizer.
func (o *FACE) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(faceAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *FACE) UnmarshalBinary(b []byte) error {
	var s faceState
	err := kit.DecodeState(faceAlgorithm(), 1, o.problem, b, &s)
	if err == nil {
		err = o.distribution.check(s.Distribution)
	}
	if err == nil {
		o.s = s
		o.distribution.changed()
	}
	return err
}
