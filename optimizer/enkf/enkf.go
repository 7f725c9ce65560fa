// Package enkf is the ensemble Kalman filter for inverse problems: for models whose outputs have targets, such as curves, images and classes. It
// learns from each output, and so thousands of parameters in some tens of generations. It knows nothing of a loss beyond them, and no categories.
package enkf

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/linalg"
)

// Params configures [Search].
type Params struct {
	PopSize     int       `yaml:"pop_size" doc:"members of the ensemble, J; a generation evaluates them and their mean" range:"[3, 1e5]" auto:"2 (n + 1), at least 20 and at most 200; where execution.parallel is more than 4 times as many, one less than that, but at most 2000"`
	Noise       []float64 `yaml:"noise" doc:"standard deviation of the targets' errors (their covariance Γ is diagonal): a list of one number for all outputs, or of one for each" range:"(0, inf)" auto:"in each generation, the root mean square of the outputs' distances from their targets"`
	Repetitions int       `yaml:"repetitions" doc:"generations that learn from the same targets: each learns so many times less, as if the noise's variance were multiplied by this" range:"[1, 1e6]"`
	Inflation   float64   `yaml:"inflation" doc:"factor by which the ensemble is spread after each generation, against collapse" range:"[1, 10]"`
	TolX        float64   `yaml:"tol_x" doc:"stop when the ensemble's standard deviation in every coordinate is below this fraction of its width" range:"[0, 1)"`
}

// mostMembers is how many there are where none are given, at most: to learn from them costs up to the square of their number.
const mostMembers = 2000

// Defaults returns the defaults of [Params].
func Defaults() Params { return Params{Repetitions: 1, Inflation: 1, TolX: 1e-9} }

func (p *Params) resolve(problem optimizer.Problem) error {
	if problem.Outputs == 0 {
		return fmt.Errorf("%w: it has no model outputs, want a model that returns outputs and their targets, from which this method learns",
			optimizer.ErrUnsuited)
	}
	if slices.ContainsFunc(problem.Coords, func(c optimizer.Coordinate) bool { return c.Kind == optimizer.Categorical }) {
		return fmt.Errorf("%w: it has a categorical parameter, want numbers: what is learnt are linear relations", optimizer.ErrUnsuited)
	}
	if n := len(p.Noise); n > 1 && n != problem.Outputs {
		return fmt.Errorf("noise: %d numbers, want one or as many as there are outputs, %d", n, problem.Outputs)
	}
	if p.PopSize == 0 {
		usual := min(max(2*(problem.Dim()+1), 20), 200)
		if p.PopSize = kit.Usual(usual, problem, mostMembers); p.PopSize > usual {
			p.PopSize-- // for the mean
		}
	}
	return kit.SingleObjective(problem)
}

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "enkf",
		Title: "Ensemble Kalman filter for inverse problems (EnKF, ensemble Kalman inversion)",
		Reference: "Iglesias, Law and Stuart 2013, Ensemble Kalman methods for inverse problems, doi 10.1088/0266-5611/29/4/045001; " +
			"Evensen 2003, The Ensemble Kalman Filter, doi 10.1007/s10236-003-0036-9; repetitions: Emerick and Reynolds 2013, doi " +
			"10.1016/j.cageo.2012.03.011",
		When: "for models whose outputs have targets: curves, images, classes. It uses each output and not only their sum, and so learns " +
			"thousands of parameters, weights of a network for instance, in some tens of generations and without gradients; mini-batches " +
			"are welcome (evaluation.rotate)",
		Cost:        "O(λ (m + n) min(λ, m)) for m outputs; memory O(λ (m + n))",
		Parallelism: "pop_size + 1 at a time; with execution.parallel more than 4 times the default, as many as that says, up to 2000, whose covariances are less random",
	}, Defaults, New)
}

// Search moves an ensemble of parameter vectors u_j to where the model's outputs g_j meet their targets y: as the Kalman filter would, were the model
// linear, with covariances taken from the ensemble,
//
//	u_j ← u_j + C_ug (C_gg + Γ)⁻¹ (y + ξ_j − g_j),  ξ_j ~ N(0, Γ).
//
// The perturbations ξ_j keep the ensemble's spread honest; their mean is taken off, so that the ensemble's mean moves exactly as the filter's
// does. A generation's members may differ from those before in what the outputs are of: mini-batches. A move is a linear combination
// of the ensemble's members, so that an ensemble much smaller than the number of parameters finds a compromise only.
//
// The last individual of a generation is the ensemble's mean, which is not learnt from but mostly better than any member. Failed members have no part
// in the covariances, and are drawn anew from the others' distribution. Bounds hold: members are moved to the nearest point in the box.
// Integers are rounded for the evaluation only.
type Search struct {
	problem optimizer.Problem
	par     Params
	s       state
}

