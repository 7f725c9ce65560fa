package optimizer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// CMAESParams configures CMAES.
type CMAESParams struct {
	PopSize        int     `yaml:"pop_size" doc:"individuals per generation, λ" range:"[4, 1e6]" auto:"4 + floor(3 ln n)"`
	Sigma          float64 `yaml:"sigma" doc:"initial step size, as a fraction of each coordinate's width (upper − lower, or √12 std)" range:"(0, 10]"`
	Start          string  `yaml:"start" doc:"initial mean: the centre of the box, or a random point in its middle 80 %; a coordinate with a given mean starts there" range:"random | centre"`
	InitialSamples int     `yaml:"initial_samples" doc:"draw and evaluate this many random individuals first and start at the best of them" range:"[0, inf)"`
	Active         bool    `yaml:"active" doc:"learn from the worse half too, by negative weights"`
	TolX           float64 `yaml:"tol_x" doc:"stop when the step in every coordinate has fallen below this fraction of the initial one" range:"[0, 1)"`
	TolFun         float64 `yaml:"tol_fun" doc:"stop when the losses of the last generations differ by less than this" range:"[0, inf)"`
}

// maxCMAESDim is the largest dimension: three matrices of 200 MB each, and minutes for an eigendecomposition.
const maxCMAESDim = 5000

// DefaultCMAES returns the defaults of CMAESParams.
func DefaultCMAES() CMAESParams {
	return CMAESParams{Sigma: 0.2, Start: "random", Active: true, TolX: 1e-12, TolFun: 1e-12}
}

func (p *CMAESParams) resolve(problem Problem) error {
	if p.PopSize == 0 {
		p.PopSize = 4 + int(3*math.Log(float64(problem.Dim())))
	}
	if n := problem.Dim(); n > maxCMAESDim {
		return fmt.Errorf("%w: it has %d coordinates, want at most %d: the covariance matrix has n² entries", ErrUnsuited, n, maxCMAESDim)
	}
	return single(problem)
}

var cmaesAlgorithm = Algorithm{
	Name:  "cmaes",
	Title: "Covariance matrix adaptation evolution strategy (CMA-ES)",
	Reference: "Hansen 2016, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772v2; " +
		"active update: Jastrebski and Arnold 2006, doi 10.1109/CEC.2006.1688662",
	When: "first, for continuous parameters, 2 to some hundreds of them, that may depend on each other and differ in scale; " +
		"needs 100 n evaluations or more",
	Cost:        "O(λn²), and O(n³) every few generations; memory O(n² + λn)",
	Parallelism: "pop_size at a time",
	Params:      func() any { p := DefaultCMAES(); return &p },
	New:         build(NewCMAES, func(o *CMAES) CMAESParams { return o.par }),
}

// cmaesConst are the strategy parameters of the tutorial's table 1, for dimension n.
type cmaesConst struct {
	weights    []float64 // w, len λ, descending; the first mu sum to 1, the others are <= 0
	mu         int
	muEff      float64 // variance effective selection mass of the first mu
	cc, c1, cm float64 // learning rates: cumulation for C, rank-one update, rank-μ update c_μ
	cs, ds     float64 // cumulation for and damping of the step size
	chiN       float64 // E‖N(0, I)‖
	lazy       int     // generations between eigendecompositions
	history    int     // generations over which the loss must have stopped to change
}

