package figure

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Comparison is several runs of one problem, those that differ by their seeds alone in one group. What is compared is the best of the goal so far; with
// several goals, the hypervolume of the front so far.
type Comparison struct {
	Goals   []Goal
	Measure Goal // what is compared: the goal itself, or the hypervolume
	Groups  []Group
	Budget  int64 // evaluations that every run has made: what is compared is the measure by then
}

// Group are runs that differ by their seeds alone.
type Group struct {
	Name  string
	Runs  []*Data
	Final []float64 // of each run, the measure within the budget; NaN where nothing had succeeded

	paths [][]level // of each run
}

// level is what a run's measure has risen to, or fallen, and after how many evaluations.
type level struct {
	at    int64
	value float64
}

// maxGoals is the number of goals up to which the hypervolume of a front is told: it grows dear.
const maxGoals = 4

// What is the measure in words.
func (c *Comparison) What() string {
	if len(c.Goals) > 1 {
		return c.Measure.Name
	}
	return "best " + c.Measure.Name
}

// Losses are the final values as they are minimised; what has no value is worse than all.
func (c *Comparison) Losses(g Group) []float64 {
	out := make([]float64, len(g.Final))
	for i, v := range g.Final {
		if out[i] = c.Measure.loss(v); math.IsNaN(v) {
			out[i] = math.Inf(1)
		}
	}
	return out
}

// Compare puts runs into groups. groups names that of each run; runs of one name are pooled. All must search for the same, by the same
// parameters.
func Compare(runs []*Data, groups []string) (*Comparison, error) {
	first := runs[0]
	if len(first.Goals) > maxGoals {
		return nil, fmt.Errorf("%s has %d objectives: runs with at most %d are compared", first.Run.Dir, len(first.Goals), maxGoals)
	}
	c := &Comparison{Goals: first.Goals, Measure: first.Goals[0], Budget: math.MaxInt64}
	for i, d := range runs {
		if !slices.Equal(d.Goals, first.Goals) {
			return nil, fmt.Errorf("%s searches for the %s and %s for the %s: want runs of one problem",
				first.Run.Dir, namesOf(first.Goals), d.Run.Dir, namesOf(d.Goals))
		}
		if !slices.EqualFunc(d.Parameters, first.Parameters, func(a, b Parameter) bool { return a.Label == b.Label }) {
			return nil, fmt.Errorf("%s and %s have different parameters: want runs of one problem", first.Run.Dir, d.Run.Dir)
		}
		at := slices.IndexFunc(c.Groups, func(g Group) bool { return g.Name == groups[i] })
		if at < 0 {
			at = len(c.Groups)
			c.Groups = append(c.Groups, Group{Name: groups[i]})
		}
		c.Groups[at].Runs = append(c.Groups[at].Runs, d)
		c.Budget = min(c.Budget, d.final())
	}
	path := (*Data).improvements
	if len(c.Goals) > 1 {
		c.Measure = Goal{Name: "hypervolume of the front", Maximise: true}
		path = volumes(runs, c.Budget)
	}
	for i, g := range c.Groups {
		for _, d := range g.Runs {
			p := path(d)
			c.Groups[i].paths = append(c.Groups[i].paths, p)
			c.Groups[i].Final = append(c.Groups[i].Final, by(p, c.Budget))
		}
	}
	return c, nil
}

func namesOf(goals []Goal) string {
	names := make([]string, len(goals))
	for i, g := range goals {
		names[i] = g.Name
	}
	return strings.Join(names, " and the ")
}

// final is the number of evaluations that have ended for good, as far as individuals have been told.
func (d *Data) final() int64 { return d.Individuals * int64(max(d.Run.Begun.Rules.Evaluations(), 1)) }

// improvements are the steps of the best of the only goal.
func (d *Data) improvements() []level {
	path := make([]level, len(d.Improved))
	for i, m := range d.Improved {
		path[i] = level{m.At, m.Values[0]}
	}
	return path
}

// by is what a path has come to after so many evaluations; NaN before its first level.
func by(path []level, evaluations int64) float64 {
	n := sort.Search(len(path), func(i int) bool { return path[i].at > evaluations })
	if n == 0 {
		return math.NaN()
	}
	return path[n-1].value
}

