package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
)

// hours are how a time in seconds is told.
func hours(seconds float64) (unit string, of float64) {
	switch {
	case seconds >= 3*3600:
		return "h", 3600
	case seconds >= 180:
		return "min", 60
	case seconds >= 0.5:
		return "s", 1
	}
	return "ms", 1e-3
}

// convergence is the course of the best and of all fitnesses, along one of three coordinates.
func (d *Data) convergence(name, along string, c *course, x Axis, scale float64) *Figure {
	if len(d.Sample) == 0 {
		return nil
	}
	var panels []Panel
	c.scale = scale
	thinned, cut := false, false
	for k, goal := range d.Goals {
		ends, best := c.ends(k)
		p := Panel{X: x, Y: goal.axis()}
		var seen, middle Numbers // middle is what the axis is to show
		if n := c.all(k); n <= maxPoints {
			at, y := c.values(k)
			p.Series = append(p.Series, Series{Mark: Points, Name: "individuals", Tone: Quiet, X: at, Y: y})
			seen, middle = y, y
		} else {
			at, q := c.quantiles(k, 0.1, 0.25, 0.5, 0.75, 0.9)
			p.Series = append(p.Series,
				Series{Mark: Band, Name: "80 % of the individuals", Tone: Quiet, X: at, Y: q[0], Y2: q[4]},
				Series{Mark: Band, Name: "50 %", Tone: Quiet, X: at, Y: q[1], Y2: q[3]},
				Series{Mark: Line, Name: "median", Tone: Second, X: at, Y: q[2]})
			thinned = thinned || n > maxValues*int64(len(at))/2
			seen, middle = slices.Concat(q[0], q[2], q[4]), q[2]
		}
		p.Series = append(p.Series, Series{Mark: Steps, Name: "best so far", Tone: Main, X: ends, Y: best})
		if known := d.Known[k]; !math.IsNaN(known) && len(ends) > 0 {
			first, last := ends[0], ends[len(ends)-1]
			p.Series = append(p.Series, Series{Mark: Line, Name: "known before", Tone: Fourth, X: Numbers{first, last}, Y: Numbers{known, known}})
			best = append(best, known)
		}
		p.Y.Log = logarithmic(slices.Concat(best, seen))
		p.fit()
		cut = p.clip(goal, best, middle) || cut
		panels = append(panels, p)
	}
	noun := strings.ToLower(x.Label)
	if r := d.restarts(name); len(r.X) > 0 {
		for i := range panels {
			panels[i].Series = append(panels[i].Series, r)
		}
	}
	caption := fmt.Sprintf("The best fitness so far and that of all individuals, by %s.", noun)
	if c.unit > 0 && c.width > c.unit {
		caption = fmt.Sprintf("The best fitness so far and that of all individuals, by %s, in intervals of %s.", noun, short(c.width))
	}
	if thinned {
		caption += fmt.Sprintf(" Quantiles of an interval are those of up to %d values drawn from it.", maxValues)
	}
	if cut {
		caption += " What is much worse than the median is beyond the axis."
	}
	return newFigure(name, "Convergence by "+along, caption, 2, panels...)
}

// clip has the axis of Y show the best and the medians, whatever else there is. It reports whether something is left out.
func (p *Panel) clip(goal Goal, best, median Numbers) bool {
	finite := slices.DeleteFunc(slices.Concat(best, median), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) || p.Y.Log && v <= 0 })
	if len(finite) == 0 || p.Y.Log {
		return false
	}
	slices.Sort(finite)
	low, high := finite[0], finite[len(finite)-1]
	if goal.Maximise {
		low = min(statistics.Quantile(finite, 0.05), low+0.9*(high-low))
	} else {
		high = statistics.Quantile(finite, 0.95)
	}
	margin := 0.6 * (high - low)
	before := p.Y
	if goal.Maximise {
		p.Y.limit(max(low-margin, before.Min), before.Max, 8)
	} else {
		p.Y.limit(before.Min, min(high+margin, before.Max), 8)
	}
	if (p.Y.Max - p.Y.Min) > 0.6*(before.Max-before.Min) {
		p.Y = before
		return false
	}
	return true
}

// logarithmic reports whether values are seen best on a logarithmic axis.
func logarithmic(values Numbers) bool {
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if v <= 0 {
			return false
		}
		low, high = min(low, v), max(high, v)
	}
	return high > 100*low && high > 0
}

// restarts are where the optimizer began anew, where it tells of its runs.
func (d *Data) restarts(name string) Series {
	r := Series{Mark: Rules, Name: "restart", Tone: Third}
	if name == "convergence-time" {
		return r
	}
	last := math.NaN()
	for _, g := range d.figures {
		at := slices.Index(g.Names, "run")
		if at < 0 {
			continue
		}
		if run := g.Figures[at]; run > last {
			x := float64(g.Evaluations)
			if name == "convergence-generations" {
				x = float64(g.Generation) // the first one of the run
			}
			r.X = append(r.X, x)
			r.Text = append(r.Text, fmt.Sprintf("run %s begins", short(run)))
			last = run
		} else if math.IsNaN(last) {
			last = run
		}
	}
	if len(r.X) > 60 {
		return Series{}
	}
	return r
}

// byGenerations is the axis of all figures that go by generations: their numbers are those of the journal and of all tables, the first one being 0. A number of
// generations, "12 generations", is a count instead.
var byGenerations = Axis{Label: "Generation", Whole: true}

func convergenceEvaluations(d *Data) *Figure {
	return d.convergence("convergence", "evaluations", d.byEvaluation, Axis{Label: "Evaluations", Whole: true}, 1)
}

func convergenceGenerations(d *Data) *Figure {
	if len(d.byGeneration.cells) < 2 {
		return nil
	}
	return d.convergence("convergence-generations", "generations", d.byGeneration, byGenerations, 1)
}

func convergenceTime(d *Data) *Figure {
	if d.Seconds == 0 {
		return nil
	}
	unit, scale := hours(d.Seconds)
	return d.convergence("convergence-time", "time of all evaluations", d.bySeconds, Axis{Label: "Time of all evaluations", Unit: unit}, scale)
}

// optimizerFigures are what the optimizer says of itself.
func optimizerFigures(d *Data) *Figure {
	var names []string
	for _, g := range d.figures {
		for _, name := range g.Names {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	var panels []Panel
	for _, name := range names {
		s := Series{Mark: Line, Tone: Main}
		for _, g := range d.figures {
			if at := slices.Index(g.Names, name); at >= 0 {
				s.X = append(s.X, float64(g.Generation-1)) // the last one that is completed
				s.Y = append(s.Y, g.Figures[at])
			}
		}
		if slices.Min(s.Y) == slices.Max(s.Y) && (name == "run" || name == "population") {
			continue // it has not changed
		}
		p := Panel{Title: strings.ReplaceAll(name, "_", " "), X: byGenerations, Y: Axis{Log: logarithmic(s.Y)}, Series: []Series{s}}
		p.Y.Whole = !slices.ContainsFunc(s.Y, func(v float64) bool { return v != math.Trunc(v) })
		p.fit()
		panels = append(panels, p)
	}
	if len(panels) == 0 {
		return nil
	}
	caption := "What the optimizer, " + d.Run.Begun.Algorithm + ", tells of itself after each generation."
	if d.every > 1 {
		caption = fmt.Sprintf("What the optimizer, %s, tells of itself, after one in %d generations.", d.Run.Begun.Algorithm, d.every)
	}
	return newFigure("optimizer", "The optimizer's own figures", caption, 3, panels...)
}
