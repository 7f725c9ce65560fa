package functions

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMultiObjectiveValuesAreThoseOfPymoo(t *testing.T) {
	for _, row := range golden(t, "multi.csv") {
		dim, m, want := int(row.numbers[0]), int(row.numbers[1]), row.numbers[2:]
		fn := mustNew(t, Spec{Name: row.name, Dim: dim, Objectives: m})
		f := make([]float64, m)
		for i, x := range goldenPoints(3, dim, 1) {
			for j := range x {
				x[j] = (x[j] + 1) / 2
			}
			fn.Eval(x, f)
			for j := range f {
				if w := want[i*m+j]; math.Abs(f[j]-w) > 1e-12*max(1, math.Abs(w)) {
					t.Errorf("%s in %d dimensions, point %d: f%d = %v, want %v", fn.Name, dim, i, j+1, f[j], w)
				}
			}
		}
	}
}

// suites calls f for every function of several objectives, in several numbers of them.
func suites(t *testing.T, f func(t *testing.T, fn *Function)) {
	for _, name := range Names() {
		for _, m := range []int{2, 3, 4} {
			if fn, err := New(Spec{Name: name, Objectives: m}); err == nil {
				t.Run(name, func(t *testing.T) { f(t, fn) })
			}
		}
	}
}

// dominates reports whether a is better than b by more than slack in one objective, and worse by more than slack in none.
func dominates(a, b []float64, slack float64) bool {
	better := false
	for i := range a {
		if a[i] > b[i]+slack {
			return false
		}
		better = better || a[i] < b[i]-slack
	}
	return better
}

// best is the value that makes g of the last variables least.
func best(name string) float64 {
	switch name {
	case "zdt4", "dtlz1", "dtlz2", "dtlz3", "dtlz4", "dtlz5":
		return 0.5
	}
	return 0
}

func TestFrontIsDominatedByNoPoint(t *testing.T) {
	suites(t, func(t *testing.T, fn *Function) {
		if fn.Front == nil {
			if !strings.Contains("dtlz5 dtlz6", fn.Name) || fn.Objectives <= 3 {
				t.Error("no front")
			}
			return
		}
		front := fn.Front(200)
		if len(front) == 0 || len(front) > 200 {
			t.Fatalf("%d points, want up to 200", len(front))
		}
		rng := rand.New(rand.NewPCG(3, 4))
		others := front
		for i := range 2000 {
			x, f := randomPoint(rng, fn.Dim, 0, 1), make([]float64, fn.Objectives)
			if i%2 == 0 { // on the front, or where it would be
				for j := fn.Objectives - 1; j < fn.Dim; j++ {
					x[j] = best(fn.Name)
				}
			}
			fn.Eval(x, f)
			others = append(others, f)
		}
		for _, a := range others {
			for _, b := range front {
				if dominates(a, b, 1e-9) {
					t.Fatalf("%v dominates %v", a, b)
				}
			}
		}
	})
}

func TestFrontPointsAreTaken(t *testing.T) {
	suites(t, func(t *testing.T, fn *Function) {
		if fn.Front == nil {
			return
		}
		for _, want := range fn.Front(50) {
			x, f := constant(fn.Dim, best(fn.Name)), make([]float64, fn.Objectives)
			copy(x, place(fn.Name, want))
			fn.Eval(x, f)
			for i := range f {
				if math.Abs(f[i]-want[i]) > 1e-7 {
					t.Fatalf("%v at %v, want %v", f, x, want)
				}
			}
		}
	})
}

func TestFrontPieceBeginsWhereTheOneBeforeIsEqualledAndEndsAtAnExtremum(t *testing.T) {
	for name, pieces := range map[string][]interval{"zdt3": zdt3Pieces, "dtlz7": dtlz7Pieces} {
		fn := mustNew(t, Spec{Name: name, Objectives: 2})
		f2 := func(f1 float64) float64 {
			x, f := constant(fn.Dim, 0), make([]float64, 2)
			x[0] = f1
			fn.Eval(x, f)
			return f[1]
		}
		for i, p := range pieces {
			if slope := (f2(p.hi+1e-6) - f2(p.hi-1e-6)) / 2e-6; math.Abs(slope) > 1e-7 {
				t.Errorf("%s: slope %v at the end of piece %d", name, slope, i)
			}
			if i > 0 && math.Abs(f2(p.lo)-f2(pieces[i-1].hi)) > 1e-12 {
				t.Errorf("%s: f2 = %v where piece %d begins, want %v", name, f2(p.lo), i, f2(pieces[i-1].hi))
			}
		}
	}
}

// place inverts a function on its front: it returns the first variables of a point where the objectives are f.
func place(name string, f []float64) []float64 {
	m := len(f)
	if name == "zdt6" { // f1 falls up to its first minimum
		lo, hi := 0.0, math.Atan(9*math.Pi)/(6*math.Pi)
		for range 60 {
			if mid := (lo + hi) / 2; 1-math.Exp(-4*mid)*math.Pow(math.Sin(6*math.Pi*mid), 6) > f[0] {
				lo = mid
			} else {
				hi = mid
			}
		}
		return []float64{lo}
	}
	if name[0] == 'z' || name == "dtlz7" {
		return f[:m-1]
	}
	// f_M = r s_1, and what is before it has r c_1 for r.
	var x []float64
	r := 1.0
	for i := m - 1; i > 0; i-- {
		var rest, t float64
		if name == "dtlz1" {
			for _, fj := range f[:i] {
				rest += 2 * fj
			}
			t = rest / r
		} else {
			rest = math.Sqrt(dot(f[:i], f[:i]))
			t = math.Atan2(f[i], rest) / (math.Pi / 2)
		}
		if r == 0 {
			t = 0
		}
		if name == "dtlz4" {
			t = math.Pow(t, 0.01)
		}
		x = append(x, t)
		r = rest
	}
	return x
}

func TestFrontIsSpreadOverAsManyPointsAsWereAskedFor(t *testing.T) {
	for _, c := range []struct{ m, n, want int }{{2, 100, 100}, {3, 100, 91}, {3, 2, 2}, {5, 70, 70}, {5, 69, 35}, {100, 100, 100}} {
		points := simplex(c.m, c.n)
		if len(points) != c.want {
			t.Errorf("%d objectives, at most %d points: %d, want %d", c.m, c.n, len(points), c.want)
		}
		for _, p := range points {
			var sum float64
			for _, pi := range p {
				sum += pi
			}
			if len(p) != c.m || math.Abs(sum-1) > 1e-12 {
				t.Errorf("%v does not add up to 1", p)
			}
		}
	}
	front := mustNew(t, Spec{Name: "zdt3"}).Front(101)
	if len(front) != 101 || front[0][0] != 0 || math.Abs(front[100][0]-0.8518328654) > 1e-9 {
		t.Errorf("zdt3: %d points from %v to %v", len(front), front[0], front[len(front)-1])
	}
}
