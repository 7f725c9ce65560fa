package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// frontFigure is the front in the plane of each two objectives.
func frontFigure(d *Data) *Figure {
	if len(d.Goals) < 2 || len(d.Front) == 0 {
		return nil
	}
	var panels []Panel
	const most = 4 // objectives
	others := thin(d.Sample, maxPoints)
	front := thin(d.Front, maxPoints)
	for j := range d.Goals[:min(len(d.Goals), most)] {
		for i := range j {
			p := Panel{X: d.Goals[i].axis(), Y: d.Goals[j].axis()}
			xlow, xhigh := d.worstShown(i)
			ylow, yhigh := d.worstShown(j)
			all := Series{Mark: Points, Name: "individuals", Tone: Quiet}
			for _, m := range others {
				if x, y := m.Values[i], m.Values[j]; x >= xlow && x <= xhigh && y >= ylow && y <= yhigh {
					all.X, all.Y, all.Text = append(all.X, x), append(all.Y, y), append(all.Text, label(m))
				}
			}
			best := Series{Mark: Points, Name: "front", Tone: Main}
			for _, m := range front {
				best.X, best.Y, best.Text = append(best.X, m.Values[i]), append(best.Y, m.Values[j]), append(best.Text, label(m))
			}
			p.Series = []Series{all, best}
			p.fit()
			panels = append(panels, p)
		}
	}
	caption := fmt.Sprintf("The front: %s, none of which another is better than in one objective without being worse in a second; in grey %s.",
		count(len(d.Front), "individual"), d.shownOf(len(others)))
	if len(d.Goals) > most {
		caption += fmt.Sprintf(" The first %d of %d objectives are shown.", most, len(d.Goals))
	}
	return newFigure("front", "Front", caption, 2, panels...)
}

// hypervolume is that of the front as the search went on.
func hypervolume(d *Data) *Figure {
	const points = 40
	if len(d.Goals) < 2 || len(d.Goals) > maxGoals || len(d.Front) < 2 {
		return nil
	}
	reference := make([]float64, len(d.Goals)) // as that of a result: see report.Hypervolume
	for k, goal := range d.Goals {
		low, high := math.Inf(1), math.Inf(-1)
		for _, m := range d.Front {
			v := goal.loss(m.Values[k])
			low, high = min(low, v), max(high, v)
		}
		if low == high {
			return nil
		}
		reference[k] = high + 0.1*(high-low)
	}
	after := make([]int64, points)
	for i := range after {
		after[i] = int64(math.Ceil(float64(d.Evaluations) * float64(i+1) / points))
	}
	s := Series{Mark: Steps, Tone: Main}
	spread := false
	d.fronts(after, func(i int, front [][]float64) {
		of, fewer := wellSpread(front)
		spread = spread || fewer
		s.X, s.Y = append(s.X, float64(after[i])), append(s.Y, optimizer.Hypervolume(of, reference))
	})
	p := Panel{X: Axis{Label: "Evaluations", Whole: true}, Y: Axis{Label: "Hypervolume"}, Series: []Series{s}}
	p.fit()
	p.Y.Min = min(p.Y.Min, 0)
	caption := "How much of the objectives' space the front is better than, up to a tenth of the last front's range beyond its worst values."
	if spread {
		caption += fmt.Sprintf(" Of larger fronts, that of %d individuals, well spread.", maxExact)
	}
	return newFigure("hypervolume", "Hypervolume of the front", caption, 1, p)
}

// fronts shows the losses of the front after each of some numbers of evaluations, in ascending order. They are valid until visit returns.
func (d *Data) fronts(after []int64, visit func(i int, losses [][]float64)) {
	var front [][]float64
	at := 0
	for i, until := range after {
		for ; at < len(d.entries) && d.entries[at].At <= until; at++ {
			loss := d.losses(d.entries[at])
			front = slices.DeleteFunc(front, func(f []float64) bool { return optimizer.Dominates(loss, f) })
			front = append(front, loss)
		}
		visit(i, front)
	}
}

// maxExact is the size of a front up to which the hypervolume is that of all of it, where it has more than two objectives.
const maxExact = 400

// wellSpread are the losses of a front, or of so many of it that its hypervolume is not too dear.
func wellSpread(front [][]float64) (of [][]float64, fewer bool) {
	if len(front) <= maxExact || len(front[0]) <= 2 {
		return front, false
	}
	all := make([]optimizer.Solution, len(front))
	for i, loss := range front {
		all[i] = optimizer.Solution{ID: int64(i), Loss: loss}
	}
	for _, s := range optimizer.Spread(all, maxExact) {
		of = append(of, s.Loss)
	}
	return of, true
}

