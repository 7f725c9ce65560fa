package moo_test

import (
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/moo"
)

// searchFront runs an algorithm with its defaults on a test function, whose n-th objective is scaled by the n-th of scales, if there are
// any, and returns the unscaled losses of its last population.
func searchFront(t *testing.T, algorithm string, spec functions.Spec, evaluations int, seed uint64, scales ...float64) [][]float64 {
	t.Helper()
	fn, err := functions.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	problem := optimizer.Box(fn.Dim, fn.Lower, fn.Upper)
	problem.Objectives = fn.Objectives
	all := moo.Algorithms()
	a := all[slices.IndexFunc(all, func(a optimizer.Algorithm) bool { return a.Name == algorithm })]
	o, err := a.New(problem, a.Params(), seed)
	if err != nil {
		t.Fatal(err)
	}
	raw := map[string][]float64{}
	for used := 0; used < evaluations; {
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		var evs []optimizer.Evaluated
		for _, c := range cs {
			loss := make([]float64, fn.Objectives)
			fn.Eval(c.X, loss)
			scaled := slices.Clone(loss)
			for k, s := range scales {
				scaled[k] *= s
			}
			raw[key(scaled)] = loss
			evs = append(evs, optimizer.Evaluated{ID: c.ID, Loss: scaled})
		}
		if err := o.Tell(evs); err != nil {
			t.Fatal(err)
		}
		used += len(cs)
	}
	var losses [][]float64
	for _, s := range o.(interface{ Population() []optimizer.Solution }).Population() {
		losses = append(losses, raw[key(s.Loss)])
	}
	return losses
}

func key(x []float64) string {
	solution := optimizer.Solution{Loss: x}
	return string(solution.Loss.Append(nil))
}

// volumeFound is the hypervolume of what a search finds.
func volumeFound(t *testing.T, algorithm string, spec functions.Spec, evaluations int, reference []float64, scales ...float64) float64 {
	t.Helper()
	return optimizer.Hypervolume(searchFront(t, algorithm, spec, evaluations, 1, scales...), reference)
}

// The hypervolumes are those that pymoo 0.6.2 reaches with the same population and evaluations, medians of bench/results/front.json.
func TestMOOFindsTheFrontsOfZDTAndDTLZAsWellAsPymoo(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	for _, c := range []struct {
		algorithm, problem string
		pymoo              float64
		reference          []float64
	}{
		{"nsga2", "zdt1", 0.86970, []float64{1.1, 1.1}}, {"nsga2", "zdt2", 0.53639, []float64{1.1, 1.1}},
		{"nsga2", "zdt3", 1.32753, []float64{1.1, 1.1}}, {"nsga2", "zdt4", 0.86505, []float64{1.1, 1.1}},
		{"nsga2", "zdt6", 0.49533, []float64{1.1, 1.1}},
		{"nsga3", "dtlz1", 0.13968, []float64{0.55, 0.55, 0.55}}, {"nsga3", "dtlz2", 0.74448, []float64{1.1, 1.1, 1.1}},
	} {
		if got := volumeFound(t, c.algorithm, functions.Spec{Name: c.problem}, 25_000, c.reference); got < 0.99*c.pymoo {
			t.Errorf("%s on %s: hypervolume %.5f, want 99 %% of %.5f", c.algorithm, c.problem, got, c.pymoo)
		}
	}
}

func TestIBEAFindsTheFrontOfZDT1(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	if got := volumeFound(t, "ibea", functions.Spec{Name: "zdt1"}, 25_000, []float64{1.1, 1.1}); got < 0.99*0.86970 {
		t.Errorf("hypervolume %.5f, want 99 %% of pymoo's NSGA-II, 0.86970", got)
	}
}

func TestMOOWithFiveObjectivesIsBetterByIBEAAndNSGA3ThanByNSGA2(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	reference := []float64{1.1, 1.1, 1.1, 1.1, 1.1}
	spec := functions.Spec{Name: "dtlz2", Objectives: 5}
	base := volumeFound(t, "nsga2", spec, 10_000, reference)
	for _, algorithm := range []string{"ibea", "nsga3"} {
		if got := volumeFound(t, algorithm, spec, 10_000, reference); got < 1.1*base {
			t.Errorf("%s: hypervolume %.4f, want 1.1 times NSGA-II's %.4f at least", algorithm, got, base)
		}
	}
}

func TestMOODoesNotCareAboutTheUnitsOfObjectives(t *testing.T) {
	spec, reference := functions.Spec{Name: "dtlz2"}, []float64{1.1, 1.1, 1.1}
	for _, algorithm := range []string{"nsga2", "nsga3", "ibea"} {
		one := volumeFound(t, algorithm, spec, 5_000, reference)
		if got := volumeFound(t, algorithm, spec, 5_000, reference, 1e-6, 1, 1e9); got < 0.98*one {
			t.Errorf("%s: hypervolume %.4f with objectives of different scales, %.4f with the same", algorithm, got, one)
		}
	}
}

func TestMOORefusesASingleObjective(t *testing.T) {
	problem := optimizer.Box(3, 0, 1)
	for name, err := range map[string]error{
		"nsga2": second(moo.NewNSGA2(problem, moo.NSGA2Defaults(), 1)),
		"nsga3": second(moo.NewNSGA3(problem, moo.NSGA3Defaults(), 1)),
		"ibea":  second(moo.NewIBEA(problem, moo.IBEADefaults(), 1)),
	} {
		want := "optimizer: " + name + ": the problem does not suit the algorithm: it has one objective, want several (for one choose " +
			"cmaes, or genetic)"
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
