package optimizer

import (
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
)

// resolved returns the parameters p of algorithm a with its automatic fields filled in, or what is wrong with them or with the problem: first
// the rules that the tags of p's fields state are checked, then resolve, if it is not nil, fills in what is chosen automatically and checks
// the rules that involve several fields or the problem.
func resolved[P any](a Algorithm, p P, problem Problem, resolve func(*P, Problem) error) (P, error) {
	if err := problem.Check(); err != nil {
		return p, err
	}
	if err := schema.Check("", p); err != nil {
		return p, fmt.Errorf("optimizer: %s: %w", a.Name, err)
	}
	if resolve == nil {
		return p, nil
	}
	if err := resolve(&p, problem); err != nil {
		return p, fmt.Errorf("optimizer: %s: %w", a.Name, err)
	}
	return p, nil
}

// single returns ErrUnsuited for a problem with several objectives.
func single(problem Problem) error {
	if n := problem.NumObjectives(); n != 1 {
		return fmt.Errorf("%w: it has %d objectives, want one (give the objectives weights, or choose a multi-objective algorithm)", ErrUnsuited, n)
	}
	return nil
}