type state struct {
	Gen      kit.Generation // the members, then their mean
	Src      *kit.Source
	Warm     kit.Warm
	Ensemble codec.Vector // u_j in rows, J×n; empty before the first generation
	Misfit   float64      // root mean square of y − g over members and outputs, of the last generation
	Spread   float64      // the largest standard deviation of any coordinate, in widths
	Stop     string
}

// New makes an ensemble Kalman filter for a problem with model outputs, one objective, and no categorical parameters.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	return &Search{problem, par, state{Src: kit.NewSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// WarmStart implements WarmStarter.
func (o *Search) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Warm, err = kit.NewWarm(known, o.problem)
	return err
}

// row is u_j.
func (o *Search) row(j int) []float64 {
	n := o.problem.Dim()
	return o.s.Ensemble[j*n : (j+1)*n]
}

// bound moves u into the box, leaving integers their fractions.
func (o *Search) bound(u []float64) {
	for i, c := range o.problem.Coords {
		u[i] = min(max(u[i], c.Lower), c.Upper)
	}
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() && o.s.Stop == "" {
		if len(o.s.Ensemble) == 0 {
			o.s.Ensemble = slices.Concat(o.s.Warm.Population(o.problem, rand.New(o.s.Src), o.par.PopSize)...)
			o.s.Warm = nil
		}
		xs := make([][]float64, o.par.PopSize+1)
		for j := range o.par.PopSize {
			xs[j] = slices.Clone(o.row(j))
		}
		xs[o.par.PopSize] = o.mean()
		for _, x := range xs {
			o.problem.Clip(x)
		}
		o.s.Gen.Begin(xs)
	}
	return o.s.Gen.Ask(max), nil
}

// mean is that of the ensemble.
func (o *Search) mean() []float64 {
	mean := make([]float64, o.problem.Dim())
	for j := range o.par.PopSize {
		floats.AddScaled(mean, 1/float64(o.par.PopSize), o.row(j))
	}
	return mean
}

// redraw draws another point in the place of individual j.
func (o *Search) redraw(j int) []float64 {
	x := o.problem.Draw(rand.New(o.s.Src))
	if j < o.par.PopSize {
		copy(o.row(j), x)
	}
	return slices.Clone(x)
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	complete, err := o.s.Gen.Tell(results, o.problem, o.redraw)
	if !complete {
		return err
	}
	o.update()
	o.s.Gen.End()
	return nil
}

// update learns from the generation.
func (o *Search) update() {
	var good, bad []int // members
	for j, m := range o.s.Gen.Members[:o.par.PopSize] {
		if m.Failed {
			bad = append(bad, j)
		} else {
			good = append(good, j)
		}
	}
	rng := rand.New(o.s.Src)
	if len(good) < 3 { // too few for covariances
		for _, j := range bad {
			copy(o.row(j), o.problem.Draw(rng))
		}
		return
	}

	n, m, size := o.problem.Dim(), o.problem.Outputs, len(good)
	U, G, D := linalg.Zeros(size, n), linalg.Zeros(size, m), linalg.Zeros(size, m) // a member in each row
	for r, j := range good {
		member := o.s.Gen.Members[j]
		copy(linalg.Row(U, r), o.row(j))
		copy(linalg.Row(G, r), member.Outputs)
		floats.SubTo(linalg.Row(D, r), member.Targets, member.Outputs) // y − g_j
	}
	deviation := o.noise(D)
	mean := centre(U)
	centre(G)

	// Outputs from here on are in units of the noise, anomalies in units of √(J−1): G = Γ^{-1/2} (g − ḡ) / √(J−1), so that C_gg = GᵀG.
	unit := 1 / math.Sqrt(float64(size-1))
	xi := linalg.Zeros(size, m)
	for r := range size {
		for k, d := range deviation {
			linalg.Row(G, r)[k] *= unit / d
			linalg.Row(D, r)[k] /= d
			linalg.Row(xi, r)[k] = rng.NormFloat64()
		}
	}
	centre(xi)
	floats.Add(D.Data, xi.Data)

	moved, ok := o.move(U, G, D, unit)
	if !ok {
		return // outputs too large to compute with: the ensemble stays
	}
	drift := centre(moved) // of the mean
	floats.Add(mean, drift)
	floats.Scale(o.par.Inflation, moved.Data)
	for r, j := range good {
		floats.AddTo(o.row(j), mean, linalg.Row(moved, r))
	}
	for _, j := range bad { // N(ū, C_uu)
		u := o.row(j)
		copy(u, mean)
		for r := range size {
			floats.AddScaled(u, unit*rng.NormFloat64(), linalg.Row(moved, r))
		}
	}
	for j := range o.par.PopSize {
		o.bound(o.row(j))
	}
	o.measure()
}

