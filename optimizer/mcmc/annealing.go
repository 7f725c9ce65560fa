package mcmc

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// AnnealingParams configures Annealing.
type AnnealingParams struct {
	Chains   int     `yaml:"chains" doc:"independent walks in parallel, one individual of each per generation" range:"[1, 1e6]" auto:"8, or execution.parallel where that is more than 4 times as many"`
	Step     float64 `yaml:"step" doc:"initial standard deviation of the proposals, as a fraction of each coordinate's width (upper − lower, or √12 std); it then follows the share of proposals that are accepted, not the temperature" range:"(0, 1]"`
	Schedule string  `yaml:"schedule" doc:"how the temperature falls" range:"geometric | exponential | logarithmic | linear_multiplicative | quadratic_multiplicative | linear_additive | quadratic_additive | exponential_additive | trigonometric_additive"`
	TStart   float64 `yaml:"t_start" doc:"initial temperature, T₀, in units of the loss" range:"(0, inf)" auto:"the spread of the losses of 20 or more random individuals, with which the search begins"`
	TEnd     float64 `yaml:"t_end" doc:"final temperature, T_n, as a fraction of the initial one" range:"(0, 1)" auto:"0.05 for logarithmic, 0.003 for linear_multiplicative, 1e-5 for quadratic_multiplicative, 1e-8 for the others"`
	Steps    int     `yaml:"steps" doc:"generations until the final temperature is reached, n; then it stays" range:"[1, inf)" auto:"min(max(300, 100 dimensions), 10000)"`
	Alpha    float64 `yaml:"alpha" doc:"rate of the schedules that are not additive, α; of geometric and exponential < 1" range:"(0, inf)" auto:"0.85 for exponential, for the others such that t_end is reached after steps"`
}

// AnnealingDefaults returns the defaults of [AnnealingParams].
func AnnealingDefaults() AnnealingParams {
	return AnnealingParams{Step: 0.1, Schedule: "geometric"}
}

func (p *AnnealingParams) resolve(problem optimizer.Problem) error {
	if p.Chains == 0 {
		p.Chains = kit.Usual(8, problem, 1e6)
	}
	if p.Steps == 0 {
		p.Steps = min(max(300, 100*problem.Dim()), 10000)
	}
	if p.TEnd == 0 {
		p.TEnd = finalTemperature(p.Schedule)
	}
	n := float64(p.Steps)
	if p.Alpha == 0 {
		switch p.Schedule {
		case "geometric":
			p.Alpha = math.Pow(p.TEnd, 1/n)
		case "exponential":
			p.Alpha = 0.85
		case "logarithmic":
			p.Alpha = (1/p.TEnd - 1) / math.Log(1+n)
		case "linear_multiplicative":
			p.Alpha = (1/p.TEnd - 1) / n
		case "quadratic_multiplicative":
			p.Alpha = (1/p.TEnd - 1) / (n * n)
		}
	}
	if p.Alpha >= 1 && (p.Schedule == "geometric" || p.Schedule == "exponential") {
		return fmt.Errorf("alpha = %v, want < 1 for schedule %s", p.Alpha, p.Schedule)
	}
	return kit.SingleObjective(problem)
}

// finalTemperature is T_n/T₀ where none is given. The schedules that fall as a power of the steps, or more slowly, cannot come near to 0 unless α is
// so large that they are there after the first step, and the search is a greedy one. With these values α is about 1, as in the literature.
func finalTemperature(schedule string) float64 {
	switch schedule {
	case "logarithmic":
		return 0.05
	case "linear_multiplicative":
		return 3e-3
	case "quadratic_multiplicative":
		return 1e-5
	}
	return 1e-8
}

func annealingAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "annealing",
		Title: "Simulated annealing",
		Reference: "Kirkpatrick, Gelatt and Vecchi 1983, doi 10.1126/science.220.4598.671; logarithmic cooling: Aarts and Korst 1989, " +
			"Simulated Annealing and Boltzmann Machines; additive cooling: Luke 2005, Simulated Annealing Cooling Schedules; " +
			"independent chains: Azencott 1992, Simulated Annealing: Parallelization Techniques",
		When: "for rugged losses and mixed spaces with some thousand evaluations per chain; with fewer, or for smooth losses, cmaes",
		Cost: "O(chains n)",
		Parallelism: "chains at a time, each of which takes its steps whatever the others do: the answer is the best of more chains, not sooner; with " +
			"execution.parallel more than 32, as many chains as that says",
	}, AnnealingDefaults, NewAnnealing)
}

// randomIndividuals is how many a search with temperatures begins with, if its chains are not more: enough to know the spread of the loss.
const randomIndividuals = 20

// stepGain is how fast a walk's step follows its acceptance.
const stepGain = 0.1

// Annealing lets chains walk at random, each accepting what is better and, with a probability that falls with the temperature, what is worse.
// The best individual is remembered whether a chain leaves it or not.
type Annealing struct {
	problem optimizer.Problem
	par     AnnealingParams
	s       annealingState
}

