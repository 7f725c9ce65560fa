package nes

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// ESParams configures [ES].
type ESParams struct {
	PopSize          int     `yaml:"pop_size" doc:"individuals per generation, the centre included" range:"[3, 1e6]" auto:"9 + 2 floor(3 ln n)"`
	LearningRate     float64 `yaml:"learning_rate" doc:"how far the centre follows the estimated gradient, in units of noise_std" range:"(0, inf)"`
	NoiseStd         float64 `yaml:"noise_std" doc:"standard deviation of the perturbations, σ, as a fraction of each coordinate's width (upper − lower, or √12 std); a given one is fixed" range:"(0, 10]" auto:"0.1 at first; then it follows the length of the centre's path"`
	NoiseDecay       float64 `yaml:"noise_decay" doc:"factor on the standard deviation of the perturbations after each generation" range:"(0, 1]"`
	MirroredSampling bool    `yaml:"mirrored_sampling" doc:"evaluate each perturbation and its opposite"`
	FitnessShaping   bool    `yaml:"fitness_shaping" doc:"learn from ranks; otherwise from the losses, standardised in each generation"`
	EvaluateCentre   bool    `yaml:"evaluate_centre" doc:"evaluate the centre, too, as the last individual of each generation; it is not learnt from"`
	Start            string  `yaml:"start" doc:"initial centre: that of the box, or a random point in its middle 80 %; a coordinate with a given mean starts there" range:"random | centre"`
}

// ESDefaults returns the defaults of [ESParams].
func ESDefaults() ESParams {
	return ESParams{
		LearningRate: 1, NoiseDecay: 1, MirroredSampling: true, FitnessShaping: true, EvaluateCentre: true, Start: "random",
	}
}

func (p *ESParams) resolve(problem optimizer.Problem) error {
	if p.PopSize == 0 {
		p.PopSize = 9 + 2*int(3*math.Log(float64(problem.Dim())))
	}
	return kit.SingleObjective(problem)
}

func esAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "evolution_strategies",
		Title: "Evolution strategy with one step size, as a gradient estimator (OpenAI-ES)",
		Reference: "Salimans et al. 2017, Evolution Strategies as a Scalable Alternative to Reinforcement Learning, arXiv:1703.03864; " +
			"mirrored sampling: Brockhoff et al. 2010, doi 10.1007/978-3-642-15844-5_2; fitness shaping: Wierstra et al. 2014, JMLR 15; " +
			"cumulative step size adaptation: Ostermeier, Gawelczyk and Hansen 1994, doi 10.1007/3-540-58484-6_263",
		When: "for thousands to millions of continuous parameters, such as synaptic weights, and for noisy losses; " +
			"with fewer parameters cmaes or snes need fewer evaluations",
		Cost: "O(λn); memory O(λn) while the individuals are outstanding, checkpoints O(λ + n)",
		Parallelism: "uses at most pop_size slots; more idle. A larger population makes the slope surer and no step longer, and was slower in 10 dimensions, so that " +
			"it does not follow execution.parallel; where losses are noisy, raise pop_size to the number of slots",
	}, ESDefaults, NewES)
}

// ES moves a centre along the gradient of the loss averaged over normally distributed perturbations of one size
// (Salimans et al., algorithm 1). The size is fixed where it is given. Otherwise it adapts to the path of the centre: steps that go on in one
// direction are too short, and steps that take each other back are too long. It works in the coordinates of a frame, in which there are no bounds: what is learnt from is what was
// evaluated, and the centre is always a point of the box. Whole numbers are rounded, and a choice is the largest of one number for each.
type ES struct {
	problem optimizer.Problem
	par     ESParams
	frame   *kit.Frame
	noise   *kit.Noise
	u       []float64 // scratch of point
	s       esState
}

type esState struct {
	Cloud    kit.Cloud
	Src      *kit.Source
	Centre   codec.Vector // θ, in the frame
	NoiseStd float64      // σ, in widths
	Loss     codec.Vector // of the last generation's centre; nil before, if it failed, and if it was not evaluated
	Path     codec.Vector // of the centre, if σ adapts: N(0, I) while its steps are independent; nil before the first
	Average  kit.Average  // of θ so far
}

