package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Front are, of a run with several objectives that are not added up, the individuals so far of which none is better in one objective without
// being worse in another, in the order of their numbers; of individuals with the same fitness the first. An optimizer keeps some hundreds of
// them; here are all.
func (r *Run) Front() ([]Individual, error) {
	if r.Begun.Rules.Sum {
		return nil, fmt.Errorf("report: the run in %s has no front: its optimizer searches for the best of one objective", r.Dir)
	}
	var front []Individual
	for i, err := range r.Individuals() {
		if err != nil {
			return nil, err
		}
		if !i.Failed() {
			front = withMember(front, i)
		}
	}
	slices.SortFunc(front, func(a, b Individual) int { return cmp.Compare(a.ID, b.ID) })
	return front, nil
}

// withMember is a front after one more individual.
func withMember(front []Individual, i Individual) []Individual {
	for _, f := range front {
		if optimizer.Dominates(f.Loss, i.Loss) || f.ID < i.ID && slices.Equal(f.Loss, i.Loss) {
			return front
		}
	}
	front = slices.DeleteFunc(front, func(f Individual) bool { return optimizer.Dominates(i.Loss, f.Loss) || slices.Equal(i.Loss, f.Loss) })
	return append(front, i)
}
