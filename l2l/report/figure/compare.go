package figure

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
)

// Comparison is several runs of one problem, those that differ by their seeds alone in one group.
type Comparison struct {
	Goal   Goal
	Groups []Group
	Budget int64 // evaluations that every run has made: what is compared is the best by then
}

// Group are runs that differ by their seeds alone.
type Group struct {
	Name  string
	Runs  []*Data
	Final []float64 // of each run, the best of the goal within the budget; NaN where nothing had succeeded
}

// Losses are the final values as they are minimised; what has no value is worse than all.
func (c *Comparison) Losses(g Group) []float64 {
	out := make([]float64, len(g.Final))
	for i, v := range g.Final {
		if out[i] = c.Goal.loss(v); math.IsNaN(v) {
			out[i] = math.Inf(1)
		}
	}
	return out
}

// Compare puts runs into groups. groups names that of each run; runs of one name are pooled. All must search for the same, by the same
// parameters.
func Compare(runs []*Data, groups []string) (*Comparison, error) {
	first := runs[0]
	if len(first.Goals) > 1 {
		return nil, fmt.Errorf("%s has %d objectives: runs with one are compared", first.Run.Dir, len(first.Goals))
	}
	c := &Comparison{Goal: first.Goals[0], Budget: math.MaxInt64}
	for i, d := range runs {
		if !slices.Equal(d.Goals, first.Goals) {
			return nil, fmt.Errorf("%s searches for the %s and %s for the %s: want runs of one problem", first.Run.Dir, first.Goals[0].Name, d.Run.Dir, d.Goals[0].Name)
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
	for i, g := range c.Groups {
		for _, d := range g.Runs {
			c.Groups[i].Final = append(c.Groups[i].Final, d.bestBy(c.Budget))
		}
	}
	return c, nil
}

// final is the number of evaluations that have ended for good, as far as individuals have been told.
func (d *Data) final() int64 { return d.Individuals * int64(max(d.Run.Begun.Rules.Evaluations(), 1)) }

// bestBy is the best of the first goal after so many evaluations; NaN before there is one.
func (d *Data) bestBy(evaluations int64) float64 {
	n := sort.Search(len(d.Improved), func(i int) bool { return d.Improved[i].At > evaluations })
	if n == 0 {
		return math.NaN()
	}
	return d.Improved[n-1].Values[0]
}

// Figures are those of a comparison.
func (c *Comparison) Figures() []*Figure {
	var out []*Figure
	for _, f := range []*Figure{c.convergence(), c.targets(), c.finals()} {
		if f != nil && !f.Empty() {
			out = append(out, f)
		}
	}
	return out
}

// convergence is the median and the quartiles of the best so far of each group.
func (c *Comparison) convergence() *Figure {
	const points = 160
	p := Panel{X: Axis{Label: "Evaluations"}, Y: c.Goal.axis()}
	var bands, lines []Series
	var middle Numbers
	for i, g := range c.Groups {
		band := Series{Mark: Band, Tone: Nth(i)}
		line := Series{Mark: Steps, Name: g.Name, Tone: Nth(i)}
		for k := range points {
			at := int64(math.Ceil(float64(c.Budget) * float64(k+1) / points))
			losses := make([]float64, len(g.Runs))
			for j, d := range g.Runs {
				if losses[j] = c.Goal.loss(d.bestBy(at)); math.IsNaN(losses[j]) {
					losses[j] = math.Inf(1)
				}
			}
			slices.Sort(losses)
			of := func(q float64) float64 { return c.Goal.loss(quantileOf(losses, q)) }
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
	p.clip(c.Goal, middle, middle)
	caption := fmt.Sprintf("The best %s so far by evaluations: the median over the runs of each group, and, where it has three or more, the middle half of them.", c.Goal.Name)
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
		for _, d := range g.Runs {
			for _, m := range d.Improved {
				if m.At <= c.Budget {
					all = append(all, c.Goal.loss(m.Values[0]))
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
	targets := c.targetsOf()
	p := Panel{X: Axis{Label: "Evaluations", Log: true}, Y: Axis{Label: "Share of runs and targets"}}
	for i, g := range c.Groups {
		var times []float64
		for _, d := range g.Runs {
			for _, t := range targets {
				at := slices.IndexFunc(d.Improved, func(m Member) bool { return c.Goal.loss(m.Values[0]) <= t })
				if at >= 0 && d.Improved[at].At <= c.Budget {
					times = append(times, float64(d.Improved[at].At))
				}
			}
		}
		slices.Sort(times)
		s := Series{Mark: Steps, Name: g.Name, Tone: Nth(i)}
		total := float64(len(targets) * len(g.Runs))
		for k, t := range times {
			if k+1 < len(times) && times[k+1] == t {
				continue
			}
			s.X, s.Y = append(s.X, t), append(s.Y, float64(k+1)/total)
		}
		if n := len(s.X); n > 0 { // up to the end of the budget
			s.X, s.Y = append(s.X, float64(c.Budget)), append(s.Y, s.Y[n-1])
		}
		p.Series = append(p.Series, s)
	}
	p.fit()
	p.Y.Min, p.Y.Max = 0, 1
	caption := fmt.Sprintf("How many of %d targets, spread over the values that any of the runs passed, the runs of each group had reached after how many evaluations.", len(targets))
	return newFigure("compare-targets", "Targets reached", caption, 1, p)
}

// finals are the best values of each run within the budget.
func (c *Comparison) finals() *Figure {
	p := Panel{X: c.Goal.axis()}
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
		if m := c.Goal.loss(quantileOf(losses, 0.5)); !math.IsInf(m, 0) {
			medians.X, medians.X2 = append(medians.X, m), append(medians.X2, m)
			medians.Y, medians.Y2 = append(medians.Y, float64(i)-0.35), append(medians.Y2, float64(i)+0.35)
		}
	}
	p.Series = []Series{points, medians}
	p.X.Log = logarithmic(points.X)
	p.fit()
	caption := fmt.Sprintf("The best %s of each run after %s evaluations.", c.Goal.Name, Thousands(c.Budget))
	if lost > 0 {
		caption += fmt.Sprintf(" %s had none by then.", count(lost, "run"))
	}
	return newFigure("compare-finals", "Best values of the runs", caption, 1, p)
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
