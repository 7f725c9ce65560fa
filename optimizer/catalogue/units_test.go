package catalogue

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// proposals are the individuals that an algorithm proposes where losses, and outputs and targets where it has some, are c times those of f.
func proposals(t *testing.T, a optimizer.Algorithm, problem optimizer.Problem, f func(x []float64) float64, c float64, evaluations int) (all []string) {
	t.Helper()
	o, err := a.New(problem, a.Params(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for len(all) < evaluations {
		asked, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		if len(asked) == 0 {
			return append(all, o.Status().Stop)
		}
		var told []optimizer.Evaluated
		for _, ask := range asked {
			all = append(all, fmt.Sprint(ask.X))
			x := ask.X
			e := optimizer.Evaluated{ID: ask.ID, Loss: []float64{c * f(x)}, Failed: ask.ID%17 == 5}
			if problem.Objectives == 2 {
				e.Loss = append(e.Loss, c*(x[0]*x[0]+x[1]*x[1]))
			}
			for j := range problem.Outputs {
				e.Outputs, e.Targets = append(e.Outputs, c*x[j]), append(e.Targets, c)
			}
			told = append(told, e)
		}
		if err := o.Tell(told); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestCatalogueDoesNotCareAboutTheUnitOfTheLoss holds every algorithm to the same search on c·f as on f, until it has converged, begins again, or ends.
// c is a power of two, so that nothing is rounded. No parameter is set: those in the unit of the loss (tol_fun of cmaes, t_start, t_low and t_high of
// annealing and parallel tempering, threshold of abc_smc) are automatic, or off, unless a user sets them.
func TestCatalogueDoesNotCareAboutTheUnitOfTheLoss(t *testing.T) {
	rig.Long(t)
	box := optimizer.Box(2, -2, 3)
	mixed := optimizer.Problem{Coords: append(optimizer.Box(2, -2, 3).Coords, optimizer.Coordinate{Kind: optimizer.Integer, Lower: -2, Upper: 7},
		optimizer.Coordinate{Kind: optimizer.Categorical, Upper: 3})}
	valley := func(x []float64) float64 { // with an offset
		s := 3.0
		for j := range len(x) - 1 {
			u, v := x[j+1]-x[j]*x[j], 1-x[j]
			s += float64(10*u*u) + float64(v*v)
		}
		return s
	}
	bowl := func(x []float64) float64 { // with the minimum 0
		s := 0.0
		for _, v := range x {
			s += float64((v - 1) * (v - 1))
		}
		return s
	}
	for _, a := range All() {
		evaluations := map[string]int{"bayes": 40, "portfolio": 6000}[a.Name] // the one thinks about each, the other converges late
		if evaluations == 0 {
			evaluations = 3000
		}
		suited := false
		for k, c := range []struct {
			problem     optimizer.Problem
			loss        func([]float64) float64
			evaluations int
		}{
			{box, bowl, evaluations}, {mixed, valley, min(evaluations, 400)},
			{optimizer.Problem{Coords: box.Coords, Objectives: 2}, valley, min(evaluations, 400)},
			{optimizer.Problem{Coords: box.Coords, Outputs: 2}, bowl, min(evaluations, 400)},
		} {
			if _, err := a.New(c.problem, a.Params(), 1); errors.Is(err, optimizer.ErrUnsuited) {
				continue
			}
			suited = true
			want := proposals(t, a, c.problem, c.loss, 1, c.evaluations)
			for _, exponent := range []int{-80, 27, 80} {
				got := proposals(t, a, c.problem, c.loss, math.Ldexp(1, exponent), c.evaluations)
				for i := range want {
					if i >= len(got) || got[i] != want[i] {
						t.Errorf("%s, problem %d, losses times 2^%d: individual %d is another one", a.Name, k, exponent, i)
						break
					}
				}
			}
		}
		if !suited {
			t.Errorf("%s suits no problem", a.Name)
		}
	}
}

// TestCatalogueTakesParametersInTheUnitOfTheLoss holds those that are in it to it: with them c times as large, the search on c·f is that on f.
func TestCatalogueTakesParametersInTheUnitOfTheLoss(t *testing.T) {
	for name, values := range map[string]map[string]float64{
		"cmaes": {"tol_fun": 1e-4}, "cmaes_async": {"tol_fun": 1e-4}, "annealing": {"t_start": 3},
		"parallel_tempering": {"t_low": 0.01, "t_high": 3}, "abc_smc": {"threshold": 0.5},
	} {
		search := func(c float64) []string {
			a, ok := Find(name)
			if !ok {
				t.Fatalf("%s is not in the catalogue", name)
			}
			params, defaults := a.Params, map[string]bool{}
			a.Params = func() any {
				p := params()
				for _, f := range schema.Fields(p) {
					if v, ok := values[f.Key]; ok {
						f.Value.SetFloat(c * v)
						defaults[f.Key] = true
					}
				}
				return p
			}
			bowl := func(x []float64) float64 { return float64(x[0]*x[0]) + float64(x[1]*x[1]) }
			all := proposals(t, a, optimizer.Box(2, -2, 3), bowl, c, 1500)
			if len(defaults) != len(values) {
				t.Errorf("%s has no parameters %v", name, values)
			}
			if last := len(all) - 1; !strings.HasPrefix(all[last], "[") {
				all = all[:last] // the reason of the end names the value
			}
			return all
		}
		want := search(1)
		for _, exponent := range []int{-80, 80} {
			if got := search(math.Ldexp(1, exponent)); !slices.Equal(got, want) {
				t.Errorf("%s, losses and parameters times 2^%d: another search", name, exponent)
			}
		}
	}
}
