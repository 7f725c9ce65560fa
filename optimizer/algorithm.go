package optimizer

import "fmt"

// Algorithm is an optimizer as a configuration names it: "optimizer: {type: <Name>, …}", with what a user needs to choose it. [Describe] makes
// one of a constructor.
type Algorithm struct {
	Name        string // as in the configuration
	Title       string // in full
	Reference   string // where it comes from
	When        string // when to choose it
	Cost        string // of the algorithm itself, per generation; n is the dimension, λ the population
	Parallelism string // how many evaluations it can have under way, and what it does with execution.parallel (Problem.Parallel)
	Quorum      bool   // it heeds Problem.Quorum: it goes on before a generation's last results are in, and learns from these later

	// Noise says what it does where evaluations are noisy: more than to recommend a point. "" where it does nothing of the kind; then it is not told of noise.
	Noise string

	// Earlier is the history of the search: the last release that has version 1 of it, the last that has version 2, and so on; "" where no
	// release has. Whoever changes what an algorithm proposes, given the same problem, parameters, seed and results, appends the release before.
	Earlier []string

	// Params returns a pointer to a new parameter struct holding the defaults; its fields carry the tags of package schema.
	Params func() any
	// New makes the optimizer. params is a pointer as Params returns it; fields left to be chosen automatically are filled in, so that the
	// caller can show them. It returns ErrUnsuited where the problem does not suit the algorithm.
	New func(problem Problem, params any, seed uint64) (Optimizer, error)
}

// Version is that of the search, from 1 on. A run goes on with the version that it began with, or not at all.
func (a Algorithm) Version() int { return len(a.Earlier) + 1 }

// Describe returns a with its Params and New: P is the struct of the parameters, defaults makes it, construct makes an optimizer with it, and
// the optimizer's method Params returns the parameters that it has settled on.
//
//	optimizer.Describe(optimizer.Algorithm{Name: "hill", Title: "Hill climbing", …}, Defaults, New)
func Describe[P any, O interface {
	Optimizer
	Params() P
}](a Algorithm, defaults func() P, construct func(problem Problem, params P, seed uint64) (O, error)) Algorithm {
	a.Params = func() any {
		p := defaults()
		return &p
	}
	a.New = func(problem Problem, params any, seed uint64) (Optimizer, error) {
		p, ok := params.(*P)
		if !ok {
			return nil, fmt.Errorf("optimizer: %s: parameters of type %T, want %T", a.Name, params, p)
		}
		o, err := construct(problem, *p, seed)
		if err != nil {
			return nil, err
		}
		*p = o.Params()
		return o, nil
	}
	return a
}
