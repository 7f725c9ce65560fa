package figure_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// mixed is an optimizee with a parameter of every kind, of which x matters most and "on" not at all, and which fails where x is large.
type mixed struct {
	Goals int     `yaml:"goals" doc:"objectives" range:"[1, 2]"`
	Fail  float64 `yaml:"fail" doc:"x from which on it fails" range:"(-inf, inf)"`
}

func (m *mixed) Space() optimizee.Space {
	return optimizee.Space{
		{Name: "x", Lower: -2, Upper: 2, Unit: "mV"}, {Name: "tau", Lower: 1, Upper: 1000, Log: true, Unit: "ms"},
		{Name: "n", Kind: optimizee.Int, Lower: 1, Upper: 5}, {Name: "on", Kind: optimizee.Bool},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm", "oja"}}, {Name: "w", Size: 2, Lower: -1, Upper: 1},
	}
}

func (m *mixed) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "gain", Direction: optimizee.Maximise, Unit: "nA"}, {Name: "cost", Direction: optimizee.Minimise}}[:m.Goals]
}

func (m *mixed) Evaluate(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	x, tau := e.Float("x"), math.Log10(e.Float("tau"))
	if x > m.Fail {
		return optimizee.Outcome{}, fmt.Errorf("diverged at x = %v\nafter 3 steps", x)
	}
	gain := -4*(x-0.5)*(x-0.5) - 0.3*(tau-1)*(tau-1) - 0.1*float64(e.Int("n"))
	if e.Choice("rule") == "oja" {
		gain -= 0.5
	}
	return optimizee.Outcome{Fitness: []float64{gain, math.Abs(x) + tau}[:m.Goals]}, nil
}

var kinds = config.Kinds{
	Optimizees: []optimizee.Type{functions.Type, {Name: "mixed", New: func() optimizee.Optimizee { return &mixed{Goals: 1, Fail: 1.5} }}},
	Optimizers: catalogue.All(),
}

// begin runs a configuration in a directory of the test.
func begin(t *testing.T, text string, options ...run.Option) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run")
	plan, err := config.Parse("run.yaml", []byte(text), kinds)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Run(t.Context(), mpi.Local(1)[0], plan.In(dir), options...); err != nil {
		t.Fatal(err)
	}
	return dir
}

