package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Top are the n best individuals of those that succeeded, the best first and of equals the first, by their fitness as it was told: of a noisy run the
// luckiest ones (see [Run.Answer]), and where evaluations rotate those of the last instances alone. There may be fewer. Of several objectives
// that are not added up they are the best by the weighted sum. Injected ones are among them.
func (r *Run) Top(n int) ([]Individual, error) {
	t := top{n: n}
	for s, err := range r.Steps() {
		if err != nil {
			return nil, err
		}
		for _, i := range []*Individual{s.Told, s.Injected} {
			if i != nil {
				t.take(*i, &r.Begun.Rules)
			}
		}
	}
	return t.best, nil
}

// top are the n best individuals so far.
type top struct {
	n    int
	best []Individual
}

func (t *top) take(i Individual, rules *l2l.Rules) {
	if i.Failed() {
		return
	}
	loss := func(i Individual) float64 { return l2l.Loss(i.Fitness, rules.Objectives) }
	if l := loss(i); math.IsNaN(l) || math.IsInf(l, 0) { // to an optimizer it failed
		return
	}
	if len(t.best) > 0 {
		switch later := rules.Batch(i.Individual) - rules.Batch(t.best[0].Individual); {
		case later > 0:
			t.best = nil
		case later < 0:
			return
		}
	}
	at, _ := slices.BinarySearchFunc(t.best, i, func(a, b Individual) int { return cmp.Or(cmp.Compare(loss(a), loss(b)), cmp.Compare(a.ID, b.ID)) })
	if at < t.n {
		t.best = slices.Insert(t.best, at, i)
		t.best = t.best[:min(len(t.best), t.n)]
	}
}
