package catalogue_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// underWay is how many individuals a new search has under way at most, of so many that can be.
func underWay(t *testing.T, a optimizer.Algorithm, parallel int) (n int, asynchronous bool) {
	t.Helper()
	problem := optimizer.Box(3, -1, 1)
	problem.Parallel = parallel
	o, err := a.New(problem, a.Params(), 1)
	for _, change := range []func(){func() { problem.Outputs = 2 }, func() { problem.Outputs, problem.Objectives = 0, 2 }} {
		if errors.Is(err, optimizer.ErrUnsuited) {
			change()
			o, err = a.New(problem, a.Params(), 1)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first generation may be another than those that follow
		cs, err := o.Ask(5000)
		if err != nil {
			t.Fatal(err)
		}
		n = max(n, len(cs))
		var evs []optimizer.Evaluated
		for _, c := range cs {
			ev := optimizer.Evaluated{ID: c.ID, Outputs: c.X[:problem.Outputs], Targets: make([]float64, problem.Outputs)}
			for k := range problem.NumObjectives() {
				ev.Loss = append(ev.Loss, math.Hypot(c.X[0]-float64(k), c.X[1]+c.X[2]))
			}
			evs = append(evs, ev)
		}
		if err := o.Tell(evs); err != nil {
			t.Fatal(err)
		}
	}
	_, asynchronous = o.(optimizer.Asynchronous)
	return n, asynchronous
}

// Whoever has a thousand slots must be told by every algorithm what it makes of them, and it must be so.
func TestCatalogueSaysOfEveryAlgorithmWhatItDoesWithParallel(t *testing.T) {
	for _, a := range catalogue.All() {
		says := func(words string) bool { return strings.Contains(a.Parallelism, words) }
		if !says("execution.parallel") {
			t.Errorf("%s does not say what it does with execution.parallel: %q", a.Name, a.Parallelism)
		}
		few, _ := underWay(t, a, 1)
		many, asynchronous := underWay(t, a, 2048)
		switch follows := !says("not follow"); {
		case asynchronous && many < 1900:
			t.Errorf("%s: %d are under way, want as many as can be", a.Name, many)
		case asynchronous:
		case follows && (many < 900 && a.Name != "bayes" || many <= 4*few):
			t.Errorf("%s says that it follows execution.parallel (%q), and has %d and %d individuals under way", a.Name, a.Parallelism, few, many)
		case !follows && (many != few || !says("more idle")):
			t.Errorf("%s says that it does not follow execution.parallel (%q), and has %d and %d individuals under way", a.Name, a.Parallelism, few, many)
		}
	}
}

// A population that is given is the population, however many slots there are.
func TestCataloguePopulationsThatAreGivenDoNotFollowParallel(t *testing.T) {
	given := 0
	for _, a := range catalogue.All() {
		size := func(parallel int) (n int) {
			b := a
			b.Params = func() any {
				params := a.Params()
				for _, f := range schema.Fields(params) {
					switch f.Key {
					case "pop_size", "min_pop_size", "chains", "particles", "probes":
						f.Value.SetInt(700)
					case "ladders":
						f.Value.SetInt(1)
					case "n_expand", "max_pop_size":
						f.Value.SetInt(900)
					}
				}
				return params
			}
			n, _ = underWay(t, b, parallel)
			return n
		}
		if a.Name == "portfolio" || a.Name == "bayes" || strings.HasSuffix(a.Name, "_async") { // has none, has a test of its own, waits for none
			continue
		}
		if few, many := size(1), size(2048); few != many {
			t.Errorf("%s with a population of 700 given has %d and %d individuals under way", a.Name, few, many)
		}
		given++
	}
	if given < 15 {
		t.Errorf("%d algorithms have a population", given)
	}
}
