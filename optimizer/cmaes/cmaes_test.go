package cmaes

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func TestCMAESNeedsNoMoreEvaluationsThanTheReference(t *testing.T) {
	rig.Long(t)
	t.Parallel()
	for _, c := range []struct {
		loss   string
		dim    int
		budget int // some 15 % above what the reference implementation needs to 1e-8, for corner above what this one does
	}{
		{"sphere", 5, 820}, {"sphere", 20, 3200}, {"ellipsoid", 5, 1650}, {"ellipsoid", 20, 15000},
		{"rosenbrock", 5, 2300}, {"rosenbrock", 10, 5800}, {"corner", 5, 1000}, {"corner", 20, 4600},
	} {
		used := rig.MedianEvaluations(t, func(seed uint64) optimizer.Optimizer {
			o, err := New(optimizer.Box(c.dim, -5, 5), Defaults(), seed)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}, c.loss, 1e-8, 2*c.budget)
		if used > c.budget {
			t.Errorf("%s in %d dimensions: %d evaluations to 1e-8 (median of 9), want at most %d", c.loss, c.dim, used, c.budget)
		}
	}
}

func TestCMAESDoesNotCareAboutUnits(t *testing.T) {
	scaled := optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: -5e-9, Upper: 5e-9}, {Lower: -5e6, Upper: 5e6}, {Lower: -5, Upper: 5}}}
	a, err := New(optimizer.Box(3, -5, 5), Defaults(), 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(scaled, Defaults(), 1)
	if err != nil {
		t.Fatal(err)
	}
	na, _ := rig.Minimise(t, a, rig.Losses["sphere"], 1e-8, 2000)
	nb, best := rig.Minimise(t, b, func(x []float64) float64 {
		return rig.Losses["sphere"]([]float64{x[0] * 1e9, x[1] / 1e6, x[2]})
	}, 1e-8, 2000)
	if best > 1e-8 || math.Abs(float64(na-nb)) > 40 {
		t.Errorf("%d evaluations in one unit, %d in others (best %g)", na, nb, best)
	}
}

func TestCMAESStartsFromTheBestOfItsInitialSamples(t *testing.T) {
	par := Defaults()
	par.InitialSamples = 50
	par.Sigma = 1e-6
	o, err := New(optimizer.Box(3, -5, 5), par, 4)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := o.Ask(0)
	if len(first) != 50 {
		t.Fatalf("%d initial samples, want 50", len(first))
	}
	for _, c := range first {
		if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{rig.Losses["sphere"](c.X)}}}); err != nil {
			t.Fatal(err)
		}
	}
	next, _ := o.Ask(1)
	for i, x := range next[0].X {
		if want := o.Status().Best.X[i]; math.Abs(x-want) > 1e-3 {
			t.Errorf("coordinate %d of the first sample after them = %v, want about %v", i, x, want)
		}
	}
}

// The constants against the tutorial's table 1, by hand for n = 10, λ = 10.
func TestCMAESConstantsAreThoseOfTheTutorial(t *testing.T) {
	k := newConstants(10, 10, Params{Active: true, Covariance: "full"}, false)
	near := func(name string, got, want float64) {
		if math.Abs(got-want) > 1e-4*math.Abs(want) {
			t.Errorf("%s = %.6g, want %.6g", name, got, want)
		}
	}
	// w' = ln 5.5 − ln i: 1.70475, 1.01160, 0.60614, 0.31845, 0.09531 | −0.08701, −0.24116, −0.37469, −0.49248, −0.59784
	near("mu_eff", k.muEff, 3.16730)
	near("w_1", k.weights[0], 0.456271)
	near("c_sigma", k.cs, (3.16730+2)/(10+3.16730+5))
	near("d_sigma", k.ds, 1+(3.16730+2)/(10+3.16730+5))
	near("c_c", k.cc, (4+0.316730)/(14+0.633460))
	near("c_1", k.c1, 2/(11.3*11.3+3.16730))
	near("c_mu", k.cm, 2*(0.25+3.16730+1/3.16730-2)/(144+3.16730))
	sum := 0.0
	for _, w := range k.weights[5:] {
		sum -= w
	}
	// α_μ⁻ = 1.6530, α_μeff⁻ = 1 + 2·3.92427/5.16730, α_posdef⁻ = 4.1054: the first is the smallest.
	near("sum of negative weights", sum, min(1+k.c1/k.cm, (1-k.c1-k.cm)/(10*k.cm)))
}

