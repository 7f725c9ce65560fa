package watch

import (
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// points are where a run searches: its coordinates, and the individuals of the last generation.
type points struct {
	space       optimizee.Space
	coordinates []coordinate
	before, now cloud // of the last generation that is over, and of the one that is under way
}

// coordinate is one of them, with what people read of it.
type coordinate struct {
	label, unit  string
	low, high    float64 // that the search is shown between, in its own terms
	lower, upper string  // the same as people read it; "" for what has no order
}

// cloud is the mean and the spread of a generation's individuals.
type cloud struct {
	generation   int
	n            float64
	mean, square []float64 // of each coordinate; square is the sum of the squares of the differences from the mean
}

func (p *points) describe(space optimizee.Space) {
	p.space = space
	labels, all := space.Labels(), space.Coordinates()
	for _, q := range space {
		for range max(q.Size, 1) {
			i := len(p.coordinates)
			c := coordinate{label: clean(labels[i]), unit: clean(q.Unit), low: all[i].Lower, high: all[i].Upper}
			const sigmas = 4 // of an initial distribution whose bounds are infinite
			if math.IsInf(c.low, 0) {
				c.low = all[i].Mean - sigmas*all[i].Std
			}
			if math.IsInf(c.high, 0) {
				c.high = all[i].Mean + sigmas*all[i].Std
			}
			if q.Kind == optimizee.Float || q.Kind == optimizee.Int {
				value := func(v float64) string {
					if q.Log {
						v = math.Exp(v)
					}
					return number(v)
				}
				c.lower, c.upper = value(c.low), value(c.high)
			}
			p.coordinates = append(p.coordinates, c)
		}
	}
}

// take takes in an individual whose evaluations have all ended.
func (p *points) take(i report.Individual) {
	if len(i.X) != len(p.coordinates) {
		return // recorded by a digest
	}
	if i.Generation > p.now.generation || p.now.mean == nil {
		if p.now.n > 1 {
			p.before, p.now = p.now, p.before
		}
		if p.now.mean == nil {
			p.now.mean, p.now.square = make([]float64, len(i.X)), make([]float64, len(i.X))
		}
		p.now.generation, p.now.n = i.Generation, 0
		clear(p.now.mean)
		clear(p.now.square)
	}
	c := &p.now
	c.n++
	for k, x := range i.X {
		d := x - c.mean[k]
		c.mean[k] += d / c.n
		c.square[k] += d * (x - c.mean[k])
	}
}

// last is the cloud that there is something to say of.
func (p *points) last() *cloud {
	if p.before.n > 1 {
		return &p.before
	}
	return &p.now
}

// spread is the mean and the standard deviation of a coordinate.
func (c *cloud) spread(k int) (mean, deviation float64) {
	if c.n < 2 {
		return math.NaN(), math.NaN()
	}
	return c.mean[k], math.Sqrt(c.square[k] / c.n)
}
