package nes

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// SNESParams configures SNES.
type SNESParams struct {
	PopSize           int     `yaml:"pop_size" doc:"individuals per generation, λ" range:"[3, 1e6]" auto:"4 + floor(3 ln n), or execution.parallel where that is more than 4 times as many"`
	Sigma             float64 `yaml:"sigma" doc:"initial step size, as a fraction of each coordinate's width (upper − lower, or √12 std)" range:"(0, 10]"`
	LearningRateMu    float64 `yaml:"learning_rate_mu" doc:"of the mean, η_μ" range:"(0, inf)"`
	LearningRateSigma float64 `yaml:"learning_rate_sigma" doc:"of the step sizes, η_σ" range:"(0, inf)" auto:"(3 + ln n) / (5 √n); where pop_size follows execution.parallel, that times the square root of how many times the population is larger, up to 1"`
	MirroredSampling  bool    `yaml:"mirrored_sampling" doc:"let every second individual lie opposite the one before"`
	Start             string  `yaml:"start" doc:"initial mean: the centre of the box, or a random point in its middle 80 %; a coordinate with a given mean starts there" range:"random | centre"`
	TolX              float64 `yaml:"tol_x" doc:"stop when the step in every coordinate has fallen below this fraction of its width" range:"[0, 1)"`
}

// SNESDefaults returns the defaults of [SNESParams].
func SNESDefaults() SNESParams {
	return SNESParams{Sigma: 0.2, LearningRateMu: 1, Start: "random", TolX: 1e-12}
}

func (p *SNESParams) resolve(problem optimizer.Problem) error {
	n := float64(kit.NewFrame(problem, kit.Folded).Dim())
	times := 1.0
	if p.PopSize == 0 {
		p.PopSize, times = usualSize(n, problem)
	}
	if p.LearningRateSigma == 0 {
		p.LearningRateSigma = faster((3+math.Log(n))/(5*math.Sqrt(n)), times)
	}
	return kit.SingleObjective(problem)
}

func snesAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "snes",
		Title: "Separable natural evolution strategy (SNES)",
		Reference: "Schaul, Glasmachers and Schmidhuber 2011, High Dimensions and Heavy Tails for Natural Evolution Strategies, " +
			"doi 10.1145/2001576.2001692; Wierstra et al. 2014, Natural Evolution Strategies, JMLR 15, 949-980",
		When: "for hundreds to hundreds of thousands of parameters that hardly depend on each other but may differ in scale; " +
			"where they do depend on each other, cmaes or xnes",
		Cost:        "O(λn); memory O(λn) while the individuals are outstanding, checkpoints O(λ + n)",
		Parallelism: "pop_size at a time; with execution.parallel more than 4 times the default population, as many as that says, and a larger step of learning",
	}, SNESDefaults, NewSNES)
}

// maxSigma is the largest step size of a natural evolution strategy, in widths. A flat loss must not let it grow to infinity.
const maxSigma = 1e6

// SNES samples individuals from a normal distribution with a standard deviation of its own along each axis, and follows the natural gradient
// of the expected utility with respect to mean and standard deviations (Wierstra et al., algorithm 6). It works in the coordinates of a
// frame, so bounds hold; whole numbers are rounded, and a choice is the largest of one number for each.
type SNES struct {
	problem optimizer.Problem
	par     SNESParams
	frame   *kit.Frame
	noise   *kit.Noise
	u       []float64 // scratch of point
	s       snesState
}

type snesState struct {
	Cloud kit.Cloud
	Src   *kit.Source
	Mean  codec.Vector // μ, in the frame
	Sigma codec.Vector // σ, one for each axis
	Stop  string

	Average kit.Average // of μ so far
}

// NewSNES makes a separable natural evolution strategy for a problem with one objective.
func NewSNES(problem optimizer.Problem, par SNESParams, seed uint64) (*SNES, error) {
	par, err := kit.Resolved(snesAlgorithm(), par, problem, (*SNESParams).resolve)
	if err != nil {
		return nil, err
	}
	f := kit.NewFrame(problem, kit.Folded)
	o := &SNES{problem: problem, par: par, frame: f, noise: kit.NewNoise(f.Dim()), u: make([]float64, f.Dim())}
	o.s = snesState{Src: kit.NewSource(seed), Sigma: make([]float64, f.Dim())}
	o.s.Mean = f.Start(par.Start, rand.New(o.s.Src))
	for j := range o.s.Sigma {
		o.s.Sigma[j] = max(par.Sigma, f.Floor[j])
	}
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *SNES) Params() SNESParams { return o.par }

