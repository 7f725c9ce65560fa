// Package gradient is gradient descent along slopes that are estimated from random probes, with the steps of Adam and its kin: for a smooth loss
// with one valley, near its end. It does not use gradients that a model could give, since evaluations return none.
package gradient

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Params configures [Search].
type Params struct {
	Step             string  `yaml:"step" doc:"how the estimated slope becomes a step" range:"plain | stochastic | momentum | rmsprop | adam | adamax"`
	Probes           int     `yaml:"probes" doc:"random individuals around the centre in each generation, from which its slope is estimated; the centre is one more" range:"[1, 1e6]" auto:"min(max(4, 2 n), 100)"`
	ExplorationStep  float64 `yaml:"exploration_step" doc:"standard deviation of the probes, as a fraction of each coordinate's width (upper − lower, or √12 std)" range:"(0, 10]"`
	MirroredSampling bool    `yaml:"mirrored_sampling" doc:"let every second probe lie opposite the one before, so that the curvature of the loss does not disturb the slope"`
	LearningRate     float64 `yaml:"learning_rate" doc:"size of a coordinate's first step, as a fraction of its width; for plain, stochastic and momentum that of a typical coordinate, and later ones in proportion to the slope" range:"(0, 10]"`
	MaxStep          float64 `yaml:"max_step" doc:"largest step of any coordinate, as a fraction of its width" range:"(0, 10]"`
	Momentum         float64 `yaml:"momentum" doc:"of momentum: what remains of the last step" range:"[0, 1)"`
	Deviation        float64 `yaml:"deviation" doc:"of stochastic: standard deviation of the noise added to the slope, in units of its root mean square" range:"[0, inf)"`
	DeviationDecay   float64 `yaml:"deviation_decay" doc:"of stochastic: factor on the noise after each generation" range:"[0, 1]"`
	Beta1            float64 `yaml:"beta1" doc:"of adam and adamax: decay of the mean slope" range:"[0, 1)"`
	Beta2            float64 `yaml:"beta2" doc:"of rmsprop, adam and adamax: decay of the mean squared, or largest, slope" range:"[0, 1)"`
	Start            string  `yaml:"start" doc:"initial centre: that of the box, or a random point in its middle 80 %; a coordinate with a given mean starts there" range:"random | centre"`
}

// Defaults returns the defaults of [Params].
func Defaults() Params {
	return Params{
		Step: "adam", ExplorationStep: 0.01, MirroredSampling: true, LearningRate: 0.05, MaxStep: 0.1, Momentum: 0.8, Deviation: 0.5,
		DeviationDecay: 0.95, Beta1: 0.8, Beta2: 0.99, Start: "random",
	}
}

func (p *Params) resolve(problem optimizer.Problem) error {
	if p.Probes == 0 {
		p.Probes = min(max(4, 2*problem.Dim()), 100)
	}
	return kit.SingleObjective(problem)
}

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{algorithm()}
}

func algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "gradient",
		Title: "Gradient descent along slopes estimated from random probes",
		Reference: "momentum: Polyak 1964, doi 10.1016/0041-5553(64)90137-5; rmsprop: Tieleman and Hinton 2012, lecture 6.5; " +
			"adam and adamax: Kingma and Ba 2015, arXiv:1412.6980",
		When: "for a smooth loss with one valley, near its end, or to repeat published runs; with many local minima it stays in the first, and " +
			"for dependent parameters cmaes needs fewer evaluations",
		Cost: "O(probes n min(probes, n)); memory O(probes n)",
		Parallelism: "uses at most probes + 1 slots; more idle. More probes make the slope surer and no step longer, so that they do not follow " +
			"execution.parallel; where losses are noisy, raise them to the number of slots",
	}, Defaults, New)
}

// Search moves a centre against the slope of a plane, fitted by least squares to the losses of the centre and of random probes around it.
// With fewer probes than coordinates the slope is the shortest that fits. Slopes are measured in units of the first one, so that the
// learning rate means the same whatever the loss is measured in. It works in the coordinates of a frame, so bounds hold; whole numbers
// are rounded, and a choice is the largest of one number for each.
type Search struct {
	problem optimizer.Problem
	par     Params
	frame   *kit.Frame
	noise   *kit.Noise
	u       []float64 // scratch of point
	s       state
}