func newCMAESConst(dim int, par CMAESParams) cmaesConst {
	n, lambda := float64(dim), par.PopSize
	k := cmaesConst{mu: lambda / 2, weights: make([]float64, lambda)}
	for i := range k.weights {
		k.weights[i] = math.Log(float64(lambda+1)/2) - math.Log(float64(i+1)) // (49)
	}
	positive, negative := k.weights[:k.mu], k.weights[k.mu:]
	mass := func(w []float64) float64 { s := floats.Sum(w); return s * s / floats.Dot(w, w) }
	muEffNeg := mass(negative)
	k.muEff = mass(positive)

	k.cs = (k.muEff + 2) / (n + k.muEff + 5)                                            // (55)
	k.ds = 1 + 2*max(0, math.Sqrt((k.muEff-1)/(n+1))-1) + k.cs                          // (55)
	k.cc = (4 + k.muEff/n) / (n + 4 + 2*k.muEff/n)                                      // (56)
	k.c1 = 2 / ((n+1.3)*(n+1.3) + k.muEff)                                              // (57)
	k.cm = min(1-k.c1, 2*(0.25+k.muEff+1/k.muEff-2)/((n+2)*(n+2)+k.muEff))              // (58)
	k.chiN = math.Sqrt(n) * (1 - 1/(4*n) + 1/(21*n*n))                                  // after (44)
	alphaMu := 1 + k.c1/k.cm                                                            // (50)
	alphaMuEff := 1 + 2*muEffNeg/(k.muEff+2)                                            // (51)
	alphaPosDef := (1 - k.c1 - k.cm) / (n * k.cm)                                       // (52)
	floats.Scale(1/floats.Sum(positive), positive)                                      // (53)
	floats.Scale(-min(alphaMu, alphaMuEff, alphaPosDef)/floats.Sum(negative), negative) // (53)
	if !par.Active {
		clear(negative)
	}
	k.lazy = max(1, int(1/(10*n*(k.c1+k.cm))))
	k.history = 10 + int(math.Ceil(30*n/float64(lambda)))
	return k
}

// CMAES samples individuals from a normal distribution whose mean, step size and covariance it adapts. It works in coordinates
// divided by their widths, so that one step size suits all. Bounds hold: a boundary map folds samples into the box. Integer and categorical
// coordinates are rounded.
//
// Equation numbers refer to the tutorial.
type CMAES struct {
	problem Problem
	par     CMAESParams
	k       cmaesConst
	bounds  []boundary // in units of the width
	s       cmaesState
	bd      []float64 // B·diag(D), n×n row-major: y = BD z; derived from s
}

type cmaesState struct {
	Gen     generation
	Src     *source
	Drawing bool         // the present generation is that of the initial samples
	Mean    codec.Vector // m, in units of the width
	Sigma   float64      // σ
	Pc, Ps  codec.Vector // evolution paths of C and of σ
	C       codec.Vector // covariance, n×n row-major, upper triangle
	B       codec.Vector // eigenvectors of C in its columns, n×n row-major, as of generation Eigen
	D       codec.Vector // square roots of the eigenvalues
	Eigen   int          // update at which B and D were computed
	Updates int          // generations learnt from
	Y       codec.Vector // steps of the outstanding generation, λ×n: x = m + σy
	Norms   codec.Vector // ‖C^{-1/2} y‖² of each, len λ
	Best    codec.Vector // smallest loss of each generation, the last ones
	Median  codec.Vector // its median
	Stop    string
}

// NewCMAES makes a CMA-ES for a problem with one objective.
func NewCMAES(problem Problem, par CMAESParams, seed uint64) (*CMAES, error) {
	par, err := resolved("cmaes", par, problem)
	if err != nil {
		return nil, err
	}
	n := problem.Dim()
	o := &CMAES{problem: problem, par: par, k: newCMAESConst(n, par), bounds: make([]boundary, n)}
	for i, c := range problem.Coords {
		half := 0.0
		if c.Kind != Continuous {
			half = 0.5 // so that rounding gives the outermost values their share
		}
		o.bounds[i] = newBoundary((c.Lower-half)/c.Width(), (c.Upper+half)/c.Width(), 1)
	}
	o.s = cmaesState{
		Src: newSource(seed), Sigma: par.Sigma,
		Mean: make([]float64, n), Pc: make([]float64, n), Ps: make([]float64, n), C: identity(n), B: identity(n), D: make([]float64, n),
	}
	floats.AddConst(1, o.s.D)
	o.derive()
	rng := rand.New(o.s.Src)
	for i, c := range problem.Coords {
		x := c.Mean
		switch {
		case c.Std == 0 && par.Start == "random":
			x = c.Lower + (c.Upper-c.Lower)*(0.1+0.8*rng.Float64())
		case c.Std == 0:
			x = (c.Lower + c.Upper) / 2
		}
		o.s.Mean[i] = o.bounds[i].preimage(x / c.Width())
	}
	o.s.Drawing = par.InitialSamples > 0
	return o, nil
}

