package functions

import (
	"math"
	"slices"
	"testing"
)

// Two programs that add up in different orders agree to 1e-9 of the gap, and mostly to 1e-12: Weierstrass, Griewank-Rosenbrock and
// Katsuura come to 5e-11, as their waves are so short that the rounding of x counts. The golden values include f_opt, and so are
// themselves no better than 1e-14 of the value.
func TestBBOBValuesAreThoseOfCOCO(t *testing.T) {
	for _, row := range golden(t, "bbob.csv") {
		dim, instance, fopt, want := int(row.numbers[0]), int(row.numbers[1]), row.numbers[2], row.numbers[3:]
		fn := mustNew(t, Spec{Name: "bbob_f" + row.name, Dim: dim, Instance: instance})
		if math.Abs(fn.Optimum-fopt) > 1e-13*math.Abs(fopt) {
			t.Errorf("%s in %d dimensions, instance %d: the optimum is %v, want %v", fn.Name, dim, instance, fn.Optimum, fopt)
		}
		near := goldenPoints(1, dim, 1.0/64)[0]
		for i, xi := range fn.ArgMin {
			near[i] += math.Floor(xi*(1<<16)+0.5) / (1 << 16)
		}
		x := append(append(goldenPoints(4, dim, 5), goldenPoints(2, dim, 8)...), near)
		for i := range x {
			above := want[i] - fopt
			if math.Abs(fn.Gap(x[i])-above) > 1e-9*above+1e-14*math.Abs(want[i]) {
				t.Errorf("%s in %d dimensions, instance %d, point %d: %v above the optimum, want %v", fn.Name, dim, instance, i, fn.Gap(x[i]), above)
			}
		}
	}
}

func TestBBOBGapKeepsItsDigitsWhateverTheOptimum(t *testing.T) {
	for instance := 1; instance < 100; instance++ {
		fn := mustNew(t, Spec{Name: "bbob_f1", Dim: 5, Instance: instance})
		x := slices.Clone(fn.ArgMin)
		x[2] += 1e-9
		if gap := fn.Gap(x); math.Abs(gap/1e-18-1) > 1e-5 { // x itself is rounded
			t.Errorf("instance %d, optimum %v: 1e-9 from it the sphere is %v", instance, fn.Optimum, gap)
		}
	}
}

func TestBBOBInstancesDifferAndRepeat(t *testing.T) {
	x := []float64{1, 2, 3}
	seen := map[float64]int{}
	for instance := 1; instance <= 50; instance++ {
		a, b := mustNew(t, Spec{Name: "bbob_f15", Dim: 3, Instance: instance}), mustNew(t, Spec{Name: "bbob_f15", Dim: 3, Instance: instance})
		gap := a.Gap(x)
		if b.Gap(x) != gap || b.Optimum != a.Optimum {
			t.Errorf("instance %d is not the same when made again", instance)
		}
		if other, ok := seen[gap]; ok {
			t.Errorf("instances %d and %d are the same", other, instance)
		}
		seen[gap] = instance
	}
}
