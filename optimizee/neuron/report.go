package neuron

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

var _ optimizee.Tester = (*Fit)(nil)

// Row is a step with what the cell did and what the model does.
type Row struct {
	Step
	Training     bool
	Fit          Response
	Interpolated int // the spike count one would guess without a model; see Compare
}

// Latency is the difference of the first-spike latencies, ms, where the cell spiked and NaN elsewhere. A silent model counts as spiking
// at the step's end.
func (r Row) Latency() float64 {
	if len(r.Spikes) == 0 {
		return math.NaN()
	}
	return math.Abs(first(r.Fit.Spikes, r.Duration) - first(r.Spikes, r.Duration))
}

// Compare runs the model on all steps of the recording: first those for training, then the held-out ones, each in the order of
// time. Each row also has the count interpolated linearly between the training steps of the two nearest currents, among those that
// start alike (from rest, or from another step; if there are none, among all): what a fit must be compared to.
func (f *Fit) Compare(ctx context.Context, m AdEx) ([]Row, error) {
	responses, err := f.all.run(ctx, m)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, s := range f.steps {
		rows = append(rows, Row{Step: s.Step, Training: s.training, Fit: responses[s.pulse], Interpolated: f.interpolated(s.Step)})
	}
	return rows, nil
}

// interpolated returns the count for a step, from the recorded ones of the training steps.
func (f *Fit) interpolated(s Step) int {
	known := func(like func(Step) bool) map[float64][]float64 {
		counts := map[float64][]float64{}
		for _, t := range f.steps {
			if t.training && like(t.Step) {
				counts[t.Current] = append(counts[t.Current], float64(len(t.Spikes)))
			}
		}
		return counts
	}
	counts := known(func(t Step) bool { return (t.Before < 0) == (s.Before < 0) })
	if len(counts) == 0 {
		counts = known(func(Step) bool { return true })
	}
	below, above := math.Inf(-1), math.Inf(1)
	for current := range counts {
		if current <= s.Current {
			below = max(below, current)
		}
		if current >= s.Current {
			above = min(above, current)
		}
	}
	switch { // beyond the outermost current, the count there
	case math.IsInf(below, -1):
		below = above
	case math.IsInf(above, 1):
		above = below
	}
	count := mean(counts[below])
	if above > below {
		count += (mean(counts[above]) - count) * (s.Current - below) / (above - below)
	}
	return int(math.Round(count))
}

// Summary is how well a set of steps is met.
type Summary struct {
	Steps           int
	Exact, Within1  int     // steps with the cell's spike count, and with one that differs by at most 1
	Latency         float64 // median of Row.Latency, ms; NaN if the cell never spiked
	Voltage         float64 // root mean square difference of the steady voltages where the cell was silent, mV; NaN if it never was
	BaselineExact   int     // as Exact and Within1, for the interpolated counts
	BaselineWithin1 int
}

// Summarise adds up the rows.
func Summarise(rows []Row) Summary {
	s := Summary{Steps: len(rows), Latency: math.NaN(), Voltage: math.NaN()}
	var latencies, squares []float64
	for _, r := range rows {
		tally(len(r.Fit.Spikes)-len(r.Spikes), &s.Exact, &s.Within1)
		tally(r.Interpolated-len(r.Spikes), &s.BaselineExact, &s.BaselineWithin1)
		if len(r.Spikes) > 0 {
			latencies = append(latencies, r.Latency())
		} else {
			d := r.Fit.Steady - r.Steady
			squares = append(squares, d*d)
		}
	}
	if n := len(latencies); n > 0 {
		slices.Sort(latencies)
		s.Latency = (latencies[(n-1)/2] + latencies[n/2]) / 2
	}
	if len(squares) > 0 {
		s.Voltage = math.Sqrt(mean(squares))
	}
	return s
}

func tally(difference int, exact, within1 *int) {
	if difference == 0 {
		*exact++
	}
	if -1 <= difference && difference <= 1 {
		*within1++
	}
}