func identity(n int) []float64 {
	m := make([]float64, n*n)
	for i := range n {
		m[i*n+i] = 1
	}
	return m
}

// derive computes what follows from the state.
func (o *CMAES) derive() {
	n := o.problem.Dim()
	o.bd = slices.Clone(o.s.B)
	for i := range n {
		floats.Mul(o.bd[i*n:(i+1)*n], o.s.D)
	}
}

// point returns the individual of step y, in the problem's coordinates.
func (o *CMAES) point(y []float64) []float64 {
	x := make([]float64, len(y))
	for i, c := range o.problem.Coords {
		x[i] = c.clip(c.Width() * o.bounds[i].inside(o.s.Mean[i]+o.s.Sigma*y[i]))
	}
	return x
}

// sample draws step i of the generation and returns its individual: y = B D z, z ~ N(0, I)                     (38), (39)
func (o *CMAES) sample(i int, rng *rand.Rand) []float64 {
	n := o.problem.Dim()
	z, y := make([]float64, n), o.s.Y[i*n:(i+1)*n]
	for j := range z {
		z[j] = rng.NormFloat64()
	}
	blas64.Gemv(blas.NoTrans, 1, square(n, o.bd), column(z), 0, column(y))
	o.s.Norms[i] = floats.Dot(z, z)
	return o.point(y)
}

// redraw draws member i once more.
func (o *CMAES) redraw(i int) []float64 {
	rng := rand.New(o.s.Src)
	if o.s.Drawing {
		return o.problem.Draw(rng)
	}
	return o.sample(i, rng)
}

// Ask implements Optimizer.
func (o *CMAES) Ask(max int) ([]Candidate, error) {
	if o.s.Gen.idle() && o.s.Stop == "" {
		rng := rand.New(o.s.Src)
		var xs [][]float64
		if o.s.Drawing {
			for range o.par.InitialSamples {
				xs = append(xs, o.problem.Draw(rng))
			}
		} else {
			o.s.Y, o.s.Norms = make([]float64, o.par.PopSize*o.problem.Dim()), make([]float64, o.par.PopSize)
			for i := range o.par.PopSize {
				xs = append(xs, o.sample(i, rng))
			}
		}
		o.s.Gen.begin(xs)
	}
	return o.s.Gen.ask(max), nil
}

// Tell implements Optimizer.
func (o *CMAES) Tell(results []Evaluated) error {
	complete, err := o.s.Gen.tell(results, o.problem, o.redraw)
	if !complete {
		return err
	}
	order, ok := o.s.Gen.ranking()
	switch {
	case ok == 0: // nothing to learn: sample again
	case o.s.Drawing:
		for i, x := range o.s.Gen.Members[order[0]].X {
			o.s.Mean[i] = o.bounds[i].preimage(x / o.problem.Coords[i].Width())
		}
		o.s.Drawing = false
	default:
		o.update(order, ok)
		o.s.Stop = o.converged(order, ok)
	}
	o.s.Gen.end()
	o.s.Y, o.s.Norms = nil, nil
	return nil
}