type state struct {
	Cloud  kit.Cloud
	Src    *kit.Source
	Centre codec.Vector // in the frame
	Loss   codec.Vector // of the last generation's centre; nil before, and if it failed
	Steps  int          // made so far, t
	Unit   float64      // root mean square of the first slope; 0 before
	M      codec.Vector // decaying mean of slopes, or the last step of momentum
	V      codec.Vector // decaying mean of squared slopes, or the largest slopes of adamax
}

// New makes a gradient descent for a problem with one objective.
func New(problem optimizer.Problem, par Params, seed uint64) (*Search, error) {
	par, err := kit.Resolved(algorithm(), par, problem, (*Params).resolve)
	if err != nil {
		return nil, err
	}
	f := kit.NewFrame(problem, kit.Folded)
	n := f.Dim()
	o := &Search{problem: problem, par: par, frame: f, noise: kit.NewNoise(n), u: make([]float64, n)}
	o.s = state{Src: kit.NewSource(seed), M: make([]float64, n), V: make([]float64, n)}
	o.s.Centre = f.Start(par.Start, rand.New(o.s.Src))
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Search) Params() Params { return o.par }

// WarmStart implements WarmStarter: the search begins at the best point known.
func (o *Search) WarmStart(known []optimizer.Solution) error {
	best, err := o.s.Cloud.WarmStart(known, o.problem)
	if best != nil {
		o.moveTo(best)
	}
	return err
}

func (o *Search) moveTo(x []float64) { o.s.Centre = o.frame.Preimage(x) }

// std is the standard deviation of the probes along axis j.
func (o *Search) std(j int) float64 { return max(o.par.ExplorationStep, o.frame.Floor[j]) }

// point returns the probe in a direction.
func (o *Search) point(d kit.Direction) []float64 {
	for j, z := range o.noise.Of(d) {
		o.u[j] = o.s.Centre[j] + o.std(j)*z
	}
	return o.frame.Point(o.u)
}

// Ask implements Optimizer.
func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Cloud.Idle() {
		o.s.Cloud.Begin(append(kit.Scatter(rand.New(o.s.Src), o.par.Probes, o.par.MirroredSampling), kit.Direction{}), o.point)
	}
	return o.s.Cloud.Ask(max), nil
}

// Tell implements Optimizer.
func (o *Search) Tell(results []optimizer.Evaluated) error {
	rng := rand.New(o.s.Src)
	complete, err := o.s.Cloud.Tell(results, o.problem, rng, o.point)
	if !complete {
		return err
	}
	if x, ok := o.s.Cloud.Elsewhere(o.problem, rng); ok {
		o.moveTo(x)
	} else {
		o.descend()
	}
	o.s.Cloud.End()
	return nil
}

// descend makes a step, if there is a slope.
func (o *Search) descend() {
	s := &o.s
	s.Loss = s.Cloud.CentreLoss()
	g := o.slope()
	rms := floats.Norm(g, 2) / math.Sqrt(float64(len(g)))
	if rms == 0 || math.IsInf(rms, 0) || math.IsNaN(rms) {
		return
	}
	if s.Unit == 0 {
		s.Unit = rms
	}
	floats.Scale(1/s.Unit, g)
	s.Steps++
	for j, step := range o.step(g) {
		s.Centre[j] += min(max(step, -o.par.MaxStep), o.par.MaxStep)
	}
}

