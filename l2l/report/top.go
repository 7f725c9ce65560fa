package report

import (
	"cmp"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Top are the n best individuals of those that succeeded, the best first and of equals the first, by their fitness as it was told: of a noisy run the
// luckiest ones (see [Run.Answer]), and where evaluations rotate those of the last instances alone. There may be fewer. Of several objectives
// that are not added up they are the best by the weighted sum.
func (r *Run) Top(n int) ([]Individual, error) {
	var top []Individual
	rules := &r.Begun.Rules
	loss := func(i Individual) float64 { return l2l.Loss(i.Fitness, rules.Objectives) }
	for i, err := range r.Individuals() {
		if err != nil {
			return nil, err
		}
		if !succeeded(i, rules) {
			continue
		}
		if len(top) > 0 {
			switch later := rules.Batch(i.Individual) - rules.Batch(top[0].Individual); {
			case later > 0:
				top = nil
			case later < 0:
				continue
			}
		}
		at, _ := slices.BinarySearchFunc(top, i, func(a, b Individual) int { return cmp.Or(cmp.Compare(loss(a), loss(b)), cmp.Compare(a.ID, b.ID)) })
		if at < n {
			top = slices.Insert(top, at, i)[:min(len(top)+1, n)]
		}
	}
	return top, nil
}
