package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
)

// designs are the algorithms of package optimizer/design, which sample the space without looking at the results: their parameters are independent, as
// sensitivity indices want it.
var designs = []string{"grid", "latin_hypercube", "random", "sobol"}

// minSensed is the number of individuals from which on sensitivities are told.
const minSensed = 64

// sensitivity is how much of the variance of each goal each parameter explains by itself.
func sensitivity(d *Data) *Figure {
	if !slices.Contains(designs, d.Run.Begun.Algorithm) || len(d.Sample) < minSensed {
		return nil
	}
	columns := make([]statistics.Column, len(d.Parameters))
	for k := range columns {
		columns[k] = d.column(k, d.Sample)
	}
	var panels []Panel
	for g, goal := range d.Goals[:min(len(d.Goals), maxGoals)] {
		y := make([]float64, len(d.Sample))
		for i, m := range d.Sample {
			y[i] = m.Values[g]
		}
		if p, ok := d.sensed(columns, y); ok {
			if len(d.Goals) > 1 {
				p.Title = goal.Name
			}
			panels = append(panels, p)
		}
	}
	if len(panels) == 0 {
		return nil
	}
	caption := fmt.Sprintf("What part of the variance of the fitness each parameter explains by itself, among %s that were drawn without looking at "+
		"the results (first-order indices by the means in classes), with the range of 90 %% of %d resamples. What they lack to 100 %% together comes "+
		"of parameters that act together, or of noise.", d.sampled(), resamples)
	if len(d.Parameters) > maxRanked {
		caption += fmt.Sprintf(" The first %d of %s are shown.", maxRanked, count(len(d.Parameters), "parameter"))
	}
	return newFigure("sensitivity", "Sensitivity to each parameter", caption, 2, panels...)
}

// sensed is the panel of one goal; ok is false where it does not vary.
func (d *Data) sensed(columns []statistics.Column, y []float64) (p Panel, ok bool) {
	index := statistics.FirstOrder(columns, y)
	order := make([]int, 0, len(index))
	for k, v := range index {
		if !math.IsNaN(v) {
			order = append(order, k)
		}
	}
	if len(order) == 0 {
		return p, false
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(index[b], index[a]) })
	order = order[:min(len(order), maxRanked)]
	shown := make([]statistics.Column, len(order))
	for i, k := range order {
		shown[i] = columns[k]
	}
	bars := Series{Mark: Rects, Name: "index", Tone: Main}
	spans := Series{Mark: Segments, Name: "90 % of resamples", Tone: Quiet}
	for i, drawn := range statistics.FirstOrderResampled(shown, y, resamples, 7) {
		at, v := float64(i), index[order[i]]
		slices.Sort(drawn)
		// A resample lies above its sample as the sample does above the truth, so that the interval is the mirrored one.
		low, high := max(0, 2*v-statistics.Quantile(drawn, 0.95)), min(1, max(v, 2*v-statistics.Quantile(drawn, 0.05)))
		p.Y.Names = append(p.Y.Names, d.Parameters[order[i]].Label)
		bars.X, bars.X2 = append(bars.X, 0), append(bars.X2, v)
		bars.Y, bars.Y2 = append(bars.Y, at-0.35), append(bars.Y2, at+0.35)
		bars.Text = append(bars.Text, fmt.Sprintf("%s: %s %%", p.Y.Names[i], short(100*v)))
		spans.X, spans.X2 = append(spans.X, low), append(spans.X2, high)
		spans.Y, spans.Y2 = append(spans.Y, at), append(spans.Y2, at)
	}
	p.X = Axis{Label: "Share of the variance"}
	p.Series = []Series{bars, spans}
	p.fit()
	p.X.Min = 0
	return p, true
}
