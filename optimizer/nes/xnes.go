package nes

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
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/linalg"
)

// XNESParams configures XNES.
type XNESParams struct {
	PopSize           int     `yaml:"pop_size" doc:"individuals per generation, λ" range:"[3, 1e6]" auto:"4 + floor(3 ln n), or execution.parallel where that is more than 4 times as many"`
	Sigma             float64 `yaml:"sigma" doc:"initial step size, as a fraction of each coordinate's width (upper − lower, or √12 std)" range:"(0, 10]"`
	LearningRateMu    float64 `yaml:"learning_rate_mu" doc:"of the mean, η_δ" range:"(0, inf)"`
	LearningRateSigma float64 `yaml:"learning_rate_sigma" doc:"of the step size and of the shape, η_σ = η_B" range:"(0, inf)" auto:"min(1, (9 + 3 ln n) / (5 n √n)); where pop_size follows execution.parallel, that times the square root of how many times the population is larger, up to 1"`
	MirroredSampling  bool    `yaml:"mirrored_sampling" doc:"let every second individual lie opposite the one before"`
	Start             string  `yaml:"start" doc:"initial mean: the centre of the box, or a random point in its middle 80 %; a coordinate with a given mean starts there" range:"random | centre"`
	TolX              float64 `yaml:"tol_x" doc:"stop when the step in every coordinate has fallen below this fraction of its width" range:"[0, 1)"`
}

// maxXNESDim is the largest dimension: three matrices of 8 MB each, and seconds for each generation's matrix exponential.
const maxXNESDim = 1000

// XNESDefaults returns the defaults of [XNESParams].
func XNESDefaults() XNESParams {
	return XNESParams{Sigma: 0.2, LearningRateMu: 1, Start: "random", TolX: 1e-12}
}

func (p *XNESParams) resolve(problem optimizer.Problem) error {
	dim := kit.NewFrame(problem, kit.Folded).Dim()
	if dim > maxXNESDim {
		return fmt.Errorf("%w: it has %d coordinates, want at most %d (a categorical one counts once for each choice): every generation costs "+
			"n³; choose snes",
			optimizer.ErrUnsuited, dim, maxXNESDim)
	}
	n := float64(dim)
	times := 1.0
	if p.PopSize == 0 {
		p.PopSize, times = usualSize(n, problem)
	}
	if p.LearningRateSigma == 0 {
		p.LearningRateSigma = faster(min(1, (9+3*math.Log(n))/(5*n*math.Sqrt(n))), times)
	}
	return kit.SingleObjective(problem)
}

func xnesAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "xnes",
		Title: "Exponential natural evolution strategy (xNES)",
		Reference: "Glasmachers et al. 2010, Exponential Natural Evolution Strategies, doi 10.1145/1830483.1830557; Wierstra et al. 2014, " +
			"Natural Evolution Strategies, JMLR 15, 949-980",
		When: "for up to some tens of continuous parameters that depend on each other, where an update derived from one principle is " +
			"wanted; cmaes needs fewer evaluations",
		Cost:        "O(λn² + n³); memory O(n² + λn)",
		Parallelism: "pop_size at a time; with execution.parallel more than 4 times the default population, as many as that says, and a larger step of learning",
	}, XNESDefaults, NewXNES)
}

// XNES samples individuals from a normal distribution and follows the natural gradient of the expected utility with respect to its mean and
// its covariance σ² B Bᵀ, det B = 1, the latter in exponential coordinates (Wierstra et al., algorithm 5). It works in the coordinates of a
// frame, so bounds hold; whole numbers are rounded, and a choice is the largest of one number for each.
type XNES struct {
	problem optimizer.Problem
	par     XNESParams
	frame   *kit.Frame
	noise   *kit.Noise
	u       []float64 // scratch of point
	s       xnesState
}

type xnesState struct {
	Cloud kit.Cloud
	Src   *kit.Source
	Mean  codec.Vector // μ, in the frame
	Sigma float64      // σ
	B     codec.Vector // n×n row-major, det B = 1
	Stop  string

	Average kit.Average // of μ so far
}

// NewXNES makes an exponential natural evolution strategy for a problem with one objective.
func NewXNES(problem optimizer.Problem, par XNESParams, seed uint64) (*XNES, error) {
	par, err := kit.Resolved(xnesAlgorithm(), par, problem, (*XNESParams).resolve)
	if err != nil {
		return nil, err
	}
	f := kit.NewFrame(problem, kit.Folded)
	o := &XNES{problem: problem, par: par, frame: f, noise: kit.NewNoise(f.Dim()), u: make([]float64, f.Dim())}
	o.s = xnesState{Src: kit.NewSource(seed), Sigma: par.Sigma, B: linalg.Identity(f.Dim())}
	o.s.Mean = f.Start(par.Start, rand.New(o.s.Src))
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *XNES) Params() XNESParams { return o.par }

// WarmStart implements WarmStarter: the search begins at the best point known.
func (o *XNES) WarmStart(known []optimizer.Solution) error {
	best, err := o.s.Cloud.WarmStart(known, o.problem)
	if best != nil {
		o.moveTo(best)
	}
	return err
}

func (o *XNES) moveTo(x []float64) { o.s.Mean, o.s.Average = o.frame.Preimage(x), kit.Average{} }

