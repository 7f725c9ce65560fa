package figure

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// failures are the reasons, by how often they were given.
func failures(d *Data) *Figure {
	if len(d.Reasons) == 0 {
		return nil
	}
	const most = 12
	p := Panel{X: Axis{Label: "Evaluations", Whole: true}}
	byEnding := map[l2l.Ending]*Series{}
	var order []l2l.Ending
	rest := d.Others
	for i, r := range d.Reasons {
		if i >= most {
			rest += r.Count
			continue
		}
		s := byEnding[r.Ending]
		if s == nil {
			s = &Series{Mark: Rects, Name: r.Ending.String(), Tone: Nth(int(r.Ending))}
			byEnding[r.Ending] = s
			order = append(order, r.Ending)
		}
		s.X, s.X2 = append(s.X, 0), append(s.X2, float64(r.Count))
		s.Y, s.Y2 = append(s.Y, float64(i)-0.35), append(s.Y2, float64(i)+0.35)
		s.Text = append(s.Text, fmt.Sprintf("%s: %s, the first time individual %d", r.Text, count(r.Count, "evaluation"), r.Individual))
		p.Y.Names = append(p.Y.Names, cmp.Or(r.Text, r.Ending.String()))
	}
	for _, ending := range order {
		p.Series = append(p.Series, *byEnding[ending])
	}
	p.fit()
	p.X.Min = 0
	failed := int64(0)
	for _, r := range d.Reasons {
		failed += r.Count
	}
	caption := fmt.Sprintf("Why %s of %s failed; numbers in a reason are written N.", Thousands(failed+d.Others), count(d.Evaluations, "evaluation"))
	if rest > 0 {
		caption += fmt.Sprintf(" %s had other reasons.", Thousands(rest))
	}
	f := newFigure("failures", "Failures by their reasons", caption, 1, p)
	f.Wide = true
	return f
}

// failureRegions is where in the space individuals fail.
func failureRegions(d *Data) *Figure {
	const least, most, bins = 5, 6, 10
	if len(d.Failures) < least || len(d.Sample) < least {
		return nil
	}
	// A member of either sample stands for as many as were drawn from.
	bad := float64(d.Failed) / float64(len(d.Failures))
	good := float64(d.Individuals-d.Failed) / float64(len(d.Sample))
	type region struct {
		k      int
		spread float64 // of the rates, weighted by how many are in a bin
		panel  Panel
	}
	overall := float64(d.Failed) / float64(d.Individuals)
	var all []region
	for k, parameter := range d.Parameters {
		n := bins
		column, of := d.column(k, d.Failures), d.column(k, d.Sample)
		var edges []float64
		if len(parameter.Choices) > 0 {
			n = len(parameter.Choices)
		} else { // as many individuals in each interval
			both := slices.Concat(column.Values, of.Values)
			slices.Sort(both)
			for i := 1; i < n; i++ {
				edges = append(edges, both[i*len(both)/n])
			}
			edges = append([]float64{both[0]}, append(slices.Compact(edges), both[len(both)-1])...)
			n = len(edges) - 1
		}
		bin := func(v float64) int {
			if edges == nil {
				return int(v)
			}
			at, _ := slices.BinarySearch(edges[1:n], v)
			if at < n-1 && edges[at+1] == v {
				at++
			}
			return at
		}
		fails, all2 := make([]float64, n), make([]float64, n)
		for _, v := range column.Values {
			fails[bin(v)] += bad
			all2[bin(v)] += bad
		}
		for _, v := range of.Values {
			all2[bin(v)] += good
		}
		r := region{k: k}
		s := Series{Mark: Rects, Tone: Second}
		for i := range n {
			if all2[i] == 0 {
				continue
			}
			rate := fails[i] / all2[i]
			r.spread += all2[i] / float64(d.Individuals) * (rate - overall) * (rate - overall)
			from, to := float64(i)-0.35, float64(i)+0.35
			if edges != nil {
				from, to = d.value(k, edges[i]), d.value(k, edges[i+1])
			}
			s.X, s.X2, s.Y, s.Y2 = append(s.X, from), append(s.X2, to), append(s.Y, 0), append(s.Y2, 100*rate)
			s.Text = append(s.Text, fmt.Sprintf("%s %% of %.0f", short(100*rate), all2[i]))
		}
		r.panel = Panel{X: parameter.axis(), Y: Axis{Label: "failed", Unit: "%"}, Series: []Series{s}}
		r.panel.fit()
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b region) int { return cmp.Compare(b.spread, a.spread) })
	var panels []Panel
	high := 0.0 // one scale, for they are to be compared
	for _, r := range all[:min(len(all), most)] {
		panels, high = append(panels, r.panel), max(high, r.panel.Y.Max)
	}
	for i := range panels {
		panels[i].Y.Min, panels[i].Y.Max = 0, min(high, 100)
	}
	caption := fmt.Sprintf("How many individuals failed, by the values of the parameters on which it depends most; of all, %s %%.", short(100*overall))
	if more := len(all) - len(panels); more > 0 {
		caption += " " + More(more) + "."
	}
	return newFigure("failure-regions", "Where individuals fail", caption, 3, panels...)
}