func TestCMAESLearnsAPartOfTheCovarianceHoweverFast(t *testing.T) {
	for dim := 1; dim <= 40; dim++ {
		for lambda := 4; lambda < 2000; lambda += lambda / 3 {
			standard := newConstants(dim, lambda, Params{Active: true, Covariance: "full"}, false)
			fast := newConstants(dim, lambda, Params{Active: true, Covariance: "full"}, true)
			if fast.cm < standard.cm || fast.c1+fast.cm > 1+1e-15 {
				t.Errorf("%d coordinates, %d individuals: c_mu = %v, and %v in a run that is hasty; c_1 = %v", dim, lambda, standard.cm, fast.cm, fast.c1)
			}
		}
	}
}

// One generation against the tutorial's equations in their plainest form, as loops over all ranks and entries.
func TestCMAESUpdateIsThatOfTheTutorial(t *testing.T) {
	const n = 4
	o, err := New(optimizer.Box(n, -1e6, 1e6), Params{Sigma: 0.01, PopSize: 8, Active: true, Start: "centre", Restarts: "none"}, 3)
	if err != nil {
		t.Fatal(err)
	}
	k := o.k
	for range 30 {
		before := o.state
		before.Mean, before.Ps, before.Pc = slices.Clone(o.state.Mean), slices.Clone(o.state.Ps), slices.Clone(o.state.Pc)
		c := mat.NewSymDense(n, slices.Clone(o.state.Shape.Full.C))
		cs, _ := o.Ask(0)
		steps := slices.Clone(o.s.Steps)
		type ranked struct {
			loss float64
			y    []float64
		}
		var all []ranked
		for i, cand := range cs {
			l := rig.Losses["ellipsoid"](cand.X)
			all = append(all, ranked{l, steps[i].Y})
			if err := o.Tell([]optimizer.Evaluated{{ID: cand.ID, Loss: []float64{l}}}); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(all, func(a, b ranked) int { return int(math.Copysign(1, a.loss-b.loss)) })

		root := inverseFactor(c)
		mul := func(m *mat.Dense, v []float64) []float64 {
			var out mat.VecDense
			out.MulVec(m, mat.NewVecDense(n, v))
			return out.RawVector().Data
		}
		yw := make([]float64, n)
		for i := range k.mu {
			for j := range n {
				yw[j] += k.weights[i] * all[i].y[j]
			}
		}
		white, norm2 := mul(root, yw), 0.0
		ps, pc, mean := make([]float64, n), make([]float64, n), make([]float64, n)
		for j := range n {
			mean[j] = before.Mean[j] + before.Sigma*yw[j]
			ps[j] = (1-k.cs)*before.Ps[j] + math.Sqrt(k.cs*(2-k.cs)*k.muEff)*white[j]
			norm2 += ps[j] * ps[j]
		}
		h := 0.0
		if math.Sqrt(norm2)/math.Sqrt(1-math.Pow(1-k.cs, 2*float64(before.Updates+1))) < (1.4+2/(n+1.0))*k.chiN {
			h = 1
		}
		for j := range n {
			pc[j] = (1-k.cc)*before.Pc[j] + h*math.Sqrt(k.cc*(2-k.cc)*k.muEff)*yw[j]
		}
		sigma := before.Sigma * math.Exp(min(1, k.cs/k.ds*(math.Sqrt(norm2)/k.chiN-1)))
		sum := 0.0
		for _, w := range k.weights {
			sum += w
		}
		for a := range n {
			for b := a; b < n; b++ {
				want := (1+k.c1*(1-h)*k.cc*(2-k.cc)-k.c1-k.cm*sum)*c.At(a, b) + k.c1*pc[a]*pc[b]
				for i, w := range k.weights {
					if w < 0 {
						v := mul(root, all[i].y)
						w *= n / (v[0]*v[0] + v[1]*v[1] + v[2]*v[2] + v[3]*v[3])
					}
					want += k.cm * w * all[i].y[a] * all[i].y[b]
				}
				if got := o.state.Shape.Full.C[a*n+b]; math.Abs(got-want) > 1e-9*math.Abs(want)+1e-12 {
					t.Fatalf("update %d: C[%d,%d] = %v, want %v", o.state.Updates, a, b, got, want)
				}
			}
			if math.Abs(o.state.Mean[a]-mean[a]) > 1e-12 || math.Abs(o.state.Sigma-sigma) > 1e-12*sigma {
				t.Fatalf("update %d: mean %v, sigma %v, want %v, %v", o.state.Updates, o.state.Mean, o.state.Sigma, mean, sigma)
			}
		}
	}
}

// inverseFactor is A⁻¹ of the Cholesky factor A, C = A Aᵀ.
func inverseFactor(c mat.Symmetric) *mat.Dense {
	var chol mat.Cholesky
	if !chol.Factorize(c) {
		panic("not positive definite")
	}
	var a mat.TriDense
	var out mat.Dense
	chol.LTo(&a)
	if err := out.Inverse(&a); err != nil {
		panic(err)
	}
	return &out
}

func TestCMAESNamesItsReasonToStop(t *testing.T) {
	for name, c := range map[string]struct {
		loss   func([]float64) float64
		tolFun float64
		want   string
	}{
		"a flat loss":              {func([]float64) float64 { return 3 }, 0, "rounding"},
		"a bowl":                   {rig.Losses["sphere"], 0, "tol_x"},
		"a bowl, with a tolerance": {rig.Losses["sphere"], 1e-9, "tol_fun"},
		"a bowl at a million":      {func(x []float64) float64 { return 1e6 + rig.Losses["sphere"](x) }, 0, "rounding"},
		"a sharp valley":           {func(x []float64) float64 { return math.Abs(x[0]) + 1e-4*math.Abs(x[1]-1) }, 0, "condition"},
	} {
		par := Defaults()
		par.Restarts, par.TolFun = "none", c.tolFun
		o, err := New(optimizer.Box(3, -5, 5), par, 5)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := rig.Minimise(t, o, c.loss, math.Inf(-1), 50000)
		if stop := o.Status().Stop; len(stop) < len(c.want) || stop[:len(c.want)] != c.want {
			t.Errorf("%s: after %d evaluations stopped for %q, want %s", name, n, stop, c.want)
		}
		if cs, err := o.Ask(0); len(cs) > 0 || err != nil {
			t.Errorf("%s: stopped, but proposes %d individuals, %v", name, len(cs), err)
		}
	}
}

func BenchmarkCMAES(b *testing.B) {
	for _, n := range []int{10, 40, 100} {
		b.Run(map[int]string{10: "n=10", 40: "n=40", 100: "n=100"}[n], func(b *testing.B) {
			var o *Search
			evaluations := 0
			for b.Loop() {
				if o == nil || o.state.Stop != "" {
					o, _ = New(optimizer.Box(n, -5, 5), Defaults(), 1)
				}
				cs, _ := o.Ask(0)
				evs := make([]optimizer.Evaluated, len(cs))
				for i, c := range cs {
					evs[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{rig.Losses["rosenbrock"](c.X)}}
				}
				if err := o.Tell(evs); err != nil {
					b.Fatal(err)
				}
				evaluations += len(cs)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(evaluations), "ns/evaluation")
		})
	}
}