// Report compares the individual to the cell, step by step and in sum, in tables of plain text.
func (f *Fit) Report(ctx context.Context, e optimizee.Evaluation, w io.Writer) error {
	m := model(e.Params)
	rows, err := f.Compare(ctx, m)
	if err != nil {
		return err
	}
	rest := m.Run(m.Leak(), 0, settling)

	var b strings.Builder
	fmt.Fprintf(&b, "Cell (%s) and fit. A first pulse starts from rest, a second one straight from another step.\n", f.Data)
	fmt.Fprintf(&b, "Rest: cell %.2f mV, fit %.2f mV.\n", f.resting, rest.Steady)
	for _, training := range []bool{true, false} {
		title := "Held-out steps"
		if training {
			title = "Training steps"
		}
		fmt.Fprintf(&b, "\n%-26s     spikes     first spike, ms    steady voltage, mV\n", title)
		fmt.Fprintf(&b, table, "sweep", "current, pA", "pulse", "cell", "fit", "cell", "fit", "cell", "fit")
		for _, r := range rows {
			if r.Training == training {
				row(&b, r)
			}
		}
	}

	fmt.Fprintf(&b, "\n%-23s    spike counts         first spike,      voltage,  interpolated counts\n", "Sum")
	fmt.Fprintf(&b, sums, "", "exact", "within 1", "of", "median ms", "RMS mV", "exact", "within 1")
	for _, set := range sets {
		s := set.of(rows)
		fmt.Fprintf(&b, sums, set.name, fmt.Sprint(s.Exact), fmt.Sprint(s.Within1), fmt.Sprint(s.Steps),
			number(s.Latency), number(s.Voltage), fmt.Sprint(s.BaselineExact), fmt.Sprint(s.BaselineWithin1))
	}
	b.WriteString("First spike and voltage are differences of fit and cell. " +
		"Interpolated counts are drawn between the training steps, without a model.\n")
	_, err = io.WriteString(w, b.String())
	return err
}

// Test implements optimizee.Tester: the steps that were held out beside those for training, and what a guess without a model is worth on them.
func (f *Fit) Test(ctx context.Context, found optimizee.Found, _, _ io.Writer) (scores optimizee.Scores, err error) {
	rows, err := f.Compare(ctx, model(found.Params))
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		s := set.of(rows)
		for _, v := range []struct {
			name  string
			value float64
		}{
			{"steps", float64(s.Steps)}, {"exact", float64(s.Exact)}, {"within 1", float64(s.Within1)}, {"first spike, ms", s.Latency},
			{"voltage, mV", s.Voltage}, {"interpolated: exact", float64(s.BaselineExact)}, {"interpolated: within 1", float64(s.BaselineWithin1)},
		} {
			scores = append(scores, optimizee.Score{Of: set.name, Name: v.name, Value: v.value})
		}
	}
	return scores, nil
}

// set is a part of the steps.
type set struct {
	name string
	has  func(Row) bool
}

// sets are what sums are of.
var sets = []set{
	{"training", func(r Row) bool { return r.Training }},
	{"held out", func(r Row) bool { return !r.Training }},
	{"held out, first pulses", func(r Row) bool { return !r.Training && r.Before < 0 }},
	{"held out, second pulses", func(r Row) bool { return !r.Training && r.Before >= 0 }},
}

// of is the summary of those of the rows.
func (s set) of(rows []Row) Summary {
	return Summarise(slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !s.has(r) }))
}

// Layouts of a line: of the tables of steps, and of that of sums.
const (
	table = "%5s  %11s  %-6s  %5s %5s  %8s %8s  %10s %10s\n"
	sums  = "%-23s  %5s  %8s  %5s  %11s  %11s  %18s  %8s\n"
)

func row(w io.Writer, r Row) {
	pulse := "first"
	if r.Before >= 0 {
		pulse = "second"
	}
	latency, steady := math.NaN(), math.NaN()
	if len(r.Fit.Spikes) > 0 {
		latency = r.Fit.Spikes[0]
	} else {
		steady = r.Fit.Steady
	}
	recorded := math.NaN()
	if len(r.Spikes) > 0 {
		recorded = r.Spikes[0]
	}
	fmt.Fprintf(w, table, fmt.Sprint(r.Sweep), fmt.Sprint(r.Current), pulse, fmt.Sprint(len(r.Spikes)), fmt.Sprint(len(r.Fit.Spikes)),
		number(recorded), number(latency), number(r.Steady), number(steady))
}

// number shows a figure to 1/100, and one that there is none of as a dash.
func number(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.2f", x)
}
