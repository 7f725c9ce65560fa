package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
)

// The most parameters that figures show.
const (
	maxCourses   = 12
	maxSlices    = 9
	maxPairs     = 4
	maxAxes      = 8
	maxCorrelate = 16
)

// The most points of a panel.
const (
	maxPoints = 1200
	maxLines  = 400
)

// thin leaves at most n members, evenly spaced.
func thin(members []Member, n int) []Member {
	if len(members) <= n {
		return members
	}
	out := make([]Member, n)
	for i := range out {
		out[i] = members[i*(len(members)-1)/(n-1)]
	}
	return out
}

func label(m Member) string { return fmt.Sprintf("individual %d", m.ID) }

// courses are the values of each parameter over the generations.
func courses(d *Data) *Figure {
	if len(d.Sample) < 2 {
		return nil
	}
	x, of := byGenerations, func(m Member) int64 { return int64(m.Generation) }
	low, high := of(d.Sample[0]), of(d.Sample[0])
	for _, m := range d.Sample { // those of lanes are not in the order of their generations
		low, high = min(low, of(m)), max(high, of(m))
	}
	if low == high {
		x, of = Axis{Label: "Individual", Whole: true}, func(m Member) int64 { return m.ID }
		low, high = of(d.Sample[0]), of(d.Sample[len(d.Sample)-1])
	}
	groups := groupsOf(d.Sample, of, low, high)
	shown, left := d.matters(maxCourses)
	var panels []Panel
	for _, k := range shown {
		p := Panel{Title: d.Parameters[k].Label, X: x, Y: d.Parameters[k].axis()}
		p.Y.Label = ""
		if u := d.Parameters[k].Unit; u != "" {
			p.Y.Label, p.Y.Unit = "in "+u, ""
		}
		wide := Series{Mark: Band, Name: "80 %", Tone: Quiet}
		middle := Series{Mark: Line, Name: "median", Tone: Second}
		if len(p.Y.Names) > 0 { // shares of the choices
			p = shares(p, groups, k)
			p.X.limit(float64(low), float64(high), 8)
			panels = append(panels, p)
			continue
		}
		for _, group := range groups {
			values := make([]float64, len(group.members))
			for j, m := range group.members {
				values[j] = m.X[k]
			}
			slices.Sort(values)
			wide.X, middle.X = append(wide.X, group.at), append(middle.X, group.at)
			wide.Y, wide.Y2 = append(wide.Y, statistics.Quantile(values, 0.1)), append(wide.Y2, statistics.Quantile(values, 0.9))
			middle.Y = append(middle.Y, statistics.Quantile(values, 0.5))
		}
		best := d.Best[0]
		p.Series = []Series{wide, middle, {
			Mark: Points, Name: "best", Tone: Main, X: Numbers{float64(of(best))}, Y: Numbers{best.X[k]}, Text: []string{label(best)},
		}}
		p.fit()
		p.X.limit(float64(low), float64(high), 8)
		panels = append(panels, p)
	}
	caption := fmt.Sprintf("The values of the parameters that were tried, as the search went on: median, the middle 80 %%, and those "+
		"of the best individual, of %s.", d.sampled())
	return newFigure("parameters", "Parameters as the search went on", caption+left, 3, panels...)
}

// group is members whose counts lie between whole numbers.
type group struct {
	at      float64 // where it is drawn, a whole number
	members []Member
}

// groupsOf puts members into groups of as many counts each, from low to high. None is empty.
func groupsOf(members []Member, of func(Member) int64, low, high int64) (groups []group) {
	const most, least = 40, 8 // groups, and members of one on average
	n := min(most, high-low+1, int64(len(members)/least)+1)
	each := (high - low + n) / n
	all := make([][]Member, n)
	for _, m := range members {
		at := min(max((of(m)-low)/each, 0), n-1)
		all[at] = append(all[at], m)
	}
	for i, of := range all {
		if len(of) > 0 {
			first := low + int64(i)*each
			groups = append(groups, group{float64((first + min(first+each-1, high) + 1) / 2), of})
		}
	}
	return groups
}

// shares are how frequent each choice was.
func shares(p Panel, groups []group, k int) Panel {
	names := p.Y.Names
	p.Y = Axis{Label: "share"}
	for c, name := range names[:min(len(names), int(tones-Main))] {
		s := Series{Mark: Line, Name: name, Tone: Nth(c + 2)} // the first two are the best and the median of other panels
		for _, group := range groups {
			n := 0
			for _, m := range group.members {
				if int(m.X[k]) == c {
					n++
				}
			}
			s.X = append(s.X, group.at)
			s.Y = append(s.Y, float64(n)/float64(len(group.members)))
		}
		p.Series = append(p.Series, s)
	}
	p.fit()
	p.Y.Min, p.Y.Max = 0, 1
	return p
}

