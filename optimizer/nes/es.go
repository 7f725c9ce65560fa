package nes

import (
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
	NoiseStd         float64 `yaml:"noise_std" doc:"standard deviation of the perturbations, σ, as a fraction of each coordinate's width (upper − lower, or √12 std)" range:"(0, 10]"`
	NoiseDecay       float64 `yaml:"noise_decay" doc:"factor on noise_std after each generation" range:"(0, 1]"`
	MirroredSampling bool    `yaml:"mirrored_sampling" doc:"evaluate each perturbation and its opposite"`
	FitnessShaping   bool    `yaml:"fitness_shaping" doc:"learn from ranks; otherwise from the losses, standardised in each generation"`
	EvaluateCentre   bool    `yaml:"evaluate_centre" doc:"evaluate the centre, too, as the last individual of each generation; it is not learnt from"`
	Start            string  `yaml:"start" doc:"initial centre: that of the box, or a random point in its middle 80 %; a coordinate with a given mean starts there" range:"random | centre"`
}

// ESDefaults returns the defaults of [ESParams].
func ESDefaults() ESParams {
	return ESParams{
		LearningRate: 1, NoiseStd: 0.02, NoiseDecay: 1, MirroredSampling: true, FitnessShaping: true, EvaluateCentre: true, Start: "random",
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
		Title: "Evolution strategy with a fixed step, as a gradient estimator (OpenAI-ES)",
		Reference: "Salimans et al. 2017, Evolution Strategies as a Scalable Alternative to Reinforcement Learning, arXiv:1703.03864; " +
			"mirrored sampling: Brockhoff et al. 2010, doi 10.1007/978-3-642-15844-5_2; fitness shaping: Wierstra et al. 2014, JMLR 15",
		When: "for thousands to millions of continuous parameters, such as synaptic weights, and for noisy losses; " +
			"with fewer parameters cmaes or snes converge much closer",
		Cost:        "O(λn); memory O(λn) while the individuals are outstanding, checkpoints O(λ + n)",
		Parallelism: "pop_size at a time",
	}, ESDefaults, NewES)
}

// ES moves a centre along the gradient of the loss averaged over normally distributed perturbations of a fixed size
// (Salimans et al., algorithm 1). It works in the coordinates of a frame, in which there are no bounds: what is learnt from is what was
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
	o.s = esState{Src: kit.NewSource(seed), NoiseStd: par.NoiseStd}
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

func (o *ES) moveTo(x []float64) { o.s.Centre, o.s.Average = o.frame.Preimage(x), kit.Average{} }

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
	o.s.NoiseStd *= o.par.NoiseDecay
	o.s.Loss = o.s.Cloud.CentreLoss()
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
	if len(s.Centre) != o.frame.Dim() || s.Average.T > 0 && len(s.Average.X) != o.frame.Dim() || s.Src == nil {
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