// slope fits the plane: the slope along each axis, in units of the loss per width. It is 0 where there is nothing to fit to.
func (o *Search) slope() []float64 {
	c, n := &o.s.Cloud, o.frame.Dim()
	rows, losses := make([]float64, 0, n*len(c.Members)), make([]float64, 0, len(c.Members))
	for i, m := range c.Members {
		if !m.Failed {
			rows = append(rows, o.noise.Of(c.Directions[i])...)
			losses = append(losses, m.Loss[0])
		}
	}
	slope := make([]float64, n)
	m := len(losses)
	if m < 2 {
		return slope
	}
	// The intercept is eliminated by taking off the means.
	unit := math.Max(math.Abs(floats.Max(losses)), math.Abs(floats.Min(losses)))
	if unit == 0 {
		return slope
	}
	floats.Scale(1/unit, losses) // so that no sum overflows
	floats.AddConst(-floats.Sum(losses)/float64(m), losses)
	mean := make([]float64, n)
	for i := range m {
		floats.AddScaled(mean, 1/float64(m), rows[i*n:(i+1)*n])
	}
	for i := range m {
		floats.Sub(rows[i*n:(i+1)*n], mean)
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(m, n, rows), mat.SVDThin) {
		return slope
	}
	var fitted mat.VecDense
	if rank := svd.Rank(1e-10); rank > 0 {
		svd.SolveVecTo(&fitted, mat.NewVecDense(m, losses), rank)
		for j := range slope {
			slope[j] = unit * fitted.AtVec(j) / o.std(j)
		}
	}
	return slope
}

// step is what is added to the centre for the slope g, before it is limited.
func (o *Search) step(g []float64) []float64 {
	s, p := &o.s, o.par
	t, rate := float64(s.Steps), p.LearningRate
	out := make([]float64, len(g))
	switch p.Step {
	case "plain":
		floats.AddScaled(out, -rate, g)
	case "stochastic":
		rng, std := rand.New(s.Src), p.Deviation*math.Pow(p.DeviationDecay, t-1)*floats.Norm(g, 2)/math.Sqrt(float64(len(g)))
		for j := range g {
			out[j] = -rate * (g[j] + std*rng.NormFloat64())
		}
	case "momentum":
		for j := range g {
			s.M[j] = p.Momentum*s.M[j] - rate*g[j]
		}
		copy(out, s.M)
	case "rmsprop":
		for j := range g {
			s.V[j] = p.Beta2*s.V[j] + (1-p.Beta2)*g[j]*g[j]
			out[j] = -rate * ratio(g[j], math.Sqrt(s.V[j]/(1-math.Pow(p.Beta2, t))))
		}
	case "adam":
		for j := range g {
			s.M[j] = p.Beta1*s.M[j] + (1-p.Beta1)*g[j]
			s.V[j] = p.Beta2*s.V[j] + (1-p.Beta2)*g[j]*g[j]
			out[j] = -rate * ratio(s.M[j]/(1-math.Pow(p.Beta1, t)), math.Sqrt(s.V[j]/(1-math.Pow(p.Beta2, t))))
		}
	case "adamax":
		for j := range g {
			s.M[j] = p.Beta1*s.M[j] + (1-p.Beta1)*g[j]
			s.V[j] = max(p.Beta2*s.V[j], math.Abs(g[j]))
			out[j] = -rate * ratio(s.M[j]/(1-math.Pow(p.Beta1, t)), s.V[j])
		}
	}
	return out
}

// ratio is a/b with b >= 0, and 0 where both are 0, or nearly so.
func ratio(a, b float64) float64 { return a / (b + 1e-12) }

// Status implements Optimizer.
func (o *Search) Status() optimizer.Status {
	st := o.s.Cloud.Status()
	if len(o.s.Loss) > 0 {
		st.Figures = []optimizer.Figure{{Name: "centre_loss", Value: o.s.Loss[0]}}
	}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Search) MarshalBinary() ([]byte, error) {
	s := o.s
	s.Cloud = s.Cloud.Compact()
	return kit.EncodeState(algorithm(), 1, o.problem, s)
}

// UnmarshalBinary implements Optimizer.
func (o *Search) UnmarshalBinary(b []byte) error {
	var s state
	if err := kit.DecodeState(algorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	if n := o.frame.Dim(); len(s.Centre) != n || len(s.M) != n || len(s.V) != n || s.Src == nil {
		return fmt.Errorf("%w: its centre has another length", optimizer.ErrState)
	}
	again := *o
	again.s = s
	if err := again.s.Cloud.Expand(again.point); err != nil {
		return err
	}
	*o = again
	return nil
}