// worstShown is the value of a goal beyond which nothing is shown: few values that are much worse would leave no room for all others.
func (d *Data) worstShown(goal int) (low, high float64) {
	values := make([]float64, len(d.Sample))
	for i, m := range d.Sample {
		values[i] = m.Values[goal]
	}
	slices.Sort(values)
	low, high = values[0], values[len(values)-1]
	if d.Goals[goal].Maximise {
		return max(low, statistics.Quantile(values, 0.1)-0.5*(high-statistics.Quantile(values, 0.1))), high
	}
	q := statistics.Quantile(values, 0.9)
	return low, min(high, q+0.5*(q-low))
}

// slicesFigure is the fitness over each parameter by itself.
func slicesFigure(d *Data) *Figure {
	if len(d.Sample) < 2 {
		return nil
	}
	shown, left := d.matters(maxSlices)
	points := thin(d.Sample, maxPoints)
	var panels []Panel
	low, high := d.worstShown(0)
	values := make(Numbers, 0, len(points))
	for _, m := range points {
		values = append(values, m.Values[0])
	}
	log := logarithmic(values)
	beyond := 0
	for _, k := range shown {
		p := Panel{X: d.Parameters[k].axis(), Y: d.Goals[0].axis()}
		p.Y.Log = log
		all := Series{Mark: Points, Name: "individuals", Tone: Second}
		beyond = 0
		for i, m := range points {
			if v := m.Values[0]; !log && (v < low || v > high) {
				beyond++
				continue
			}
			x := m.X[k]
			if len(p.X.Names) > 0 {
				x += 0.5 * (math.Mod(float64(i)*0.618, 1) - 0.5) // side by side
			}
			all.X, all.Y, all.Text = append(all.X, x), append(all.Y, m.Values[0]), append(all.Text, label(m))
		}
		best := d.bestOf(0)
		p.Series = []Series{all, {
			Mark: Points, Name: "best", Tone: Main, X: Numbers{best.X[k]}, Y: Numbers{best.Values[0]}, Text: []string{label(best)},
		}}
		p.fit()
		panels = append(panels, p)
	}
	caption := fmt.Sprintf("The fitness of individuals over the value of one parameter, whatever the others were: %s.", d.shownOf(len(points)))
	if beyond > 0 {
		caption += fmt.Sprintf(" %s are much worse and beyond the axis.", Thousands(int64(beyond)))
	}
	return newFigure("slices", "Fitness over each parameter", caption+left, 3, panels...)
}

// bestOf is the best individual of a goal among those that are kept.
func (d *Data) bestOf(goal int) Member {
	return slices.MinFunc(d.Best, func(a, b Member) int {
		return cmp.Compare(d.Goals[goal].loss(a.Values[goal]), d.Goals[goal].loss(b.Values[goal]))
	})
}

func (d *Data) shownOf(n int) string {
	good := d.Individuals - d.Failed
	if int64(n) < good {
		return fmt.Sprintf("%s of %s that succeeded, drawn at random", Thousands(int64(n)), Thousands(good))
	}
	return "all " + Thousands(good) + " that succeeded"
}

// good are the best individuals: a tenth of all, and at least thirty where there are as many.
func (d *Data) good() []Member {
	n := max(30, int(goodShare*float64(d.Individuals-d.Failed)))
	return d.Best[:min(n, len(d.Best), maxLines)]
}

// shade is the scale of colours of a goal over members.
func (d *Data) shade(goal int, members []Member) *Shade {
	s := &Shade{Label: d.Goals[goal].Name, Unit: d.Goals[goal].Unit, Min: math.Inf(1), Max: math.Inf(-1), Reverse: !d.Goals[goal].Maximise}
	for _, m := range members {
		s.Min, s.Max = min(s.Min, m.Values[goal]), max(s.Max, m.Values[goal])
	}
	return s
}

