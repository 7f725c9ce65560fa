package optimizer

import "math/rand/v2"

// CrossEntropyParams configures CrossEntropy.
type CrossEntropyParams struct {
	PopSize int     `yaml:"pop_size" doc:"individuals per generation" range:"[4, 1e6]"`
	Rho     float64 `yaml:"rho" doc:"share of a generation that is its elite; the elite has at least 2 individuals" range:"(0, 1]"`
	DistributionParams
}

// DefaultCrossEntropy returns the defaults of CrossEntropyParams.
func DefaultCrossEntropy() CrossEntropyParams {
	return CrossEntropyParams{PopSize: 100, Rho: 0.2, DistributionParams: defaultDistribution()}
}

// elite is the number of individuals in the elite. Of a single one there is no variance.
func (p *CrossEntropyParams) elite() int { return max(2, int(p.Rho*float64(p.PopSize))) }

func crossEntropyAlgorithm() Algorithm {
	return Describe(Algorithm{
		Name:  "crossentropy",
		Title: "Cross-entropy method",
		Reference: "de Boer, Kroese, Mannor and Rubinstein 2005, A Tutorial on the Cross-Entropy Method, doi 10.1007/s10479-005-5724-z; " +
			"continuous coordinates: Kroese, Porotsky and Rubinstein 2006, doi 10.1007/s11009-006-9753-0; " +
			"added noise: Szita and Lőrincz 2006, doi 10.1162/neco.2006.18.12.2936",
		When: "for rugged and noisy losses with large populations, and with distribution: mixture where there may be several good regions; " +
			"for a smooth loss cmaes needs fewer evaluations",
		Cost:        "O(λ n²), with a diagonal covariance O(λn), for a mixture times components and iterations; memory O(components n² + λn)",
		Parallelism: "pop_size at a time",
	}, DefaultCrossEntropy, NewCrossEntropy)
}

// CrossEntropy samples each generation from a distribution that it has fitted to the elite of the one before: the distribution of largest
// likelihood, which is that of smallest cross-entropy. It works in the coordinates of a frame, so bounds hold; whole numbers are rounded,
// and a choice is the largest of one number for each, of which the elite's are 1 for the choice it has and 0 for the others.
type CrossEntropy struct {
	problem      Problem
	par          CrossEntropyParams
	distribution *distribution // over s.Distribution
	s            crossEntropyState
}

type crossEntropyState struct {
	Gen          generation
	Src          *source
	Distribution distributionState
	Stop         string
}

// NewCrossEntropy makes a cross-entropy method for a problem with one objective.
func NewCrossEntropy(problem Problem, par CrossEntropyParams, seed uint64) (*CrossEntropy, error) {
	par, err := resolved(crossEntropyAlgorithm(), par, problem, (*CrossEntropyParams).resolve)
	if err != nil {
		return nil, err
	}
	o := &CrossEntropy{problem: problem, par: par, s: crossEntropyState{Src: newSource(seed)}}
	o.distribution = newDistribution(problem, par.DistributionParams, &o.s.Distribution)
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *CrossEntropy) Params() CrossEntropyParams { return o.par }

// WarmStart implements WarmStarter: known points make up the first generation, with random ones.
func (o *CrossEntropy) WarmStart(known []Solution) (err error) {
	o.s.Distribution.Known, err = checkedWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *CrossEntropy) Ask(max int) ([]Candidate, error) {
	if o.s.Gen.idle() && o.s.Stop == "" {
		o.s.Gen.begin(o.distribution.sample(o.par.PopSize, rand.New(o.s.Src)))
	}
	return o.s.Gen.ask(max), nil
}

// Tell implements Optimizer.
func (o *CrossEntropy) Tell(results []Evaluated) error {
	rng := rand.New(o.s.Src)
	complete, err := o.s.Gen.tell(results, o.problem, func(int) []float64 { return o.distribution.draw(rng) })
	if !complete {
		return err
	}
	o.distribution.learn(o.s.Gen.ranked(), o.par.elite(), rng)
	o.s.Stop = o.distribution.converged()
	o.s.Gen.end()
	return nil
}

// Status implements Optimizer.
func (o *CrossEntropy) Status() Status {
	st := o.s.Gen.status()
	st.Stop = o.s.Stop
	st.Figures = o.distribution.figures()
	return st
}

// MarshalBinary implements Optimizer.
func (o *CrossEntropy) MarshalBinary() ([]byte, error) {
	return encodeState(crossEntropyAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *CrossEntropy) UnmarshalBinary(b []byte) error {
	var s crossEntropyState
	err := decodeState(crossEntropyAlgorithm(), 1, o.problem, b, &s)
	if err == nil {
		err = o.distribution.check(s.Distribution)
	}
	if err == nil {
		o.s = s
		o.distribution.changed()
	}
	return err
}