// WarmStart implements WarmStarter: the search begins at the best point known.
func (o *SNES) WarmStart(known []optimizer.Solution) error {
	best, err := o.s.Cloud.WarmStart(known, o.problem)
	if best != nil {
		o.moveTo(best)
	}
	return err
}

func (o *SNES) moveTo(x []float64) { o.s.Mean, o.s.Average = o.frame.Preimage(x), kit.Average{} }

// point returns the individual μ + σ z.
func (o *SNES) point(d kit.Direction) []float64 {
	for j, z := range o.noise.Of(d) {
		o.u[j] = o.s.Mean[j] + o.s.Sigma[j]*z
	}
	return o.frame.Point(o.u)
}

// Ask implements Optimizer.
func (o *SNES) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Cloud.Idle() && o.s.Stop == "" {
		o.s.Cloud.Begin(kit.Scatter(rand.New(o.s.Src), o.par.PopSize, o.par.MirroredSampling), o.point)
	}
	return o.s.Cloud.Ask(max), nil
}

// Tell implements Optimizer.
func (o *SNES) Tell(results []optimizer.Evaluated) error {
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

// update follows the natural gradients ∇_μ J = Σ w z and ∇_σ J = Σ w (z² − 1), of which the 1 drops out because the weights sum to 0.
func (o *SNES) update() {
	n, s := o.frame.Dim(), &o.s
	forMean, forSigma := make([]float64, n), make([]float64, n)
	for i, w := range s.Cloud.Utilities() {
		if w != 0 {
			for j, z := range o.noise.Of(s.Cloud.Directions[i]) {
				forMean[j] += w * z
				forSigma[j] += w * z * z
			}
		}
	}
	floats.Mul(forMean, s.Sigma)
	floats.AddScaled(s.Mean, o.par.LearningRateMu, forMean) // μ ← μ + η_μ σ ∇_μ J
	largest := 0.0
	for j, g := range forSigma {
		s.Sigma[j] *= math.Exp(o.par.LearningRateSigma / 2 * g) // σ ← σ exp(η_σ/2 ∇_σ J)
		s.Sigma[j] = min(max(s.Sigma[j], o.frame.Floor[j]), maxSigma)
		largest = max(largest, s.Sigma[j])
	}
	if largest < o.par.TolX {
		s.Stop = fmt.Sprintf("tol_x: steps are below %g of the widths", o.par.TolX)
	}
}

// Recommend implements Recommender: it is the mean, and the average of those so far.
func (o *SNES) Recommend() [][]float64 {
	return recommended(o.frame, &o.s.Cloud, o.s.Mean, o.s.Average)
}

// Status implements Optimizer.
func (o *SNES) Status() optimizer.Status {
	st := o.s.Cloud.Status()
	st.Stop = o.s.Stop
	st.Figures = []optimizer.Figure{{Name: "sigma_min", Value: floats.Min(o.s.Sigma)}, {Name: "sigma_max", Value: floats.Max(o.s.Sigma)}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *SNES) MarshalBinary() ([]byte, error) {
	s := o.s
	s.Cloud = s.Cloud.Compact()
	return kit.EncodeState(snesAlgorithm(), 1, o.problem, s)
}

// UnmarshalBinary implements Optimizer.
func (o *SNES) UnmarshalBinary(b []byte) error {
	var s snesState
	if err := kit.DecodeState(snesAlgorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	if n := o.frame.Dim(); len(s.Mean) != n || len(s.Sigma) != n || s.Average.T > 0 && len(s.Average.X) != o.frame.Dim() || s.Src == nil {
		return fmt.Errorf("%w: its mean has another length", optimizer.ErrState)
	}
	again := *o
	again.s = s
	if err := again.s.Cloud.Expand(again.point); err != nil {
		return err
	}
	*o = again
	return nil
}