// point returns the individual μ + σ B z.
func (o *XNES) point(d kit.Direction) []float64 {
	copy(o.u, o.s.Mean)
	blas64.Gemv(blas.NoTrans, o.s.Sigma, linalg.Rows(o.frame.Dim(), o.s.B), linalg.Column(o.noise.Of(d)), 1, linalg.Column(o.u))
	return o.frame.Point(o.u)
}

// Ask implements Optimizer.
func (o *XNES) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Cloud.Idle() && o.s.Stop == "" {
		o.s.Cloud.Begin(kit.Scatter(rand.New(o.s.Src), o.par.PopSize, o.par.MirroredSampling), o.point)
	}
	return o.s.Cloud.Ask(max), nil
}

// Tell implements Optimizer.
func (o *XNES) Tell(results []optimizer.Evaluated) error {
	rng := rand.New(o.s.Src)
	complete, err := o.s.Cloud.Tell(results, o.problem, rng, o.point)
	if !complete {
		return err
	}
	if x, ok := o.s.Cloud.Elsewhere(o.problem, rng); ok {
		o.moveTo(x)
	} else {
		o.update()
		o.s.Average.Add(o.s.Mean)
	}
	o.s.Cloud.End()
	return nil
}

// update follows the natural gradients ∇_δ J = Σ w z and ∇_M J = Σ w (z zᵀ − I), of which the I drops out because the weights sum to 0.
func (o *XNES) update() {
	n, s := o.frame.Dim(), &o.s
	delta := make([]float64, n)
	m := make([]float64, n*n) // the upper triangle
	for i, w := range s.Cloud.Utilities() {
		if w != 0 {
			z := o.noise.Of(s.Cloud.Directions[i])
			floats.AddScaled(delta, w, z)
			blas64.Syr(w, linalg.Column(z), blas64.Symmetric{N: n, Stride: n, Data: m, Uplo: blas.Upper})
		}
	}
	trace := 0.0
	for j := range n {
		trace += m[j*n+j]
	}
	for j := range n {
		m[j*n+j] -= trace / float64(n) // ∇_B J = ∇_M J − ∇_σ J · I, ∇_σ J = tr(∇_M J)/n
	}
	b := linalg.Rows(n, s.B)
	blas64.Gemv(blas.NoTrans, o.par.LearningRateMu*s.Sigma, b, linalg.Column(delta), 1, linalg.Column(s.Mean)) // μ ← μ + η_δ σ B ∇_δ J
	s.Sigma *= math.Exp(o.par.LearningRateSigma / 2 * trace / float64(n))                                      // σ ← σ exp(η_σ/2 ∇_σ J)
	s.Sigma = min(s.Sigma, maxSigma)
	floats.Scale(o.par.LearningRateSigma/2, m)
	product := linalg.Rows(n, make([]float64, n*n))
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, b, linalg.Rows(n, exponential(n, m)), 0, product) // B ← B exp(η_B/2 ∇_B J)
	s.B = product.Data

	largest := 0.0
	for j := range n {
		largest = max(largest, s.Sigma*floats.Norm(s.B[j*n:(j+1)*n], 2))
	}
	if largest < o.par.TolX {
		s.Stop = fmt.Sprintf("tol_x: steps are below %g of the widths", o.par.TolX)
	}
}

// exponential returns exp(M), n×n row-major, of the symmetric matrix with the upper triangle m, by its eigenvalues.
func exponential(n int, m []float64) []float64 {
	v, values, query := slices.Clone(m), make([]float64, n), make([]float64, 1)
	symmetric := blas64.Symmetric{N: n, Stride: n, Data: v, Uplo: blas.Upper}
	lapack64.Syev(lapack.EVCompute, symmetric, values, query, -1)
	work := make([]float64, int(query[0]))
	if !lapack64.Syev(lapack.EVCompute, symmetric, values, work, len(work)) {
		return linalg.Identity(n) // does not happen to finite numbers
	}
	scaled := slices.Clone(v)
	for j := range n {
		for k := range n {
			scaled[j*n+k] *= math.Exp(values[k])
		}
	}
	out := linalg.Rows(n, make([]float64, n*n))
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, linalg.Rows(n, scaled), linalg.Rows(n, v), 0, out)
	return out.Data
}

// Recommend implements Recommender: it is the mean, and the average of those so far.
func (o *XNES) Recommend() [][]float64 {
	return recommended(o.frame, &o.s.Cloud, o.s.Mean, o.s.Average)
}

// Status implements Optimizer.
func (o *XNES) Status() optimizer.Status {
	st := o.s.Cloud.Status()
	st.Stop = o.s.Stop
	st.Figures = []optimizer.Figure{{Name: "sigma", Value: o.s.Sigma}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *XNES) MarshalBinary() ([]byte, error) {
	s := o.s
	s.Cloud = s.Cloud.Compact()
	return kit.EncodeState(xnesAlgorithm(), 1, o.problem, s)
}

// UnmarshalBinary implements Optimizer.
func (o *XNES) UnmarshalBinary(b []byte) error {
	var s xnesState
	if err := kit.DecodeState(xnesAlgorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	if n := o.frame.Dim(); len(s.Mean) != n || len(s.B) != n*n || s.Average.T > 0 && len(s.Average.X) != o.frame.Dim() || s.Src == nil {
		return fmt.Errorf("%w: its mean and shape have other sizes", optimizer.ErrState)
	}
	again := *o
	again.s = s
	if err := again.s.Cloud.Expand(again.point); err != nil {
		return err
	}
	*o = again
	return nil
}