// update learns from the generation, ranked from best to worst, of which the first ok did not fail.
func (o *CMAES) update(order []int, ok int) {
	n, k, s := o.problem.Dim(), o.k, &o.s
	step := func(rank int) []float64 { i := order[rank]; return s.Y[i*n : (i+1)*n] }

	// A failed individual is worse than all others, but never one to move to.
	w := slices.Clone(k.weights)
	if ok < k.mu {
		clear(w[ok:k.mu])
		floats.Scale(1/floats.Sum(w[:ok]), w[:ok])
	}

	yw := make([]float64, n)
	for i := range min(k.mu, ok) {
		floats.AddScaled(yw, w[i], step(i)) //                                    y_w = Σ w_i y_i:λ            (41)
	}
	floats.AddScaled(s.Mean, s.Sigma, yw) //                                     m ← m + σ y_w                (42)

	floats.Scale(1-k.cs, s.Ps)
	floats.AddScaled(s.Ps, math.Sqrt(k.cs*(2-k.cs)*k.muEff), o.whiten(yw)) //    p_σ                          (43)
	norm := floats.Norm(s.Ps, 2)
	s.Updates++
	stalled := norm/math.Sqrt(1-math.Pow(1-k.cs, 2*float64(s.Updates))) >= (1.4+2/(float64(n)+1))*k.chiN
	s.Sigma *= math.Exp(min(1, k.cs/k.ds*(norm/k.chiN-1))) //                    σ                            (44)

	floats.Scale(1-k.cc, s.Pc)
	lost := k.cc * (2 - k.cc) // variance that p_c lacks while h_σ = 0
	if !stalled {
		floats.AddScaled(s.Pc, math.Sqrt(k.cc*(2-k.cc)*k.muEff), yw) //          p_c, h_σ = 1                 (45)
		lost = 0
	}

	positive, negative := make([]float64, 0, len(w)*n), make([]float64, 0, len(w)*n)
	for i, wi := range w { //                                                    w°                           (46)
		switch {
		case wi > 0:
			positive = scaled(positive, math.Sqrt(wi*k.cm), step(i))
		case wi < 0:
			wi *= float64(n) / s.Norms[order[i]]
			negative = scaled(negative, math.Sqrt(-wi*k.cm), step(i))
		}
	}
	positive = scaled(positive, math.Sqrt(k.c1), s.Pc)
	c := blas64.Symmetric{N: n, Stride: n, Data: s.C, Uplo: blas.Upper}
	decay := 1 + k.c1*lost - k.c1 - k.cm*floats.Sum(w)
	blas64.Syrk(blas.Trans, 1, rows(n, positive), decay, c) //                   C                            (47)
	if len(negative) > 0 {
		blas64.Syrk(blas.Trans, -1, rows(n, negative), 1, c)
	}
	if s.Updates >= s.Eigen+k.lazy {
		o.decompose()
	}
}

// whiten returns C^{-1/2} y = B D^{-1} Bᵀ y.
func (o *CMAES) whiten(y []float64) []float64 {
	n := len(y)
	t, out := make([]float64, n), make([]float64, n)
	b := square(n, o.s.B)
	blas64.Gemv(blas.Trans, 1, b, column(y), 0, column(t))
	floats.Div(t, o.s.D)
	blas64.Gemv(blas.NoTrans, 1, b, column(t), 0, column(out))
	return out
}

// decompose computes C = B D² Bᵀ.
func (o *CMAES) decompose() {
	n, s := o.problem.Dim(), &o.s
	copy(s.B, s.C)
	query := make([]float64, 1)
	b := blas64.Symmetric{N: n, Stride: n, Data: s.B, Uplo: blas.Upper}
	lapack64.Syev(lapack.EVCompute, b, s.D, query, -1)
	work := make([]float64, int(query[0]))
	ok := lapack64.Syev(lapack.EVCompute, b, s.D, work, len(work))
	largest := s.D[n-1]
	if !ok || math.IsNaN(largest) || largest <= 0 {
		// Rounding has destroyed C, after a condition of 1e14 was let pass in a single generation. The search is over.
		s.Stop = "covariance matrix is no longer positive"
		copy(s.B, identity(n))
		for i := range s.D {
			s.D[i] = 1
		}
	} else {
		for i, v := range s.D {
			s.D[i] = math.Sqrt(max(v, largest*1e-30))
		}
	}
	s.Eigen = s.Updates
	o.derive()
}