// NewES makes an evolution strategy for a problem with one objective.
func NewES(problem optimizer.Problem, par ESParams, seed uint64) (*ES, error) {
	par, err := kit.Resolved(esAlgorithm(), par, problem, (*ESParams).resolve)
	if err != nil {
		return nil, err
	}
	f := kit.NewFrame(problem, kit.Folded)
	o := &ES{problem: problem, par: par, frame: f, noise: kit.NewNoise(f.Dim()), u: make([]float64, f.Dim())}
	o.s = esState{Src: kit.NewSource(seed), NoiseStd: cmp.Or(par.NoiseStd, firstStd)}
	o.s.Centre = f.Start(par.Start, rand.New(o.s.Src))
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *ES) Params() ESParams { return o.par }

// WarmStart implements WarmStarter: the search begins at the best point known.
func (o *ES) WarmStart(known []optimizer.Solution) error {
	best, err := o.s.Cloud.WarmStart(known, o.problem)
	if best != nil {
		o.moveTo(best)
	}
	return err
}

func (o *ES) moveTo(x []float64) {
	o.s.Centre, o.s.Path, o.s.Average = o.frame.Preimage(x), nil, kit.Average{}
}

// std is the standard deviation of the perturbations along axis j.
func (o *ES) std(j int) float64 { return max(o.s.NoiseStd, o.frame.Floor[j]) }

// point returns the individual θ + σ z.
func (o *ES) point(d kit.Direction) []float64 {
	for j, z := range o.noise.Of(d) {
		o.u[j] = o.s.Centre[j] + o.std(j)*z
	}
	return o.frame.Point(o.u)
}

// Ask implements Optimizer.
func (o *ES) Ask(max int) ([]optimizer.Candidate, error) {
	if o.s.Cloud.Idle() {
		directions := kit.Scatter(rand.New(o.s.Src), o.perturbed(), o.par.MirroredSampling)
		if o.par.EvaluateCentre {
			directions = append(directions, kit.Direction{})
		}
		o.s.Cloud.Begin(directions, o.point)
	}
	return o.s.Cloud.Ask(max), nil
}

// perturbed is the number of individuals besides the centre.
func (o *ES) perturbed() int {
	if o.par.EvaluateCentre {
		return o.par.PopSize - 1
	}
	return o.par.PopSize
}

// Tell implements Optimizer.
func (o *ES) Tell(results []optimizer.Evaluated) error {
	rng := rand.New(o.s.Src)
	complete, err := o.s.Cloud.Tell(results, o.problem, rng, o.point)
	if !complete {
		return err
	}
	if x, ok := o.s.Cloud.Elsewhere(o.problem, rng); ok {
		o.moveTo(x)
	} else {
		o.update()
		o.s.Average.Add(o.s.Centre)
	}
	o.s.Cloud.End()
	return nil
}

// update moves the centre: θ ← θ + α σ Σ w_i z_i.
func (o *ES) update() {
	w := o.s.Cloud.Utilities()
	if !o.par.FitnessShaping {
		w = standardised(&o.s.Cloud)
	}
	gradient := make([]float64, o.frame.Dim())
	for i, d := range o.s.Cloud.Directions {
		if w[i] != 0 {
			floats.AddScaled(gradient, w[i], o.noise.Of(d))
		}
	}
	for j, g := range gradient {
		o.s.Centre[j] += o.par.LearningRate * o.std(j) * g
	}
	if o.par.NoiseStd == 0 {
		o.adapt(gradient, w)
	}
	o.s.NoiseStd *= o.par.NoiseDecay
	o.s.Loss = o.s.Cloud.CentreLoss()
}

const (
	firstStd = 0.1 // σ of a search that adapts it, in widths
	mostStd  = 0.3 // the standard deviation of individuals that are spread over the whole box
	// restPath is the length of the path, relative to that of independent steps, at which σ stays. It is less than 1: the logarithm of σ would
	// otherwise walk at random where noise decides, and after some thousand generations the perturbations would be too small to learn anything.
	restPath = 0.9
)

