package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
)

// goodShare is the share of the individuals that count as good.
const goodShare = 0.1

// weight is how much a parameter matters.
type weight struct {
	parameter int
	value     float64
	low, high float64 // 0.05 and 0.95-quantiles over resamples; NaN where it was not resampled
	chance    float64 // what one without influence would have
}

const (
	minRanked = 20 // individuals from which on parameters are ranked
	maxRanked = 20 // parameters that are shown, and resampled
	resamples = 40
)

// column is a parameter in the coordinate that is searched.
func (d *Data) column(k int, members []Member) statistics.Column {
	p := d.Parameters[k]
	c := statistics.Column{Values: make([]float64, len(members)), Choices: len(p.Choices), Lower: p.Lower, Upper: p.Upper}
	for i, m := range members {
		c.Values[i] = m.X[k]
	}
	if p.Log {
		c.Lower, c.Upper = math.Log(c.Lower), math.Log(c.Upper)
		for i, v := range c.Values {
			c.Values[i] = math.Log(v)
		}
	}
	return c
}

// scores are what members are ranked by: their score, or, with several goals, the mean of their ranks in each.
func (d *Data) scores(members []Member) []float64 {
	out := make([]float64, len(members))
	if len(d.Goals) == 1 {
		for i, m := range members {
			out[i] = m.Score
		}
		return out
	}
	for k, goal := range d.Goals {
		column := make([]float64, len(members))
		for i, m := range members {
			column[i] = goal.loss(m.Values[k])
		}
		for i, r := range statistics.Ranks(column) {
			out[i] += r / float64(len(d.Goals))
		}
	}
	return out
}

// importance ranks the parameters, once. It is empty where there is too little to rank them by.
func (d *Data) importance() []weight {
	if d.weights != nil || len(d.Sample) < minRanked {
		return d.weights
	}
	loss := d.scores(d.Sample)
	if slices.Min(loss) == slices.Max(loss) {
		return nil
	}
	columns := make([]statistics.Column, len(d.Parameters))
	for k := range columns {
		columns[k] = d.column(k, d.Sample)
	}
	for k, v := range statistics.Importance(columns, statistics.Good(loss, goodShare)) {
		d.weights = append(d.weights, weight{k, v, math.NaN(), math.NaN(), math.NaN()})
	}
	slices.SortStableFunc(d.weights, func(a, b weight) int { return cmp.Compare(b.value, a.value) })
	top := d.weights[:min(len(d.weights), maxRanked)]
	shown := make([]statistics.Column, len(top))
	for i, w := range top {
		shown[i] = columns[w.parameter]
	}
	drawn, chance := statistics.Resampled(shown, loss, goodShare, resamples, 5)
	// What is shown is a share: that of a resample is one of the importances there, of which those that are not drawn again are as they were.
	whole, rest := 0.0, 0.0
	for i, w := range d.weights {
		whole += w.value
		if i >= len(top) {
			rest += w.value
		}
	}
	for r := range resamples {
		sum := rest
		for i := range drawn {
			sum += drawn[i][r]
		}
		for i := range drawn {
			drawn[i][r] *= whole / max(sum, math.SmallestNonzeroFloat64)
		}
	}
	for i := range top {
		slices.Sort(drawn[i])
		top[i].low, top[i].high = statistics.Quantile(drawn[i], 0.05), statistics.Quantile(drawn[i], 0.95)
		top[i].chance = chance[i]
	}
	return d.weights
}

// matters lists at most n parameters, those that matter most first, or, where that is not known, as the space has them; and says of how many others
// nothing is shown.
func (d *Data) matters(n int) (shown []int, left string) {
	if d.order == nil {
		for _, w := range d.importance() {
			d.order = append(d.order, w.parameter)
		}
		if d.weights == nil {
			for k := range d.Parameters {
				d.order = append(d.order, k)
			}
		}
	}
	shown = d.order[:min(n, len(d.order))]
	if more := len(d.order) - len(shown); more > 0 {
		which := "that matter most"
		if d.weights == nil {
			which = "that come first"
		}
		left = fmt.Sprintf(" These are the %d parameters %s; %s.", len(shown), which, More(more))
	}
	return shown, left
}

func importanceFigure(d *Data) *Figure {
	weights := d.importance()
	if weights == nil {
		return nil
	}
	total := 0.0
	for _, w := range weights {
		total += w.value
	}
	if total == 0 {
		return nil
	}
	top := weights[:min(len(weights), maxRanked)]
	bars := Series{Mark: Rects, Name: "importance", Tone: Main}
	spans := Series{Mark: Segments, Name: "90 % of resamples", Tone: Quiet}
	chance := Series{Mark: Segments, Name: "by chance", Tone: Second}
	var names []string
	for i, w := range top {
		y := float64(i)
		names = append(names, d.Parameters[w.parameter].Label)
		bars.X, bars.X2 = append(bars.X, 0), append(bars.X2, w.value/total)
		bars.Y, bars.Y2 = append(bars.Y, y-0.35), append(bars.Y2, y+0.35)
		bars.Text = append(bars.Text, fmt.Sprintf("%s: %s %%, by chance up to %s %%", names[i], short(100*w.value/total), short(100*w.chance/total)))
		spans.X, spans.X2 = append(spans.X, w.low/total), append(spans.X2, w.high/total)
		spans.Y, spans.Y2 = append(spans.Y, y), append(spans.Y2, y)
		chance.X, chance.X2 = append(chance.X, w.chance/total), append(chance.X2, w.chance/total)
		chance.Y, chance.Y2 = append(chance.Y, y-0.45), append(chance.Y2, y+0.45)
	}
	p := Panel{X: Axis{Label: "Share of the importance"}, Y: Axis{Names: names}, Series: []Series{bars, spans, chance}}
	p.fit()
	p.X.Min = 0
	caption := fmt.Sprintf("How much the values of each parameter differ between the best tenth of %s and all of them (PED-ANOVA), with the "+
		"range of 90 %% of %d resamples, and what a parameter without influence would have by chance.", d.sampled(), resamples)
	if len(d.Goals) > 1 {
		caption += " The best tenth is that with the best mean rank in all objectives."
	}
	if more := len(weights) - len(top); more > 0 {
		rest := 0.0
		for _, w := range weights[len(top):] {
			rest += w.value
		}
		caption += fmt.Sprintf(" %s; together that is %s %%.", More(more), short(100*rest/total))
	}
	return newFigure("importance", "Importance of the parameters", caption, 1, p)
}

// sampled says what the sample is of.
func (d *Data) sampled() string {
	if good := d.Individuals - d.Failed; int64(len(d.Sample)) < good {
		return fmt.Sprintf("%s individuals, drawn from %s", Thousands(int64(len(d.Sample))), Thousands(good))
	}
	return "all " + count(len(d.Sample), "individual")
}

// Shown are the indexes of at most n parameters: those that matter most first or, where that is not known, as the space has them.
func Shown(d *Data, n int) []int {
	shown, _ := d.matters(n)
	return shown
}
