package optimizer

import (
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// Algorithm is an optimizer as a configuration names it: "optimizer: {type: <Name>, …}", with what a user needs to choose it.
type Algorithm struct {
	Name        string // as in the configuration
	Title       string // in full
	Reference   string // where it comes from
	When        string // when to choose it
	Cost        string // of the algorithm itself, per generation; n is the dimension, λ the population
	Parallelism string // how many evaluations it can have under way

	// Params returns a pointer to a new parameter struct holding the defaults; its fields carry the tags of package schema.
	Params func() any
	// New makes the optimizer. params is a pointer as Params returns it; fields left to be chosen automatically are filled in, so that the
	// caller can show them. It returns ErrUnsuited where the problem does not suit the algorithm.
	New func(problem Problem, params any, seed uint64) (Optimizer, error)
}

// Catalogue lists the algorithms in the order in which they are best read about.
func Catalogue() []Algorithm {
	return []Algorithm{
		cmaesAlgorithm, asyncCMAESAlgorithm, evolutionStrategiesAlgorithm, snesAlgorithm, xnesAlgorithm,
		geneticAlgorithm, geneticAsyncAlgorithm,
		jadeAlgorithm, lshadeAlgorithm, deAsyncAlgorithm, psoAlgorithm, psoAsyncAlgorithm, portfolioAlgorithm,
		crossEntropyAlgorithm, faceAlgorithm,
		annealingAlgorithm, parallelTemperingAlgorithm,
		gradientAlgorithm,
		nsga2Algorithm, nsga3Algorithm, ibeaAlgorithm, mapElitesAlgorithm,
		bayesAlgorithm, enkfAlgorithm, abcSMCAlgorithm,
		gridAlgorithm, sobolAlgorithm, latinHypercubeAlgorithm, randomAlgorithm,
	}
}

// params is a parameter struct's pointer: it fills in what is chosen automatically, then checks rules that involve several fields
// or the problem.
type params[P any] interface {
	*P
	resolve(Problem) error
}

// resolved returns p with its automatic fields filled in, or what is wrong with it or with the problem.
func resolved[P any, PP params[P]](name string, p P, problem Problem) (P, error) {
	if err := problem.Check(); err != nil {
		return p, err
	}
	if err := schema.Check("", p); err != nil {
		return p, fmt.Errorf("optimizer: %s: %w", name, err)
	}
	if err := PP(&p).resolve(problem); err != nil {
		return p, fmt.Errorf("optimizer: %s: %w", name, err)
	}
	return p, nil
}

// build makes an Algorithm's New of a constructor and the way to read back the parameters that it settled on.
func build[P any, O Optimizer](construct func(Problem, P, uint64) (O, error), settled func(O) P) func(Problem, any, uint64) (Optimizer, error) {
	return func(problem Problem, params any, seed uint64) (Optimizer, error) {
		p := params.(*P)
		o, err := construct(problem, *p, seed)
		if err != nil {
			return nil, err
		}
		*p = settled(o)
		return o, nil
	}
}

// single returns ErrUnsuited for a problem with several objectives.
func single(problem Problem) error {
	if n := problem.NumObjectives(); n != 1 {
		return fmt.Errorf("%w: it has %d objectives, want one (give the objectives weights, or choose a multi-objective algorithm)", ErrUnsuited, n)
	}
	return nil
}
