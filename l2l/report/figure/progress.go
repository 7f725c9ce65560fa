package figure

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
)

// The most intervals that a course of a run is divided in, and the most values of an interval from which its quantiles are.
const (
	maxCells  = 256
	maxValues = 192
)

// course is the values of individuals along some coordinate that only grows: evaluations, generations, time. Its intervals are as narrow as
// their number allows: when there are too many, pairs of them become one.
type course struct {
	width float64 // of an interval
	unit  float64 // that a coordinate which is counted has: 1 where it is, and 0 for a time
	first float64 // where 0 is drawn: one evaluation has ended at the first of them, and the first generation is number 0
	scale float64 // that coordinates are divided by where they are drawn
	last  float64 // where the last individual was added
	cells []cell  // interval i is [i*width, (i+1)*width)
	rng   *rand.Rand
}

// cell is an interval of a course.
type cell struct {
	goals []drawn   // for each goal, the values
	best  []float64 // the best so far of each goal, at the end; NaN before there is one
}

// drawn are values of which some are kept, drawn with the same probability, and all are counted.
type drawn struct {
	n      int64
	values []float64
}

func newCourse(width, unit, first float64) *course {
	return &course{width: width, unit: unit, first: first, scale: 1, rng: rand.New(rand.NewPCG(1, 2))}
}

// add adds the values of an individual at x, nil if it failed, and the best of each goal so far.
func (c *course) add(x float64, values, best []float64) {
	c.last = x
	for x >= c.width*maxCells {
		c.halve()
	}
	at := int(x / c.width)
	for len(c.cells) <= at {
		next := cell{goals: make([]drawn, len(best)), best: slices.Clone(best)}
		if n := len(c.cells); n > 0 {
			copy(next.best, c.cells[n-1].best) // nothing has happened in between
		}
		c.cells = append(c.cells, next)
	}
	cell := &c.cells[at]
	copy(cell.best, best)
	for k, v := range values {
		cell.goals[k].add(v, c.rng)
	}
}

func (d *drawn) add(v float64, rng *rand.Rand) {
	d.n++
	if len(d.values) < maxValues {
		d.values = append(d.values, v)
	} else if at := rng.Int64N(d.n); at < maxValues {
		d.values[at] = v
	}
}

// halve makes one interval of each two.
func (c *course) halve() {
	half := make([]cell, 0, maxCells)
	for i := 0; i < len(c.cells); i += 2 {
		a := c.cells[i]
		if i+1 < len(c.cells) {
			b := c.cells[i+1]
			for k := range a.goals {
				a.goals[k].join(b.goals[k], c.rng)
			}
			a.best = b.best
		}
		half = append(half, a)
	}
	c.cells = half
	c.width *= 2
}

// join adds the values of another, each side in proportion to what it stands for.
func (d *drawn) join(o drawn, rng *rand.Rand) {
	switch {
	case o.n == 0:
		return
	case d.n == 0:
		*d = o
		return
	}
	total := d.n + o.n
	if total <= maxValues {
		d.values = append(d.values, o.values...)
	} else {
		a, b := shuffled(d.values, rng), shuffled(o.values, rng)
		joint := make([]float64, 0, maxValues)
		for len(joint) < maxValues {
			if ours := rng.Int64N(total) < d.n; len(b) == 0 || ours && len(a) > 0 {
				joint, a = append(joint, a[0]), a[1:]
			} else {
				joint, b = append(joint, b[0]), b[1:]
			}
		}
		d.values = joint
	}
	d.n = total
}

func shuffled(values []float64, rng *rand.Rand) []float64 {
	out := slices.Clone(values)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// all is the number of values of a goal.
func (c *course) all(goal int) (n int64) {
	for _, cell := range c.cells {
		n += cell.goals[goal].n
	}
	return n
}

// end is the last place of what was added before an interval.
func (c *course) end(interval int) float64 {
	return min(float64(interval)*c.width-c.unit, c.last) + c.first
}

// ends are the last places of the intervals, and the best so far there.
func (c *course) ends(goal int) (x, best Numbers) {
	for i, cell := range c.cells {
		x = append(x, c.end(i+1)/c.scale)
		best = append(best, cell.best[goal])
	}
	return x, best
}

// middle is where the values of intervals from one to before another are drawn: of a coordinate that is counted, at a whole number.
func (c *course) middle(from, to int) float64 {
	at := (float64(from)*c.width + c.first + c.end(to)) / 2
	if c.unit > 0 {
		at = math.Round(at)
	}
	return at / c.scale
}

// values are all values, where each was kept.
func (c *course) values(goal int) (x, y Numbers) {
	for i, cell := range c.cells {
		for _, v := range cell.goals[goal].values {
			x, y = append(x, c.middle(i, i+1)), append(y, v)
		}
	}
	return x, y
}

// leastValues is the least number of values that a quantile is drawn of.
const leastValues = 16

// quantiles are those of the values in intervals that have enough of them, or of several intervals together.
func (c *course) quantiles(goal int, probabilities ...float64) (x Numbers, quantiles []Numbers) {
	quantiles = make([]Numbers, len(probabilities))
	var values []float64
	from := 0
	for i, cell := range c.cells {
		if values = append(values, cell.goals[goal].values...); len(values) < leastValues && i < len(c.cells)-1 {
			continue
		}
		if len(values) > 0 {
			slices.Sort(values)
			x = append(x, c.middle(from, i+1))
			for k, p := range probabilities {
				quantiles[k] = append(quantiles[k], statistics.Quantile(values, p))
			}
		}
		values, from = values[:0], i+1
	}
	return x, quantiles
}
