package kit

import (
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Resolved returns the parameters p of algorithm a with its automatic fields filled in, or what is wrong with them or with the problem: first
// the rules that the tags of p's fields state are checked, then resolve, if it is not nil, fills in what is chosen automatically and checks
// the rules that involve several fields or the problem.
func Resolved[P any](a optimizer.Algorithm, p P, problem optimizer.Problem, resolve func(*P, optimizer.Problem) error) (P, error) {
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

// SingleObjective returns ErrUnsuited for a problem with several objectives.
func SingleObjective(problem optimizer.Problem) error {
	if n := problem.NumObjectives(); n != 1 {
		return fmt.Errorf("%w: it has %d objectives, want one (give the objectives weights, or choose a multi-objective algorithm)",
			optimizer.ErrUnsuited, n)
	}
	return nil
}

// manyTimes the usual population is what can be under way where one of the usual size no longer has use for it.
const manyTimes = 4

// Usual is the population that is chosen where none is given: the usual one, so that a search is the same on all machines of few slots; where more
// than 4 times as many evaluations can be under way (Problem.Parallel), as many as these, but not more than most, at least usual.
func Usual(usual int, problem optimizer.Problem, most int) int {
	if problem.Parallel > manyTimes*usual {
		return min(problem.Parallel, most)
	}
	return usual
}