// converged names the reason to stop, if there is one (tutorial, appendix B.3).
func (o *CMAES) converged(order []int, ok int) string {
	n, k, s := o.problem.Dim(), o.k, &o.s
	members := s.Gen.Members
	best, worst, median := members[order[0]].Loss[0], members[order[ok-1]].Loss[0], members[order[ok/2]].Loss[0]

	// The stagnation rule looks at the last 20 % of all generations, at least 120 + 30 n/λ and at most 20,000 of them.
	span := min(20000, max(120+30*n/len(k.weights), s.Updates/5))
	s.Best, s.Median = last(append(s.Best, best), span), last(append(s.Median, median), span)

	smallest, largest := s.D[0], s.D[n-1]
	recent := last(s.Best, k.history)
	switch {
	case s.Stop != "":
		return s.Stop
	case len(recent) == k.history && max(floats.Max(recent), worst)-min(floats.Min(recent), best) <= o.par.TolFun:
		return fmt.Sprintf("tol_fun: losses differ by less than %g", o.par.TolFun)
	case o.largestStep() < o.par.TolX*o.par.Sigma:
		return fmt.Sprintf("tol_x: steps are below %g of the initial ones", o.par.TolX)
	case largest > 1e7*smallest:
		return "condition: the covariance matrix has a condition above 1e14"
	case s.Sigma*largest > 1e4*o.par.Sigma*max(1, 1/o.par.Sigma):
		return "tol_up: the step size has grown by 1e4"
	case o.noEffect():
		return "no_effect: the steps are too small to change the mean"
	case len(s.Best) == span && stagnated(s.Best) && stagnated(s.Median):
		return "stagnation: losses have stopped to improve"
	}
	return ""
}

// largestStep is the largest standard deviation, or entry of the path p_c, of any coordinate.
func (o *CMAES) largestStep() float64 {
	n, step := o.problem.Dim(), 0.0
	for i := range n {
		step = max(step, math.Sqrt(max(o.s.C[i*n+i], 0)), math.Abs(o.s.Pc[i]))
	}
	return step * o.s.Sigma
}

// noEffect reports whether 0.1 σ along one principal axis (another in each generation), or 0.2 σ in a coordinate, leaves the mean as it is.
func (o *CMAES) noEffect() bool {
	n, s := o.problem.Dim(), &o.s
	axis, same := s.Updates%n, true
	for i := range n {
		if s.Mean[i]+0.2*s.Sigma*math.Sqrt(s.C[i*n+i]) == s.Mean[i] {
			return true
		}
		same = same && s.Mean[i]+0.1*s.Sigma*o.bd[i*n+axis] == s.Mean[i]
	}
	return same
}

// stagnated reports whether the median of the last 30 % of the losses is not better than that of the first 30 %.
func stagnated(losses []float64) bool {
	third := 3 * len(losses) / 10
	return medianOf(losses[len(losses)-third:]) >= medianOf(losses[:third])
}

func medianOf(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// last returns the last n elements of x, or all if there are fewer.
func last(x []float64, n int) []float64 { return x[max(0, len(x)-n):] }

// scaled appends a·y to m.
func scaled(m []float64, a float64, y []float64) []float64 {
	for _, v := range y {
		m = append(m, a*v)
	}
	return m
}

// Views of slices as the matrices and vectors of blas64.
func column(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }
func square(n int, m []float64) blas64.General {
	return blas64.General{Rows: n, Cols: n, Stride: n, Data: m}
}
func rows(n int, m []float64) blas64.General {
	return blas64.General{Rows: len(m) / n, Cols: n, Stride: n, Data: m}
}

// Status implements Optimizer.
func (o *CMAES) Status() Status {
	st := o.s.Gen.status()
	st.Stop = o.s.Stop
	n := o.problem.Dim()
	st.Figures = []Figure{{"sigma", o.s.Sigma}, {"axis_ratio", o.s.D[n-1] / o.s.D[0]}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *CMAES) MarshalBinary() ([]byte, error) { return encodeState("cmaes", 1, o.problem, o.s) }

// UnmarshalBinary implements Optimizer.
func (o *CMAES) UnmarshalBinary(b []byte) error {
	s, err := decodeState[cmaesState]("cmaes", 1, o.problem, b)
	if err != nil {
		return err
	}
	if n := o.problem.Dim(); len(s.Mean) != n || len(s.C) != n*n || len(s.B) != n*n || len(s.D) != n || len(s.Pc) != n || len(s.Ps) != n || s.Src == nil {
		return fmt.Errorf("%w: its matrices have other sizes", ErrState)
	}
	o.s = s
	o.derive()
	return nil
}