// move returns U + unit · D (C_gg + I)⁻¹ C_gu, J×n, with C_gg = GᵀG and C_gu = GᵀU, by the smaller of two systems of equations: that of the m
// outputs, or that of the J members, as (GᵀG + I)⁻¹ Gᵀ = Gᵀ (GGᵀ + I)⁻¹. It reports whether the numbers are finite.
func (o *Search) move(U, G, D blas64.General, unit float64) (moved blas64.General, ok bool) {
	size, m, n := G.Rows, G.Cols, U.Cols
	moved = linalg.Zeros(size, n)
	copy(moved.Data, U.Data)
	if m < size {
		C := blas64.Symmetric{N: m, Stride: m, Data: linalg.Identity(m), Uplo: blas.Upper}
		blas64.Syrk(blas.Trans, 1, G, 1, C)
		X := linalg.Zeros(m, n)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, G, U, 0, X)
		if ok = solve(C, X); ok {
			blas64.Gemm(blas.NoTrans, blas.NoTrans, unit, D, X, 1, moved)
		}
	} else {
		C := blas64.Symmetric{N: size, Stride: size, Data: linalg.Identity(size), Uplo: blas.Upper}
		blas64.Syrk(blas.NoTrans, 1, G, 1, C)
		X := linalg.Zeros(size, n)
		copy(X.Data, U.Data)
		if ok = solve(C, X); ok {
			W := linalg.Zeros(size, size)
			blas64.Gemm(blas.NoTrans, blas.Trans, unit, D, G, 0, W)
			blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, W, X, 1, moved)
		}
	}
	return moved, ok && !slices.ContainsFunc(moved.Data, func(u float64) bool { return math.IsNaN(u) || math.IsInf(u, 0) })
}

// solve replaces X by C⁻¹X, and C by its factor.
func solve(C blas64.Symmetric, X blas64.General) (ok bool) {
	factor, ok := lapack64.Potrf(C)
	if ok {
		lapack64.Potrs(factor, X)
	}
	return ok
}

// noise is the standard deviation of the targets' errors, len m, with repetitions accounted for. D is y − g, J×m.
func (o *Search) noise(D blas64.General) []float64 {
	o.s.Misfit = floats.Norm(D.Data, 2) / math.Sqrt(float64(len(D.Data)))
	deviation := make([]float64, D.Cols)
	for k := range deviation {
		switch len(o.par.Noise) {
		case 0:
			deviation[k] = max(o.s.Misfit, math.SmallestNonzeroFloat64)
		case 1:
			deviation[k] = o.par.Noise[0]
		default:
			deviation[k] = o.par.Noise[k]
		}
		deviation[k] *= math.Sqrt(float64(o.par.Repetitions))
	}
	return deviation
}

// measure computes the ensemble's spread, and stops the search when there is none.
func (o *Search) measure() {
	o.s.Spread = 0
	column := make([]float64, o.par.PopSize)
	for i, c := range o.problem.Coords {
		for j := range column {
			column[j] = o.row(j)[i] / c.Width()
		}
		o.s.Spread = max(o.s.Spread, stat.StdDev(column, nil))
	}
	if o.s.Spread < o.par.TolX {
		o.s.Stop = fmt.Sprintf("tol_x: the ensemble's spread is below %g of the widths", o.par.TolX)
	}
}

// centre takes the mean of the rows off each of them, and returns it.
func centre(m blas64.General) []float64 {
	mean := make([]float64, m.Cols)
	for i := range m.Rows {
		floats.AddScaled(mean, 1/float64(m.Rows), linalg.Row(m, i))
	}
	for i := range m.Rows {
		floats.Sub(linalg.Row(m, i), mean)
	}
	return mean
}

// Ensemble returns the members as rows, pop_size of len n; nil before the first Ask. After a linear model's targets have been taken in once, it is a
// sample of the posterior.
func (o *Search) Ensemble() [][]float64 {
	var rows [][]float64
	for u := range slices.Chunk(o.s.Ensemble, o.problem.Dim()) {
		rows = append(rows, slices.Clone(u))
	}
	return rows
}

// Recommend implements Recommender: it is the ensemble's mean.
func (o *Search) Recommend() [][]float64 {
	if o.s.Gen.Number == 0 {
		return nil
	}
	x := o.mean()
	o.problem.Clip(x)
	return [][]float64{x}
}

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status {
	st := o.s.Gen.Status()
	st.Stop = o.s.Stop
	st.Figures = []optimizer.Figure{{Name: "misfit", Value: o.s.Misfit}, {Name: "spread", Value: o.s.Spread}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(algorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	var s state
	if err := kit.DecodeState(algorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	if n := len(s.Ensemble); s.Src == nil || n != 0 && n != o.par.PopSize*o.problem.Dim() {
		return fmt.Errorf("%w: its ensemble has another size", optimizer.ErrState)
	}
	o.s = s
	return nil
}
