package functions

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func mustNew(t testing.TB, s Spec) *Function {
	t.Helper()
	fn, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return fn
}

// each calls f for every function in its usual size, and for those that come in several also in others.
func each(t *testing.T, f func(t *testing.T, fn *Function)) {
	for _, name := range Names() {
		for _, dim := range []int{0, 3, 5, 10} {
			fn, err := New(Spec{Name: name, Dim: dim, Instance: 1 + dim})
			if err != nil {
				continue // it comes in one size
			}
			t.Run(name, func(t *testing.T) { f(t, fn) })
		}
	}
}

func randomPoint(rng *rand.Rand, dim int, lower, upper float64) []float64 {
	x := make([]float64, dim)
	for i := range x {
		x[i] = lower + (upper-lower)*rng.Float64()
	}
	return x
}

func TestFunctionsBeginWithTheFifteenOfThePythonL2L(t *testing.T) {
	want := strings.Fields(`Rastrigin2d Rastrigin10d Rosenbrock2d Rosenbrock10d Ackley2d Ackley10d Chasm Gauss2d Shekel2d
		Langermann2d Michalewicz2d Permutation2d Easom2d Easom10d 3Gaussians2d`)
	if got := Names()[:15]; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	for _, name := range want {
		dim := 2
		if strings.HasSuffix(name, "10d") {
			dim = 10
		}
		if fn := mustNew(t, Spec{Name: name}); fn.Dim != dim || fn.Objectives != 1 {
			t.Errorf("%s has %d dimensions and %d objectives", name, fn.Dim, fn.Objectives)
		}
	}
}

// The values are worked out by hand, the optima are those that the Python L2L's formulas have.
func TestClassicFunctionsAreTheirFormulas(t *testing.T) {
	exp := math.Exp
	for _, c := range []struct {
		name string
		x    []float64
		want float64
	}{
		{"null", []float64{1, 2}, 0},
		{"sphere", []float64{1, -2, 3}, 14},
		{"rastrigin", []float64{1, -0.5}, 1 + 0.25 + 20},
		{"rosenbrock", []float64{0, 1, 2}, 100 + 1 + 100},
		{"ackley", []float64{1, 1}, 20 - 20*exp(-0.2)},
		{"ackley", []float64{0.5, 0.5, 0.5}, math.E + 20 - 20*exp(-0.1) - exp(-1)},
		{"Chasm", []float64{0.001, -1}, 0.5 + 0.01},
		{"Gauss2d", []float64{-1, -1}, -0.2399373},
		{"Shekel2d", []float64{0, 0}, -(1/34.2 + 1/29.4 + 1/6.0 + 1/18.4 + 1/53.6 + 1/17.2 + 1/130.2)},
		{"Langermann2d", []float64{3, 5}, 1 - 2*exp(-13/math.Pi) - 5*exp(-17/math.Pi) - 2*exp(-5/math.Pi) + 3*exp(-32/math.Pi)},
		{"michalewicz", []float64{math.Pi / 2, math.Pi / 2}, -1 - math.Pow(0.5, 10)},
		{"permutation", []float64{0, 0}, 3.01*3.01 + 5.01*5.01},
		{"easom", []float64{0, math.Pi}, exp(-math.Pi * math.Pi)},
		{"3Gaussians2d", []float64{1, 1}, -0.3984558},

		{"Shekel2d", []float64{2.9962, 4.9959}, -5.7602},
		{"Langermann2d", []float64{2.7934, 1.5972}, -4.1558},
		{"Michalewicz2d", []float64{2.2029, 1.5708}, -1.8013},
		{"3Gaussians2d", []float64{0.99906, 0.99510}, -0.39847},
	} {
		fn := mustNew(t, Spec{Name: c.name, Dim: len(c.x)})
		var f [1]float64
		fn.Eval(c.x, f[:])
		if math.Abs(f[0]-c.want) > 5e-5 {
			t.Errorf("%s(%v) = %v, want %v", c.name, c.x, f[0], c.want)
		}
	}
}

func TestFunctionsHaveNothingBetterThanTheirOptimum(t *testing.T) {
	each(t, func(t *testing.T, fn *Function) {
		if fn.Objectives > 1 || math.IsNaN(fn.Optimum) {
			if fn.ArgMin != nil || !math.IsNaN(fn.Gap(constant(fn.Dim, 0.5))) {
				t.Error("an optimum that is not known is known")
			}
			return
		}
		var f [1]float64
		fn.Eval(fn.ArgMin, f[:])
		if math.Abs(f[0]-fn.Optimum) > 1e-12*max(1, math.Abs(fn.Optimum)) {
			t.Errorf("%v at the optimum, want %v", f[0], fn.Optimum)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range 3000 {
			x := randomPoint(rng, fn.Dim, fn.Lower, fn.Upper)
			if i%2 == 0 { // near the optimum, at all scales
				scale := math.Pow(10, -9*rng.Float64())
				for j, xj := range fn.ArgMin {
					x[j] = min(max(xj+scale*rng.NormFloat64(), fn.Lower), fn.Upper)
				}
			}
			if gap := fn.Gap(x); !(gap >= -1e-13) {
				t.Fatalf("%v is below the optimum by %v", x, -gap)
			}
		}
	})
}

func TestFunctionsDoNotAllocate(t *testing.T) {
	each(t, func(t *testing.T, fn *Function) {
		x, f := constant(fn.Dim, 0.3), make([]float64, fn.Objectives)
		if n := testing.AllocsPerRun(10, func() { fn.Eval(x, f) }); n > 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func TestFunctionsThatCannotBeAreRefused(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{Name: "rastrigin2d"}, `name = "rastrigin2d", want one of Rastrigin2d, `},
		{Spec{Name: "Rastrigin2d", Dim: 3}, "Rastrigin2d: dim = 3, want 2 to 2"},
		{Spec{Name: "bbob_f1", Dim: 1}, "bbob_f1: dim = 1, want 2 to 1000"},
		{Spec{Name: "bbob_f1", Instance: -1}, "bbob_f1: instance = -1, want 1 to 200000"},
		{Spec{Name: "sphere", Objectives: 2}, "sphere: objectives = 2, want 1 to 1"},
		{Spec{Name: "zdt1", Objectives: 3}, "zdt1: objectives = 3, want 2 to 2"},
		{Spec{Name: "dtlz1", Objectives: 5, Dim: 4}, "dtlz1: dim = 4, want 5 to"},
	} {
		if _, err := New(c.spec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s", c.spec, err, c.want)
		}
	}
}

func FuzzFunctionsTakeAnyNumbers(f *testing.F) {
	f.Add(1, 0.0, 1e300, math.Inf(-1))
	f.Fuzz(func(t *testing.T, which int, a, b, c float64) {
		names := Names()
		fn, err := New(Spec{Name: names[uint(which)%uint(len(names))], Dim: 3})
		if err != nil {
			return
		}
		fn.Eval([]float64{a, b, c}, make([]float64, fn.Objectives))
	})
}

func BenchmarkEval(b *testing.B) {
	for _, name := range []string{"null", "sphere", "bbob_f1", "bbob_f10", "bbob_f15", "bbob_f16", "bbob_f21", "bbob_f24"} {
		fn := mustNew(b, Spec{Name: name, Dim: 20})
		b.Run(name, func(b *testing.B) {
			x, f := constant(fn.Dim, 0.3), make([]float64, 1)
			for b.Loop() {
				fn.Eval(x, f)
			}
		})
	}
}