// pairs are the good individuals, two parameters at a time.
func pairs(d *Data) *Figure {
	if len(d.Parameters) < 2 || len(d.Best) < 2 {
		return nil
	}
	shown, left := d.matters(maxPairs)
	good := slices.Clone(d.good())
	slices.Reverse(good) // the best is drawn last
	var panels []Panel
	shade := d.shade(0, good)
	for i, row := range shown {
		for _, column := range shown[:i] {
			p := Panel{X: d.Parameters[column].axis(), Y: d.Parameters[row].axis(), Shade: shade}
			s := Series{Mark: Points}
			for j, m := range good {
				x, y := m.X[column], m.X[row]
				if len(p.X.Names) > 0 {
					x += 0.5 * (math.Mod(float64(j)*0.618, 1) - 0.5)
				}
				if len(p.Y.Names) > 0 {
					y += 0.5 * (math.Mod(float64(j)*0.382, 1) - 0.5)
				}
				s.X, s.Y, s.Value = append(s.X, x), append(s.Y, y), append(s.Value, m.Values[0])
				s.Text = append(s.Text, label(m))
			}
			p.Series = []Series{s}
			p.fit()
			panels = append(panels, p)
		}
	}
	caption := fmt.Sprintf("The best %d individuals in the plane of each two parameters, coloured by their fitness.", len(good))
	return newFigure("pairs", "Pairs of parameters among the best", caption+left, 3, panels...)
}

// parallel are individuals as lines over their parameters and fitnesses.
func parallel(d *Data) *Figure {
	if len(d.Parameters)+len(d.Goals) < 3 || len(d.Best) < 2 {
		return nil
	}
	shown, left := d.matters(maxAxes)
	rows := slices.Clone(thin(d.Best, maxLines/2))
	for _, m := range thin(d.Sample, maxLines/2) {
		if !slices.ContainsFunc(rows, func(of Member) bool { return of.ID == m.ID }) {
			rows = append(rows, m)
		}
	}
	low, high := d.worstShown(0)
	rows = slices.DeleteFunc(rows, func(m Member) bool { return m.Values[0] < low || m.Values[0] > high })
	slices.SortStableFunc(rows, func(a, b Member) int { return cmp.Compare(b.Score, a.Score) })
	of := &Parallel{By: len(shown), Up: d.Goals[0].Maximise}
	for _, k := range shown {
		of.Axes = append(of.Axes, d.Parameters[k].axis())
	}
	for _, goal := range d.Goals {
		of.Axes = append(of.Axes, goal.axis())
	}
	for _, m := range rows {
		row := make(Numbers, 0, len(of.Axes))
		for _, k := range shown {
			row = append(row, m.X[k])
		}
		of.Rows = append(of.Rows, append(row, m.Values...))
	}
	for k := range of.Axes {
		var column Numbers
		for _, row := range of.Rows {
			column = append(column, row[k])
		}
		if of.Axes[k].Names == nil {
			of.Axes[k].limit(slices.Min(column), slices.Max(column), 4)
		}
	}
	caption := fmt.Sprintf("Each of %d individuals, the best ones and others drawn at random, is a line over its parameters to its "+
		"fitness, which colours it. "+
		"On the page, ranges are chosen by drawing along an axis.", len(rows))
	return newFigure("parallel", "Individuals over all parameters", caption+left, 1, Panel{Parallel: of})
}

// correlation is that of the parameters among the last individuals.
func correlation(d *Data) *Figure {
	n := min(len(d.Sample), max(100, len(d.Sample)/10))
	last := d.Sample[len(d.Sample)-n:]
	shown, left := d.matters(maxCorrelate)
	shown = slices.DeleteFunc(slices.Clone(shown), func(k int) bool { return len(d.Parameters[k].Choices) > 2 }) // names have no order
	if len(shown) < 2 || n < 10 {
		return nil
	}
	slices.Sort(shown)
	var names []string
	columns := make([][]float64, len(shown))
	for i, k := range shown {
		names = append(names, d.Parameters[k].Label)
		for _, m := range last {
			columns[i] = append(columns[i], m.X[k])
		}
	}
	cells := Series{Mark: Rects}
	for i := range shown {
		for j := range shown {
			if i == j {
				continue
			}
			r := statistics.Spearman(columns[i], columns[j])
			cells.X, cells.X2 = append(cells.X, float64(j)-0.5), append(cells.X2, float64(j)+0.5)
			cells.Y, cells.Y2 = append(cells.Y, float64(i)-0.5), append(cells.Y2, float64(i)+0.5)
			cells.Value = append(cells.Value, r)
			cells.Text = append(cells.Text, fmt.Sprintf("%s, %s: %.2f", names[i], names[j], r))
		}
	}
	p := Panel{X: Axis{Names: names}, Y: Axis{Names: names}, Series: []Series{cells},
		Shade: &Shade{Label: "rank correlation", Min: -1, Max: 1, Diverging: true}}
	p.fit()
	caption := fmt.Sprintf("The rank correlation of the parameters among the last %d individuals of the sample: where it is not near 0, "+
		"what one of the two is depends on the other.", n)
	return newFigure("correlation", "Correlation of the last individuals", caption+left, 1, p)
}