// volumes tells of each of the runs how the hypervolume of its front has grown. It is a share of that between the best and the worst of all fronts
// together, each objective's worst being a tenth of the range further away.
func volumes(runs []*Data, budget int64) func(*Data) []level {
	const points = 80
	n := len(runs[0].Goals)
	low, high := slices.Repeat([]float64{math.Inf(1)}, n), slices.Repeat([]float64{math.Inf(-1)}, n)
	for _, d := range runs {
		d.fronts([]int64{budget}, func(_ int, front [][]float64) {
			for _, loss := range front {
				for k, v := range loss {
					low[k], high[k] = min(low[k], v), max(high[k], v)
				}
			}
		})
	}
	for k := range low {
		if !(low[k] < high[k]) { // all are alike in it
			high[k] = low[k] + 1
		}
	}
	reference := slices.Repeat([]float64{1.1}, n)
	return func(d *Data) (path []level) {
		after := make([]int64, points)
		for i := range after {
			after[i] = int64(math.Ceil(float64(budget) * float64(i+1) / points))
		}
		d.fronts(after, func(i int, front [][]float64) {
			if len(front) == 0 {
				return
			}
			front, _ = wellSpread(front)
			scaled := make([][]float64, len(front))
			for j, loss := range front {
				scaled[j] = make([]float64, n)
				for k, v := range loss {
					scaled[j][k] = (v - low[k]) / (high[k] - low[k])
				}
			}
			path = append(path, level{after[i], optimizer.Hypervolume(scaled, reference) / math.Pow(1.1, float64(n))})
		})
		return path
	}
}

// ComparisonKind is a figure that a comparison may have.
type ComparisonKind struct {
	Name string                    // of the figure that it makes
	Make func(*Comparison) *Figure // nil where the comparison has nothing for it
}

// ComparisonKinds lists the figures of a comparison.
func ComparisonKinds() []ComparisonKind {
	return []ComparisonKind{
		{"compare-convergence", (*Comparison).convergence},
		{"compare-targets", (*Comparison).targets},
		{"compare-times", (*Comparison).times},
		{"compare-finals", (*Comparison).finals},
		{"compare-attainment", (*Comparison).attainment},
	}
}

// Figures are those of a comparison.
func (c *Comparison) Figures() []*Figure {
	var out []*Figure
	for _, k := range ComparisonKinds() {
		if f := k.Make(c); f != nil && !f.Empty() {
			out = append(out, f)
		}
	}
	return out
}

// convergence is the median and the quartiles of the best so far of each group.
func (c *Comparison) convergence() *Figure {
	const points = 160
	p := Panel{X: Axis{Label: "Evaluations", Whole: true}, Y: c.Measure.axis()}
	var bands, lines []Series
	var middle Numbers
	for i, g := range c.Groups {
		band := Series{Mark: Band, Tone: Nth(i)}
		line := Series{Mark: Steps, Name: g.Name, Tone: Nth(i)}
		for k := range points {
			at := int64(math.Ceil(float64(c.Budget) * float64(k+1) / points))
			losses := make([]float64, len(g.Runs))
			for j, path := range g.paths {
				if losses[j] = c.Measure.loss(by(path, at)); math.IsNaN(losses[j]) {
					losses[j] = math.Inf(1)
				}
			}
			slices.Sort(losses)
			of := func(q float64) float64 { return c.Measure.loss(quantileOf(losses, q)) }
			band.X, band.Y, band.Y2 = append(band.X, float64(at)), append(band.Y, of(0.25)), append(band.Y2, of(0.75))
			line.X, line.Y = append(line.X, float64(at)), append(line.Y, of(0.5))
		}
		if len(g.Runs) > 2 {
			bands = append(bands, band)
		}
		lines = append(lines, line)
		middle = append(middle, line.Y...)
	}
	p.Series = append(bands, lines...)
	p.Y.Log = logarithmic(middle)
	p.fit()
	p.clip(c.Measure, middle, middle)
	caption := fmt.Sprintf("The %s so far by evaluations: the median over the runs of each group, and, "+
		"where it has three or more, the middle half of them.", c.What())
	if len(c.Goals) > 1 {
		caption += " It is a share of what lies between the best and the worst values of all fronts."
	}
	return newFigure("compare-convergence", "Convergence", caption, 1, p)
}

// quantileOf is a quantile of sorted values that may be infinite.
func quantileOf(sorted []float64, p float64) float64 {
	if v := statistics.Quantile(sorted, p); !math.IsNaN(v) {
		return v
	}
	return math.Inf(1)
}