// adapt lets σ follow the length of the path: p ← (1 − c) p + √(c (2 − c)) g/|w|, ln σ ← ln σ + c/d (|p|/E|N(0, I)| − restPath), with the c and
// d of Hansen 2016, arXiv:1604.00772, table 1. If losses say nothing, then g/|w| is N(0, I): |w|² is the sum of the squares of the weights that
// independent directions have, of which a mirrored pair is one.
func (o *ES) adapt(gradient, w []float64) {
	squares, n := 0.0, float64(o.frame.Dim())
	for i, ds := 0, o.s.Cloud.Directions; i < len(ds); i++ {
		weight := w[i] * ds[i].Sign
		for i+1 < len(ds) && ds[i+1].Seed == ds[i].Seed && ds[i+1].Sign != 0 {
			i++
			weight += w[i] * ds[i].Sign
		}
		squares += weight * weight
	}
	if squares == 0 {
		return // all are equal, and the centre has not moved
	}
	mu := float64(o.perturbed()) / 4
	c := (mu + 2) / (n + mu + 5)
	d := 1 + c + 2*max(0, math.Sqrt((mu-1)/(n+1))-1)
	if len(o.s.Path) == 0 {
		o.s.Path = make([]float64, o.frame.Dim())
		floats.AddScaled(o.s.Path, 1/math.Sqrt(squares), gradient)
	} else {
		floats.Scale(1-c, o.s.Path)
		floats.AddScaled(o.s.Path, math.Sqrt(c*(2-c)/squares), gradient)
	}
	length := floats.Norm(o.s.Path, 2) / (math.Sqrt(n) * (1 - 1/(4*n) + 1/(21*n*n)))
	o.s.NoiseStd = min(o.s.NoiseStd*math.Exp(min(1, c/d*(length-restPath))), mostStd)
}

// standardised are weights for the members that are proportional to how far their losses lie below the mean, in standard deviations,
// divided by the number of members. Failed members count as the worst of the others. The centre has weight 0.
func standardised(c *kit.Cloud) []float64 {
	w := make([]float64, len(c.Members))
	order, ok := c.Ranking()
	if ok == 0 {
		return w
	}
	worst := c.Members[order[ok-1]].Loss[0]
	unit := max(math.Abs(worst), math.Abs(c.Members[order[0]].Loss[0])) // so that no square overflows
	var perturbed []int
	var losses []float64
	for i, m := range c.Members {
		switch {
		case c.Directions[i].Sign == 0:
			continue
		case m.Failed:
			losses = append(losses, worst/unit)
		default:
			losses = append(losses, m.Loss[0]/unit)
		}
		perturbed = append(perturbed, i)
	}
	mean, std := stat.PopMeanStdDev(losses, nil)
	if std > 0 { // false if unit is 0, too
		for k, i := range perturbed {
			w[i] = (mean - losses[k]) / std / float64(len(losses))
		}
	}
	return w
}

// Recommend implements Recommender: it is the centre, and the average of those so far.
func (o *ES) Recommend() [][]float64 {
	return recommended(o.frame, &o.s.Cloud, o.s.Centre, o.s.Average)
}

// Status implements Optimizer.
func (o *ES) Status() optimizer.Status {
	st := o.s.Cloud.Status()
	st.Figures = []optimizer.Figure{{Name: "noise_std", Value: o.s.NoiseStd}}
	if len(o.s.Loss) > 0 {
		st.Figures = append(st.Figures, optimizer.Figure{Name: "centre_loss", Value: o.s.Loss[0]})
	}
	return st
}

// MarshalBinary implements Optimizer.
func (o *ES) MarshalBinary() ([]byte, error) {
	s := o.s
	s.Cloud = s.Cloud.Compact()
	return kit.EncodeState(esAlgorithm(), 1, o.problem, s)
}

// UnmarshalBinary implements Optimizer.
func (o *ES) UnmarshalBinary(b []byte) error {
	var s esState
	if err := kit.DecodeState(esAlgorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	n := o.frame.Dim()
	if len(s.Centre) != n || len(s.Path) != 0 && len(s.Path) != n || s.Average.T > 0 && len(s.Average.X) != n || s.Src == nil {
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
