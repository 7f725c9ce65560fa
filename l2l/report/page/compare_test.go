package page_test

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/l2l/report/page"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// searched runs a function with an optimizer, once for each seed.
func searched(t *testing.T, function, optimizer string, evaluations int, seeds ...int) (out []*figure.Data) {
	t.Helper()
	for _, seed := range seeds {
		text := fmt.Sprintf("seed: %d\noptimizee: {type: function, name: %s}\noptimizer: %s\nstop: {evaluations: %d}\n",
			seed, function, optimizer, evaluations)
		plan, err := config.Parse("run.yaml", []byte(text), kinds)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := run.Run(t.Context(), mpi.Local(1)[0], plan.In(dir)); err != nil {
			t.Fatal(err)
		}
		r, err := report.Open(dir, kinds.Search)
		if err != nil {
			t.Fatal(err)
		}
		d, err := figure.Gather(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

func TestComparisonPoolsSeedsAndSaysWhatIsBetter(t *testing.T) {
	runs := slices.Concat(searched(t, "sphere, dim: 4", "{type: cmaes}", 400, 1, 2, 3, 4, 5),
		searched(t, "sphere, dim: 4", "{type: random}", 500, 1, 2, 3, 4, 5),
		searched(t, "sphere, dim: 4", "{type: cmaes, pop_size: 9}", 400, 1, 2, 3, 4, 5))
	names := []string{"a", "a", "a", "a", "a", "b", "b", "b", "b", "b", "c", "c", "c", "c", "c"}
	c, err := figure.Compare(runs, names)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Groups) != 3 || c.Budget != 400 {
		t.Fatalf("%d groups, a budget of %d", len(c.Groups), c.Budget)
	}
	for i, d := range runs[:5] {
		best, err := d.Run.Best()
		if err != nil || c.Groups[0].Final[i] != best.Fitness[0] {
			t.Errorf("run %d has %v in the end, want %v, %v", i, c.Groups[0].Final[i], best.Fitness, err)
		}
	}
	// Every run of the first is better than every one of the second: p = 2/252, times the three tests.
	if got := c.Tests(); len(got) != 3 || got[0].Smaller != 1 || math.Abs(got[0].P-3*2.0/252) > 1e-12 {
		t.Errorf("tests %+v", got)
	}
	figures := c.Figures()
	if len(figures) != 4 {
		t.Fatalf("%d figures", len(figures))
	}
	last := map[string]float64{} // the shares of targets that are reached in the end
	for _, s := range figures[1].Panels[0].Series {
		if !slices.IsSorted(s.Y) || !slices.IsSorted(s.X) {
			t.Errorf("the share of targets of %s is %v", s.Name, s.Y)
		}
		last[s.Name] = s.Y[len(s.Y)-1]
	}
	if last["a"] <= last["b"] {
		t.Errorf("targets reached: %v", last)
	}
	for i, s := range figures[2].Panels[0].Series {
		longest := 0.0
		for _, d := range c.Groups[i].Runs {
			longest = max(longest, d.Elapsed)
		}
		if end := s.X[len(s.X)-1]; s.Y[len(s.Y)-1] != last[s.Name] || !slices.IsSorted(s.X) || !(s.X[0] > 0) || end > longest || s.Name != "b" && end < longest/2 {
			t.Errorf("by time %s reaches %v after %v, in runs of up to %v s", s.Name, s.Y, s.X, longest)
		}
	}

	doc, err := page.Compare(runs, "v0.0.0")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := doc.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"15 runs in 3 groups search for the least value", "<td>cmaes, pop_size 9</td>",
		"is better than random: of two runs, one of each, it has the better one in 100 % of the pairs (p = 0.02",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestComparisonOfTooFewRunsSaysHowSureItIs(t *testing.T) {
	runs := slices.Concat(searched(t, "sphere, dim: 4", "{type: cmaes}", 200, 1, 2, 3), searched(t, "sphere, dim: 4", "{type: random}", 200, 1, 2, 3))
	doc, err := page.Compare(runs, "")
	if err != nil {
		t.Fatal(err)
	}
	if text := doc.Sections[0].Text; !strings.Contains(text, "No difference is shown: with so many runs p = 0.1, want less than 0.05.") {
		t.Error(text)
	}
}

func TestComparisonDoesNotCallOneRunEachADifference(t *testing.T) {
	runs := slices.Concat(searched(t, "sphere, dim: 4", "{type: cmaes}", 200, 1), searched(t, "sphere, dim: 4", "{type: random}", 200, 1))
	doc, err := page.Compare(runs, "")
	if err != nil {
		t.Fatal(err)
	}
	if text := doc.Sections[0].Text; !strings.Contains(text, "cannot be told from one run each") {
		t.Error(text)
	}
}

func TestComparisonRefusesRunsOfOtherProblems(t *testing.T) {
	one := searched(t, "sphere, dim: 4", "{type: cmaes}", 60, 1)
	for name, other := range map[string][]*figure.Data{
		"have different parameters": searched(t, "sphere, dim: 3", "{type: cmaes}", 60, 1),
		"want runs of one problem":  searched(t, "zdt1, dim: 4", "{type: nsga2}", 60, 1),
	} {
		if _, err := page.Compare(slices.Concat(one, other), ""); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestComparisonOfFrontsIsByTheirHypervolume(t *testing.T) {
	runs := slices.Concat(searched(t, "zdt1, dim: 4", "{type: nsga2}", 1200, 1, 2, 3, 4), searched(t, "zdt1, dim: 4", "{type: random}", 1200, 1, 2, 3, 4))
	c, err := figure.Compare(runs, figure.Groups(runs))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range c.Groups {
		for j, d := range g.Runs {
			// The hypervolume again, from the front as the run has it.
			var front [][]float64
			low, high := []float64{math.Inf(1), math.Inf(1)}, []float64{math.Inf(-1), math.Inf(-1)}
			for _, other := range runs {
				for _, m := range other.Front {
					for k, v := range m.Values {
						low[k], high[k] = min(low[k], v), max(high[k], v)
					}
				}
			}
			for _, m := range d.Front {
				front = append(front, []float64{(m.Values[0] - low[0]) / (high[0] - low[0]), (m.Values[1] - low[1]) / (high[1] - low[1])})
			}
			if want := optimizer.Hypervolume(front, []float64{1.1, 1.1}) / 1.21; math.Abs(g.Final[j]-want) > 1e-12 {
				t.Errorf("%s, run %d: hypervolume %v, want %v", g.Name, j, g.Final[j], want)
			}
		}
	}
	if got := c.Tests(); len(got) != 1 || got[0].Smaller != 1 || math.Abs(got[0].P-2.0/70) > 1e-12 {
		t.Errorf("tests %+v, want that nsga2 is better in all pairs", got)
	}
	var attained *figure.Figure
	for _, f := range c.Figures() {
		if f.Name == "compare-attainment" {
			attained = f
		}
	}
	if attained == nil {
		t.Fatal("there is no attainment")
	}
	for _, s := range attained.Panels[0].Series {
		for k := 1; s.Mark == figure.Line && k < len(s.X); k++ {
			if s.X[k] < s.X[k-1] || s.Y[k] > s.Y[k-1] {
				t.Fatalf("%s: the edge of what is attained goes from (%v, %v) to (%v, %v)", s.Name, s.X[k-1], s.Y[k-1], s.X[k], s.Y[k])
			}
		}
	}
	doc, err := page.Compare(runs, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := "Compared is the hypervolume of the front after 1,200 evaluations"; !strings.Contains(doc.Lead, want) {
		t.Errorf("%q does not say %q", doc.Lead, want)
	}
}
