package catalogue_test

import (
	"fmt"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// evaluations is what an algorithm with its defaults needs to come within 1e-8 of the optimum of an instance of a BBOB function, which is
// also its seed.
func evaluations(t *testing.T, algorithm string, function, dim, instance, budget int) (used int, solved bool) {
	t.Helper()
	a, ok := catalogue.Find(algorithm)
	if !ok {
		t.Fatalf("%s is not in the catalogue", algorithm)
	}
	fn, err := functions.New(functions.Spec{Name: fmt.Sprintf("bbob_f%d", function), Dim: dim, Instance: instance})
	if err != nil {
		t.Fatal(err)
	}
	o, err := a.New(optimizer.Box(dim, fn.Lower, fn.Upper), a.Params(), uint64(instance))
	if err != nil {
		t.Fatal(err)
	}
	for used < budget {
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			used++
			if fn.Gap(c.X) <= 1e-8 {
				return used, true
			}
			loss := make([]float64, 1)
			fn.Eval(c.X, loss)
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: loss}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return used, false
}

func TestCatalogueSolvesSeparableRastriginWithinThePublishedEvaluations(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	for _, c := range []struct {
		algorithm      string
		dim, instances int
		want           int // average number of evaluations to 1e-8
	}{
		{"jade", 5, 3, 16_000}, {"lshade", 5, 3, 16_000}, {"portfolio", 5, 3, 16_000},
		{"jade", 10, 1, 75_000}, {"lshade", 10, 1, 75_000}, {"portfolio", 10, 1, 75_000},
		{"lshade", 20, 1, 160_000},
	} {
		all, successes := 0, 0
		for i := range c.instances {
			used, solved := evaluations(t, c.algorithm, 3, c.dim, i+1, 3*c.want)
			all += used
			if solved {
				successes++
			}
		}
		if successes == 0 || all/successes > c.want {
			t.Errorf("%s in %d dimensions: %d evaluations, %d of %d solved, want an average of %d", c.algorithm, c.dim, all, successes,
				c.instances, c.want)
		}
	}
}

// bench/breadth does this for all functions, with a thousand times the evaluations.
func TestPortfolioSolvesWhatItsMembersSolve(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	for _, f := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 21, 22} {
		solved := false
		for i := 1; i <= 3 && !solved; i++ {
			_, solved = evaluations(t, "portfolio", f, 5, i, 50_000)
		}
		if !solved {
			t.Errorf("f%d in 5 dimensions: none of three instances within 50,000 evaluations", f)
		}
	}
}