type annealingState struct {
	Gen         kit.Generation // one individual of each chain; before there are chains, random ones
	Src         *kit.Source
	Known       kit.Warm
	Chains      []walker
	TStart      float64 // T₀
	Steps       int     // made, k
	Temperature float64 // at which the last step was judged
	Accepted    int     // proposals in it
}

// NewAnnealing makes a simulated annealing for a problem with one objective.
func NewAnnealing(problem optimizer.Problem, par AnnealingParams, seed uint64) (*Annealing, error) {
	par, err := kit.Resolved(annealingAlgorithm(), par, problem, (*AnnealingParams).resolve)
	if err != nil {
		return nil, err
	}
	return &Annealing{problem, par, annealingState{Src: kit.NewSource(seed), TStart: par.TStart}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Annealing) Params() AnnealingParams { return o.par }

// temperature is T_k, k = 0, 1, …, n, from t0 down to tn, by the formula of a schedule.
func temperature(schedule string, k, n, t0, tn, alpha float64) float64 {
	switch schedule {
	case "geometric", "exponential":
		return t0 * math.Pow(alpha, k)
	case "logarithmic":
		return t0 / (1 + alpha*math.Log(1+k))
	case "linear_multiplicative":
		return t0 / (1 + alpha*k)
	case "quadratic_multiplicative":
		return t0 / (1 + alpha*k*k)
	case "linear_additive":
		return tn + (t0-tn)*(n-k)/n
	case "quadratic_additive":
		return tn + (t0-tn)*(n-k)/n*(n-k)/n
	case "exponential_additive":
		return tn + (t0-tn)/(1+math.Exp(2*math.Log(t0-tn)/n*(k-n/2)))
	case "trigonometric_additive":
		return tn + (t0-tn)*(1+math.Cos(math.Pi*k/n))/2
	}
	panic("optimizer: annealing: unknown schedule " + schedule)
}

// now is the temperature of the present step. The schedule is evaluated in units of its final temperature: exponential_additive depends on the
// unit, and falls from top to bottom only where their difference is large in it.
func (o *Annealing) now() float64 {
	k := min(o.s.Steps, o.par.Steps)
	return o.s.TStart * o.par.TEnd * temperature(o.par.Schedule, float64(k), float64(o.par.Steps), 1/o.par.TEnd, 1, o.par.Alpha)
}

// WarmStart implements WarmStarter: known points are among the individuals with which the search begins.
func (o *Annealing) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Known, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *Annealing) Ask(n int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() {
		rng := rand.New(o.s.Src)
		var xs [][]float64
		for i := range o.s.Chains {
			xs = append(xs, o.s.Chains[i].propose(o.problem, rng))
		}
		if len(xs) == 0 {
			xs = o.s.Known.Population(o.problem, rng, max(o.par.Chains, randomIndividuals))
			o.s.Known = nil
		}
		o.s.Gen.Begin(xs)
	}
	return o.s.Gen.Ask(n), nil
}

// Tell implements Optimizer.
func (o *Annealing) Tell(results []optimizer.Evaluated) error {
	rng, s := rand.New(o.s.Src), &o.s
	complete, err := s.Gen.Tell(results, o.problem, func(i int) []float64 {
		if len(s.Chains) == 0 {
			return o.problem.Draw(rng)
		}
		return s.Chains[i].propose(o.problem, rng)
	})
	if !complete {
		return err
	}
	if len(s.Chains) > 0 {
		s.Temperature, s.Accepted = o.now(), 0
		for i := range s.Chains {
			if s.Chains[i].judge(s.Gen.Members[i], s.Temperature, stepGain, rng) {
				s.Accepted++
			}
		}
		s.Steps++
	} else if sample := s.Gen.Ranked(); len(sample) > 0 {
		s.Chains = walkers(sample, o.par.Chains, o.par.Step)
		if s.TStart == 0 {
			s.TStart = kit.InitialTemperature(sample)
		}
	}
	s.Gen.End()
	return nil
}

// Status implements Optimizer.
func (o *Annealing) Status() optimizer.Status {
	st := o.s.Gen.Status()
	step := 0.0
	for _, c := range o.s.Chains {
		step += c.Step / float64(len(o.s.Chains))
	}
	st.Figures = []optimizer.Figure{{Name: "temperature", Value: o.s.Temperature},
		{Name: "accepted", Value: float64(o.s.Accepted) / float64(o.par.Chains)}, {Name: "step", Value: step}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *Annealing) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(annealingAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *Annealing) UnmarshalBinary(b []byte) error {
	var s annealingState
	if err := kit.DecodeState(annealingAlgorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	if n := len(s.Chains); n != 0 && n != o.par.Chains || s.Src == nil {
		return fmt.Errorf("%w: it has %d chains, want %d", optimizer.ErrState, n, o.par.Chains)
	}
	o.s = s
	return nil
}
