package bayes

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

var _ optimizer.Recommender = (*Search)(nil)

// Recommend implements optimizer.Recommender: it is where the models of the runs are least, the point of the least loss first. The present run is
// among them once its model has been fitted.
func (o *Search) Recommend() (xs [][]float64) {
	ends := o.s.Ends
	if o.s.Fitted > 0 || len(ends) == 0 {
		ends = o.ends()
	}
	for _, e := range ends {
		xs = append(xs, slices.Clone(e.X))
	}
	return xs
}

// least is where the model's mean is least, as far as steps that lead down find it from the least points of those told; ok is false where nothing has
// been told. It goes only to where the model knows as much as at the point that it came from: further away the mean says little, and where length
// scales were learnt from few results it is least in a corner that nobody has looked into.
func (o *Search) least() (e end, ok bool) {
	points, values, in := o.data()
	model, ok := newGaussianProcess(o.category, o.s.Theta, points, values)
	if !ok || len(points) == 0 {
		return end{}, false
	}
	type place struct {
		x         []float64
		mean      float64
		deviation float64
	}
	at := func(x []float64) place {
		mean, deviation := model.predict(o.scaled(x))
		return place{x, mean, deviation}
	}
	var told []place
	for _, r := range o.s.Results {
		if !r.Failed {
			told = append(told, at(r.X))
		}
	}
	if len(told) == 0 {
		return end{}, false
	}
	slices.SortStableFunc(told, func(a, b place) int { return cmp.Compare(a.mean, b.mean) })
	const climbs = 3
	best := told[0]
	rng := rand.New(rand.NewPCG(uint64(o.s.Total), 0)) // not the search's own: to ask for a recommendation does not change the search
	for _, p := range told[:min(climbs, len(told))] {
		known := p.deviation
		for step, left := 0.05, 40+10*o.problem.Dim(); left > 0; left-- {
			if q := at(o.step(rng, p.x, step)); q.mean < p.mean && q.deviation <= known {
				p, step = q, min(2*step, 0.5)
			} else {
				step = max(step*0.84, 1e-6)
			}
		}
		if p.mean < best.mean {
			best = p
		}
	}
	return end{best.x, in.loss(best.mean)}, true
}