// posteriorFigure is the posterior of each parameter.
func posteriorFigure(d *Data) *Figure {
	members, weights, what := d.posterior()
	return d.distribution("posterior", "Posterior of each parameter", what, members, weights)
}

// bestFigure is how the best individuals are distributed, where there is no posterior.
func bestFigure(d *Data) *Figure {
	if members, _, _ := d.posterior(); members != nil {
		return nil
	}
	members := d.good()
	weights := make([]float64, len(members))
	for i := range weights {
		weights[i] = 1 / float64(len(members))
	}
	what := fmt.Sprintf("How the values of the best %d individuals are distributed: narrow is well determined, wide is not", len(members))
	return d.distribution("best", "The best individuals by parameter", what, members, weights)
}

// distribution is that of weighted members, parameter by parameter.
func (d *Data) distribution(name, title, what string, members []Member, weights []float64) *Figure {
	if len(members) < 10 {
		return nil
	}
	shown, left := d.matters(maxSlices)
	var panels []Panel
	for _, k := range shown {
		panels = append(panels, d.histogram(k, members, weights))
	}
	return newFigure(name, title, what+"; the axis is the range that was searched, where it has bounds."+left, 3, panels...)
}

// histogram is the distribution of a parameter among weighted members.
func (d *Data) histogram(k int, members []Member, weights []float64) Panel {
	p := Panel{X: d.Parameters[k].axis(), Y: Axis{Label: "share"}}
	bars := Series{Mark: Rects, Tone: Main}
	if n := len(p.X.Names); n > 0 {
		total := make([]float64, n)
		for i, m := range members {
			total[int(m.X[k])] += weights[i]
		}
		for c, v := range total {
			bars.X, bars.X2 = append(bars.X, float64(c)-0.35), append(bars.X2, float64(c)+0.35)
			bars.Y, bars.Y2 = append(bars.Y, 0), append(bars.Y2, v)
		}
	} else {
		column := d.column(k, members)
		low, high := column.Lower, column.Upper
		if math.IsInf(high-low, 0) {
			low, high = slices.Min(column.Values), slices.Max(column.Values)
		}
		if low == high {
			low, high = low-0.5, high+0.5
		}
		n := min(60, max(12, int(3*math.Sqrt(float64(len(members))))))
		if p.X.Whole { // as many of the whole numbers in each
			values := high - low + 1
			each := math.Ceil(values / float64(n))
			n = int(math.Ceil(values / each))
			low -= 0.5
			high = low + float64(n)*each
		}
		total := make([]float64, n)
		for i, v := range column.Values {
			total[min(max(int(float64(n)*(v-low)/(high-low)), 0), n-1)] += weights[i]
		}
		edge := func(i int) float64 {
			v := low + (high-low)*float64(i)/float64(n)
			if p.X.Log {
				return math.Exp(v)
			}
			return v
		}
		for i, v := range total {
			if v > 0 {
				bars.X, bars.X2 = append(bars.X, edge(i)), append(bars.X2, edge(i+1))
				bars.Y, bars.Y2 = append(bars.Y, 0), append(bars.Y2, v)
			}
		}
		whole := Series{X: Numbers{edge(0), edge(n)}, Y: Numbers{0, 0}}
		p.Series = []Series{bars, whole}
		p.fit()
		p.Series = []Series{bars}
		return p
	}
	p.Series = []Series{bars}
	p.fit()
	return p
}

// posteriorPairs are the posterior, two parameters at a time.
func posteriorPairs(d *Data) *Figure {
	members, weights, _ := d.posterior()
	if len(members) < 10 || len(d.Parameters) < 2 {
		return nil
	}
	shown, left := d.matters(maxPairs)
	rows := make([]int, len(members))
	for i := range rows {
		rows[i] = i
	}
	slices.SortFunc(rows, func(a, b int) int { return cmp.Compare(weights[a], weights[b]) })
	rows = rows[max(0, len(rows)-maxPoints):]
	var panels []Panel
	shade := &Shade{Label: "weight", Min: weights[rows[0]], Max: weights[rows[len(rows)-1]]}
	for i, y := range shown {
		for _, x := range shown[:i] {
			p := Panel{X: d.Parameters[x].axis(), Y: d.Parameters[y].axis(), Shade: shade}
			s := Series{Mark: Points}
			for _, r := range rows {
				s.X, s.Y, s.Value = append(s.X, members[r].X[x]), append(s.Y, members[r].X[y]), append(s.Value, weights[r])
				s.Text = append(s.Text, label(members[r]))
			}
			p.Series = []Series{s}
			p.fit()
			panels = append(panels, p)
		}
	}
	caption := fmt.Sprintf("The %d individuals of the posterior sample with the largest weights, in the plane of each two parameters.", len(rows))
	return newFigure("posterior-pairs", "Posterior of pairs of parameters", caption+left, 3, panels...)
}