func gather(t *testing.T, dir string) *figure.Data {
	t.Helper()
	r, err := report.Open(dir, kinds.Search)
	if err != nil {
		t.Fatal(err)
	}
	d, err := figure.Gather(r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// all are the figures of a run by their names, each whole.
func all(t *testing.T, d *figure.Data) map[string]*figure.Figure {
	t.Helper()
	out := map[string]*figure.Figure{}
	for _, kind := range figure.Kinds() {
		f := kind.Make(d)
		if f == nil {
			continue
		}
		if f.Name != kind.Name || f.Empty() || f.Title == "" || !strings.HasSuffix(strings.TrimSpace(f.Caption), ".") || f.Columns < 1 {
			t.Errorf("%s: %+v", kind.Name, f)
		}
		for _, p := range f.Panels {
			checkPanel(t, f.Name, p)
		}
		out[f.Name] = f
	}
	return out
}

// checkPanel has a panel's series fit together, and its axes hold them.
func checkPanel(t *testing.T, name string, p figure.Panel) {
	t.Helper()
	if p.Parallel != nil {
		for _, row := range p.Parallel.Rows {
			if len(row) != len(p.Parallel.Axes) {
				t.Errorf("%s: %d values for %d axes", name, len(row), len(p.Parallel.Axes))
			}
		}
		return
	}
	for _, a := range []figure.Axis{p.X, p.Y} {
		if !(a.Min < a.Max) || math.IsInf(a.Max-a.Min, 0) || a.Log && a.Min <= 0 {
			t.Errorf("%s: axis %+v", name, a)
		}
		if a.Whole && (a.Min != math.Trunc(a.Min) || a.Max != math.Trunc(a.Max)) {
			t.Errorf("%s: what is counted has an axis from %v to %v", name, a.Min, a.Max)
		}
	}
	for _, s := range p.Series {
		for _, n := range []figure.Numbers{s.Y, s.X2, s.Y2, s.Value} {
			if len(n) != 0 && len(n) != len(s.X) {
				t.Errorf("%s: series %q has %d values at %d places", name, s.Name, len(n), len(s.X))
			}
		}
		if s.Value != nil && p.Shade == nil {
			t.Errorf("%s: series %q has values, and there are no colours for them", name, s.Name)
		}
		for _, x := range s.X {
			if x < p.X.Min-1e-9 || x > p.X.Max+1e-9*math.Abs(p.X.Max) {
				t.Errorf("%s: series %q has x = %v, and the axis is [%v, %v]", name, s.Name, x, p.X.Min, p.X.Max)
			}
		}
	}
}

func series(t *testing.T, f *figure.Figure, panel int, name string) figure.Series {
	t.Helper()
	for _, s := range f.Panels[panel].Series {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("%s has no series %q", f.Name, name)
	return figure.Series{}
}

func TestFiguresOfARunSayWhatItDid(t *testing.T) {
	dir := begin(t, "seed: 1\noptimizee: {type: mixed}\noptimizer: {type: random, pop_size: 50}\nstop: {evaluations: 1000}\nexecution: {slots: 2}\n")
	d := gather(t, dir)
	figures := all(t, d)
	for _, name := range []string{"convergence", "convergence-generations", "convergence-time", "importance", "parameters", "slices", "pairs",
		"parallel", "best", "correlation", "failures", "failure-regions", "times", "utilisation", "timeline"} {
		if figures[name] == nil {
			t.Errorf("no figure %s", name)
		}
	}
	for _, name := range []string{"front", "hypervolume", "posterior", "posterior-pairs"} {
		if figures[name] != nil {
			t.Errorf("a figure %s of one objective and no posterior", name)
		}
	}
	r, err := report.Open(dir, kinds.Search)
	if err != nil {
		t.Fatal(err)
	}
	best, err := r.Best()
	if err != nil {
		t.Fatal(err)
	}
	if d.Best[0].ID != best.ID || d.Best[0].Values[0] != best.Fitness[0] {
		t.Errorf("best %+v, want %+v", d.Best[0], best)
	}
	ended, success := 0.0, 0.0 // evaluations, up to the last success; which slot ends last is chance
	for e, err := range r.Evaluations() {
		if err != nil {
			t.Fatal(err)
		}
		if ended++; e.Result.Ending == l2l.OK {
			success = ended
		}
	}
	so := series(t, figures["convergence"], 0, "best so far")
	if got := so.Y[len(so.Y)-1]; got != best.Fitness[0] || !slices.IsSorted(so.Y) || so.X[len(so.X)-1] != success {
		t.Errorf("the best so far is %v in the end, at %v, want %v at %v", got, so.X[len(so.X)-1], best.Fitness[0], success)
	}
	names := figures["importance"].Panels[0].Y.Names
	bars := series(t, figures["importance"], 0, "importance")
	if names[0] != "x" || slices.Index(names, "tau") > 3 {
		t.Errorf("importance of %v: %v", names, bars.X2)
	}
	if d.Reasons[0].Text != "diverged at x = N" || d.Reasons[0].Count != d.Failed {
		t.Errorf("reasons %+v of %d failures", d.Reasons, d.Failed)
	}
	if first := figures["failure-regions"].Panels[0]; first.X.Label != "x" || first.Series[0].Y2[len(first.Series[0].Y2)-1] < 95 {
		t.Errorf("failures depend most on %s: %v", first.X.Label, first.Series[0].Y2)
	}
	total := 0.0
	for _, p := range figures["times"].Panels {
		for _, s := range p.Series {
			for i := range s.Y {
				total += s.Y2[i] - s.Y[i]
			}
		}
	}
	if total != 1000 {
		t.Errorf("times of %v evaluations, want 1000", total)
	}
}

// A generation has in all figures the number that the journal gives it.
func TestFiguresHaveTheNumbersOfGenerationsThatIndividualsHave(t *testing.T) {
	for _, pop := range []int{5, 7, 20} { // 12, 9 and 3 generations, the last of the 9 cut short
		dir := begin(t, fmt.Sprintf("seed: 1\noptimizee: {type: mixed}\noptimizer: {type: crossentropy, pop_size: %d}\nstop: {evaluations: 60}\n", pop))
		last := float64((60 - 1) / pop)
		seen := 0
		for name, f := range all(t, gather(t, dir)) {
			for _, p := range f.Panels {
				if p.X.Label != "Generation" {
					continue
				}
				seen++
				if !p.X.Whole || p.X.Step(p.X.Max-p.X.Min, 5) < 1 {
					t.Errorf("%s: the axis %+v has ticks between generations", name, p.X)
				}
				for _, s := range p.Series {
					for _, x := range s.X {
						if x != math.Trunc(x) || x < 0 || x > last {
							t.Errorf("%s: %q has something at generation %v of 0 to %v", name, s.Name, x, last)
						}
					}
				}
			}
		}
		for _, s := range all(t, gather(t, dir))["convergence"].Panels[0].Series {
			if first, end := slices.Min(s.X), slices.Max(s.X); first < 1 || end > 60 {
				t.Errorf("%q goes from evaluation %v to %v, want 1 to 60", s.Name, first, end)
			}
		}
		f := all(t, gather(t, dir))["convergence-generations"]
		if x := series(t, f, 0, "best so far").X; x[0] != 0 || x[len(x)-1] != last {
			t.Errorf("convergence from generation %v to %v, want 0 to %v", x[0], x[len(x)-1], last)
		}
		if seen < 4 {
			t.Errorf("%d panels go by generations", seen)
		}
	}
}

func TestFiguresHaveBarsOfWholeNumbers(t *testing.T) {
	d := gather(t, begin(t, "seed: 1\noptimizee: {type: mixed}\noptimizer: {type: random}\nstop: {evaluations: 300}\n"))
	for _, p := range all(t, d)["best"].Panels {
		if p.X.Label != "n" { // a whole number from 1 to 5
			continue
		}
		for i, from := range p.Series[0].X {
			if from+0.5 != math.Trunc(from+0.5) || p.Series[0].X2[i] != from+1 {
				t.Errorf("a bar from %v to %v is not one of whole numbers", from, p.Series[0].X2[i])
			}
		}
		return
	}
	t.Error("no bars of n")
}

func TestFiguresOfSeveralObjectivesHaveTheFront(t *testing.T) {
	dir := begin(t, "seed: 1\noptimizee: {type: mixed, goals: 2}\noptimizer: {type: nsga2, pop_size: 40}\nstop: {evaluations: 800}\n")
	d := gather(t, dir)
	figures := all(t, d)
	r, err := report.Open(dir, kinds.Search)
	if err != nil {
		t.Fatal(err)
	}
	front, err := r.Front()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []int64
	for _, i := range front {
		want = append(want, i.ID)
	}
	for _, m := range d.Front {
		got = append(got, m.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("front %v, want %v", got, want)
	}
	if s := series(t, figures["front"], 0, "front"); len(s.X) != len(want) || figures["front"].Panels[0].X.Text() != "gain (nA)" {
		t.Errorf("%d points on %s", len(s.X), figures["front"].Panels[0].X.Text())
	}
	volume := figures["hypervolume"].Panels[0].Series[0].Y
	if !slices.IsSorted(volume) || volume[len(volume)-1] <= 0 {
		t.Errorf("hypervolume %v", volume)
	}
	if result, err := report.ReadResult(dir); err != nil || result.FrontCut == "" && math.Abs(volume[len(volume)-1]/result.Hypervolume.Value-1) > 1e-9 {
		t.Errorf("hypervolume %v in the end, want %v, %v", volume[len(volume)-1], result.Hypervolume, err)
	}
}

func TestFiguresOfAPosteriorAreItsWeights(t *testing.T) {
	d := gather(t, begin(t, "seed: 1\noptimizee: {type: function, name: sphere, dim: 2}\n"+
		"optimizer: {type: abc_smc, particles: 60}\nstop: {generations: 4}\n"))
	figures := all(t, d)
	if figures["best"] != nil || figures["posterior-pairs"] == nil {
		t.Error("a posterior is shown as the best individuals")
	}
	sum := 0.0
	for _, y := range figures["posterior"].Panels[0].Series[0].Y2 {
		sum += y
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the shares of a posterior add up to %v", sum)
	}
}

// A run may be looked at from its first event on, and when it was cut off anywhere.
func TestFiguresOfADesignHaveSensitivities(t *testing.T) {
	dir := begin(t, "optimizee: {type: mixed, goals: 2, fail: 3}\noptimizer: {type: sobol}\nstop: {evaluations: 1024}\n")
	f := all(t, gather(t, dir))["sensitivity"]
	if f == nil || len(f.Panels) != 2 {
		t.Fatalf("the sensitivities are %+v", f)
	}
	for k, want := range []string{"x", "tau"} { // what matters most to the gain, and to the cost, tau from 0 to 3 and |x| from 0 to 2
		if p := f.Panels[k]; p.Y.Names[0] != want || p.Series[0].X2[0] < 0.5 || p.Series[0].X2[2] > 0.1 {
			t.Errorf("to %s matter %v, by %v", p.Title, p.Y.Names, p.Series[0].X2)
		}
	}
	if f := all(t, gather(t, begin(t, "optimizee: {type: mixed}\noptimizer: {type: cmaes}\nstop: {evaluations: 200}\n")))["sensitivity"]; f != nil {
		t.Error("a search has sensitivities: its individuals depend on each other")
	}
}

func TestFiguresOfAWarmStartHaveWhatWasKnown(t *testing.T) {
	first := begin(t, "optimizee: {type: mixed}\noptimizer: {type: random}\nstop: {evaluations: 60}\n")
	before := gather(t, first)
	d := gather(t, begin(t, "optimizee: {type: mixed}\noptimizer: {type: cmaes}\nstop: {evaluations: 60}\nwarm_start: {run: "+first+"}\n"))
	if want := before.Improved[len(before.Improved)-1].Values[0]; d.Known[0] != want {
		t.Errorf("known is %v, want %v, the best of the run before", d.Known, want)
	}
	f := all(t, d)["convergence"]
	if !slices.ContainsFunc(f.Panels[0].Series, func(s figure.Series) bool { return s.Name == "known before" && s.Y[0] == d.Known[0] }) {
		t.Errorf("the convergence does not show it: %+v", f.Panels[0].Series)
	}
}

func TestFiguresOfARunWithoutResultsAreFew(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "run")
	plan, err := config.Parse("run.yaml", []byte("optimizee: {type: function, name: sphere, dim: 1}\noptimizer: {type: cmaes}\n"+
		"stop: {evaluations: 100}\n"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Run(ctx, mpi.Local(1)[0], plan.In(dir)); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if figures := all(t, gather(t, dir)); len(figures) > 3 {
		t.Errorf("%d figures of nothing", len(figures))
	}
	for _, n := range []int{1, 2, 3, 12} {
		all(t, gather(t, begin(t, fmt.Sprintf("seed: 1\noptimizee: {type: function, name: sphere, dim: 1}\n"+
			"optimizer: {type: random, pop_size: 4}\nstop: {evaluations: %d}\n", n))))
	}
}

// Of more individuals than are kept, and more parameters than are shown, the figures say so, and the best and the counts are still exact.
func TestFiguresOfALargeRunSayWhatIsLeftOut(t *testing.T) {
	if testing.Short() {
		t.Skip("a large run takes its time")
	}
	d := gather(t, begin(t, "seed: 1\noptimizee: {type: function, name: sphere, dim: 120}\n"+
		"optimizer: {type: random, pop_size: 500}\nstop: {evaluations: 18000}\n"))
	figures := all(t, d)
	if len(d.Sample) >= 18000 || d.Individuals != 18000 || !strings.Contains(figures["importance"].Caption, "drawn from 18,000") {
		t.Errorf("a sample of %d: %s", len(d.Sample), figures["importance"].Caption)
	}
	if !strings.Contains(figures["slices"].Caption, "111 more are not shown") ||
		!strings.Contains(figures["importance"].Caption, "100 more are not shown") {
		t.Errorf("%s\n%s", figures["slices"].Caption, figures["importance"].Caption)
	}
	for _, s := range figures["importance"].Panels[0].Series {
		if len(s.X2) > 0 && slices.Max(s.X2) > 1 {
			t.Errorf("%s of the importance reaches a share of %v", s.Name, slices.Max(s.X2))
		}
	}
	b, err := json.Marshal(figures)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 4<<20 {
		t.Errorf("the figures have %d bytes", len(b))
	}
}

func TestNumbersInJSONAreShortAndNullWhereTheyAreNone(t *testing.T) {
	b, err := json.Marshal(figure.Numbers{1.23456789, 1234567, math.NaN(), math.Inf(-1), -0.000012345678})
	if want := "[1.2346,1234567,null,null,-1.2346e-05]"; err != nil || string(b) != want {
		t.Errorf("%s, %v, want %s", b, err, want)
	}
}

func TestNumbersKeepTheDigitsInWhichTheyDiffer(t *testing.T) {
	for _, c := range []struct {
		n    figure.Numbers
		want string
	}{
		{figure.Numbers{0.123456789, 5.123456789, 1e-7, 3}, "[0.12346,5.1235,1e-07,3]"},
		{figure.Numbers{0.20168951, 0.20168952, 0.20168953, math.NaN()}, "[0.20168951,0.20168952,0.20168953,null]"},
		{figure.Numbers{0.20168951}, "[0.20168951]"}, // among others that differ from it by little
		{figure.Numbers{1e300, -1e300, 1, 1.5}, "[1e+300,-1e+300,1,1.5]"},
	} {
		got, err := json.Marshal(c.n)
		if err != nil || string(got) != c.want {
			t.Errorf("%v is written as %s (%v), want %s", []float64(c.n), got, err, c.want)
		}
	}
}