// targetsOf are values of the goal, as they are minimised, spread over those that any of the runs passed.
func (c *Comparison) targetsOf() []float64 {
	const most = 51
	var all []float64
	for _, g := range c.Groups {
		for _, path := range g.paths {
			for _, l := range path {
				if l.at <= c.Budget {
					all = append(all, c.Measure.loss(l.value))
				}
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) <= most {
		return all
	}
	out := make([]float64, most)
	for i := range out {
		out[i] = all[i*(len(all)-1)/(most-1)]
	}
	return out
}

// targets are how many of a set of targets were reached after how many evaluations (the empirical distribution of run times, as in COCO,
// Hansen et al. 2021).
func (c *Comparison) targets() *Figure {
	p, n := c.reached(func(_ *Data, evaluations int64) float64 { return float64(evaluations) })
	p.X = Axis{Label: "Evaluations", Log: true}
	p.fit()
	p.Y.Min, p.Y.Max = 0, 1
	caption := fmt.Sprintf("How many of %d targets, spread over the values that any of the runs passed, the runs of each "+
		"group had reached after how many evaluations.", n)
	return newFigure("compare-targets", "Targets reached", caption, 1, p)
}

// times are the same as targets after how much time; nil where the journals do not tell the time.
func (c *Comparison) times() *Figure {
	p, n := c.reached((*Data).elapsedBy)
	if !slices.ContainsFunc(p.Series, func(s Series) bool { return len(s.X) > 0 && s.X[len(s.X)-1] > 0 }) {
		return nil
	}
	p.X = Axis{Label: "Time", Unit: "s", Log: true}
	p.fit()
	p.Y.Min, p.Y.Max = 0, 1
	caption := fmt.Sprintf("How many of the same %d targets the runs of each group had reached after how much time, that between the sessions of a "+
		"resumed run apart. It depends on the slots that a run had.", n)
	return newFigure("compare-times", "Targets reached, by time", caption, 1, p)
}

// reached is how many of a set of targets, of which there are n, each group had reached after how much of what cost tells of so many evaluations of
// a run.
func (c *Comparison) reached(cost func(d *Data, evaluations int64) float64) (p Panel, n int) {
	targets := c.targetsOf()
	p = Panel{Y: Axis{Label: "Share of runs and targets"}}
	for i, g := range c.Groups {
		var costs []float64
		end := 0.0
		for j, path := range g.paths {
			for _, t := range targets {
				at := slices.IndexFunc(path, func(l level) bool { return c.Measure.loss(l.value) <= t })
				if at >= 0 && path[at].at <= c.Budget {
					costs = append(costs, cost(g.Runs[j], path[at].at))
				}
			}
			end = max(end, cost(g.Runs[j], c.Budget))
		}
		slices.Sort(costs)
		s := Series{Mark: Steps, Name: g.Name, Tone: Nth(i)}
		total := float64(len(targets) * len(g.Runs))
		for k, x := range costs {
			if k+1 < len(costs) && costs[k+1] == x {
				continue
			}
			s.X, s.Y = append(s.X, x), append(s.Y, float64(k+1)/total)
		}
		if n := len(s.X); n > 0 { // up to the end of the budget
			s.X, s.Y = append(s.X, end), append(s.Y, s.Y[n-1])
		}
		p.Series = append(p.Series, s)
	}
	return p, len(targets)
}

// finals are the best values of each run within the budget.
func (c *Comparison) finals() *Figure {
	p := Panel{X: c.Measure.axis()}
	points := Series{Mark: Points, Name: "runs", Tone: Main}
	medians := Series{Mark: Segments, Name: "median", Tone: Second}
	lost := 0
	for i, g := range c.Groups {
		p.Y.Names = append(p.Y.Names, g.Name)
		for j, v := range g.Final {
			if math.IsNaN(v) {
				lost++
				continue
			}
			points.X, points.Y = append(points.X, v), append(points.Y, float64(i)+0.5*(math.Mod(float64(j)*0.618, 1)-0.5))
			points.Text = append(points.Text, strings.TrimSpace(g.Runs[j].Run.Dir))
		}
		losses := slices.Sorted(slices.Values(c.Losses(g)))
		if m := c.Measure.loss(quantileOf(losses, 0.5)); !math.IsInf(m, 0) {
			medians.X, medians.X2 = append(medians.X, m), append(medians.X2, m)
			medians.Y, medians.Y2 = append(medians.Y, float64(i)-0.35), append(medians.Y2, float64(i)+0.35)
		}
	}
	p.Series = []Series{points, medians}
	p.X.Log = logarithmic(points.X)
	p.fit()
	caption := fmt.Sprintf("The %s of each run after %s evaluations.", c.What(), Thousands(c.Budget))
	if lost > 0 {
		caption += fmt.Sprintf(" %s had none by then.", count(lost, "run"))
	}
	return newFigure("compare-finals", "Best values of the runs", caption, 1, p)
}

// attainment is, for two goals, what the fronts of each group attain: the edge of the points for which half of its runs, at least, have an individual that is
// as good in both (Fonseca and Fleming 1996, doi 10.1007/3-540-61723-X_1022).
func (c *Comparison) attainment() *Figure {
	if len(c.Goals) != 2 {
		return nil
	}
	p := Panel{X: c.Goals[0].axis(), Y: c.Goals[1].axis()}
	var bands, lines []Series
	for i, g := range c.Groups {
		var xs []float64
		fronts := make([][][]float64, len(g.Runs))
		for j, d := range g.Runs {
			d.fronts([]int64{c.Budget}, func(_ int, front [][]float64) {
				fronts[j] = slices.Clone(front)
				for _, loss := range front {
					xs = append(xs, loss[0])
				}
			})
		}
		slices.Sort(xs)
		xs = slices.Compact(xs)
		low, middle, high := make([]float64, len(xs)), make([]float64, len(xs)), make([]float64, len(xs))
		for k, x := range xs {
			reached := make([]float64, len(fronts))
			for j, front := range fronts {
				reached[j] = math.Inf(1)
				for _, loss := range front {
					if loss[0] <= x {
						reached[j] = min(reached[j], loss[1])
					}
				}
			}
			slices.Sort(reached)
			of := func(share float64) float64 { return reached[max(int(math.Ceil(share*float64(len(reached))))-1, 0)] }
			low[k], middle[k], high[k] = of(0.25), of(0.5), of(0.75)
		}
		if len(g.Runs) > 2 {
			band := Series{Mark: Band, Tone: Nth(i)}
			band.X, band.Y = c.stairs(xs, low)
			_, band.Y2 = c.stairs(xs, high)
			for k, v := range band.Y2 {
				if math.IsInf(v, 0) {
					band.Y[k], band.Y2[k] = math.NaN(), math.NaN()
				}
			}
			bands = append(bands, band)
		}
		line := Series{Mark: Line, Name: g.Name, Tone: Nth(i)}
		line.X, line.Y = c.stairs(xs, middle)
		lines = append(lines, line)
	}
	p.Series = append(bands, lines...)
	p.fit()
	caption := fmt.Sprintf("What is attained after %s evaluations: for points beyond its line at least half of a group's runs have an individual "+
		"that is as good in both objectives; where it has three runs or more, the band is between a quarter and three quarters of them.",
		Thousands(c.Budget))
	return newFigure("compare-attainment", "Attainment", caption, 1, p)
}

// stairs are the corners of a line that keeps its y up to the next x, in the values of the two goals.
func (c *Comparison) stairs(xs, ys []float64) (x, y Numbers) {
	for i := range xs {
		if i > 0 {
			x, y = append(x, c.Goals[0].loss(xs[i])), append(y, c.Goals[1].loss(ys[i-1]))
		}
		x, y = append(x, c.Goals[0].loss(xs[i])), append(y, c.Goals[1].loss(ys[i]))
	}
	return x, y
}

// Test is what a rank test says of two groups.
type Test struct {
	A, B    int     // groups
	Smaller float64 // the probability, as estimated, that a run of A is better than one of B
	P       float64 // two-sided, corrected for the number of tests
}

// Tests compares each two groups by the test of Mann and Whitney, corrected by that of Holm. There are none where a group has fewer than two runs.
func (c *Comparison) Tests() []Test {
	var out []Test
	var p []float64
	for a := range c.Groups {
		for b := a + 1; b < len(c.Groups); b++ {
			if len(c.Groups[a].Runs) < 2 || len(c.Groups[b].Runs) < 2 {
				continue
			}
			t := Test{A: a, B: b}
			t.Smaller, t.P = statistics.MannWhitney(c.Losses(c.Groups[a]), c.Losses(c.Groups[b]))
			out, p = append(out, t), append(p, t.P)
		}
	}
	for i, corrected := range statistics.Holm(p) {
		out[i].P = corrected
	}
	return out
}
