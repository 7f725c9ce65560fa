package mcmc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// ParallelTemperingParams configures ParallelTempering.
type ParallelTemperingParams struct {
	Chains       int     `yaml:"chains" doc:"walks at different temperatures, one individual of each per generation" range:"[2, 1e6]" auto:"4 to 64, as many as make about one swap in five succeed on a quadratic loss"`
	Ladders      int     `yaml:"ladders" doc:"sets of such chains, each with all temperatures, that walk at the same time and do not hear of each other" range:"[1, 1e6]" auto:"1; where execution.parallel is more than 4 times chains, as many as it has room for"`
	TLow         float64 `yaml:"t_low" doc:"lowest temperature, in units of the loss; 1 to sample a posterior of which the loss is the negative logarithm" range:"(0, inf)" auto:"t_high / 1e4"`
	THigh        float64 `yaml:"t_high" doc:"highest temperature, in units of the loss; the others lie between at equal ratios" range:"(0, inf)" auto:"the spread of the losses of 20 or more random individuals, with which the search begins, or 10 t_low if that is more"`
	SwapInterval int     `yaml:"swap_interval" doc:"generations between swaps of neighbours" range:"[1, inf)"`
	Step         float64 `yaml:"step" doc:"initial standard deviation of the proposals, as a fraction of each coordinate's width (upper − lower, or √12 std); it then follows the share of proposals that are accepted, at each temperature, ever more slowly" range:"(0, 1]"`
}

// maxWalks bounds what a mistyped number asks for.
const maxWalks = 1_000_000

// coolestShare is t_low / t_high where neither is given.
const coolestShare = 1e-4

// ParallelTemperingDefaults returns the defaults of [ParallelTemperingParams].
func ParallelTemperingDefaults() ParallelTemperingParams {
	return ParallelTemperingParams{SwapInterval: 1, Step: 0.1}
}

func (p *ParallelTemperingParams) resolve(problem optimizer.Problem) error {
	given := p.TLow > 0 && p.THigh > 0
	if given && p.TLow >= p.THigh {
		return fmt.Errorf("t_low = %v, want less than t_high = %v", p.TLow, p.THigh)
	}
	if p.Chains == 0 {
		share := coolestShare
		if given {
			share = p.TLow / p.THigh
		}
		p.Chains = chainsFor(problem.Dim(), share)
	}
	if p.Ladders == 0 {
		p.Ladders = kit.Usual(p.Chains, problem, math.MaxInt) / p.Chains
	}
	if p.Ladders*p.Chains > maxWalks {
		return fmt.Errorf("ladders = %d of %d chains, want at most %d chains together", p.Ladders, p.Chains, maxWalks)
	}
	return kit.SingleObjective(problem)
}

// chainsFor is the number of chains at which neighbours swap about one time in five, if the loss is quadratic in n coordinates. It then has a
// gamma distribution of shape n/2 at each temperature, and a swap between T and rT, r > 1, succeeds with probability
// 2 P(B > r/(1+r)), B ~ Beta(n/2, n/2) (Kofke 2002, doi 10.1063/1.1507776). With the normal distribution of B's variance, 1/(4(n+1)), that
// is 2 (1 − Φ(tanh(ln r / 2) √(n+1))), and one fifth where Φ's argument is 1.28.
func chainsFor(n int, lowToHigh float64) int {
	logRatio := 2 * math.Atanh(1.28/math.Sqrt(float64(n)+1))
	return min(max(1+int(math.Ceil(-math.Log(lowToHigh)/logRatio)), 4), 64)
}

func parallelTemperingAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "parallel_tempering",
		Title: "Parallel tempering (replica exchange)",
		Reference: "Geyer 1991, Markov chain Monte Carlo maximum likelihood; Hukushima and Nemoto 1996, doi 10.1143/JPSJ.65.1604; " +
			"swaps of even and odd pairs in turn: Okabe et al. 2001, doi 10.1016/S0009-2614(01)00055-0",
		When: "for losses with several deep valleys, where annealing ends in the wrong one, and to see a posterior distribution, of " +
			"which the loss is the negative logarithm",
		Cost: "O(chains n)",
		Parallelism: "chains times ladders at a time; with execution.parallel more than 4 times chains, as many ladders as that has room for, so that " +
			"as many times as many samples come in the same time",
	}, ParallelTemperingDefaults, NewParallelTempering)
}

// ParallelTempering lets chains walk at fixed temperatures, each with a stationary distribution over the box in proportion to exp(−loss/T), and
// swaps the places of neighbours so that what a hot chain finds reaches the cold ones.
type ParallelTempering struct {
	problem optimizer.Problem
	par     ParallelTemperingParams
	s       parallelTemperingState
}

type parallelTemperingState struct {
	Gen          kit.Generation // one individual of each chain; before there are chains, random ones
	Src          *kit.Source
	Known        kit.Warm
	Chains       []walker     // ladder by ladder, each from the lowest temperature to the highest
	Temperatures codec.Vector // of each of a ladder
	Steps        int64        // made
	Accepted     int          // proposals in the last step
	Tried        []int64      // swaps between each chain and the next hotter one
	Swapped      []int64      // those that succeeded
}

// NewParallelTempering makes a parallel tempering for a problem with one objective.
func NewParallelTempering(problem optimizer.Problem, par ParallelTemperingParams, seed uint64) (*ParallelTempering, error) {
	par, err := kit.Resolved(parallelTemperingAlgorithm(), par, problem, (*ParallelTemperingParams).resolve)
	if err != nil {
		return nil, err
	}
	return &ParallelTempering{problem, par, parallelTemperingState{Src: kit.NewSource(seed)}}, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *ParallelTempering) Params() ParallelTemperingParams { return o.par }

// WarmStart implements WarmStarter: known points are among the individuals with which the search begins.
func (o *ParallelTempering) WarmStart(known []optimizer.Solution) (err error) {
	o.s.Known, err = kit.NewWarm(known, o.problem)
	return err
}

// Ask implements Optimizer.
func (o *ParallelTempering) Ask(n int) ([]optimizer.Candidate, error) {
	if o.s.Gen.Idle() {
		rng := rand.New(o.s.Src)
		var xs [][]float64
		for i := range o.s.Chains {
			xs = append(xs, o.s.Chains[i].propose(o.problem, rng))
		}
		if len(xs) == 0 {
			xs = o.s.Known.Population(o.problem, rng, max(o.par.Chains*o.par.Ladders, randomIndividuals))
			o.s.Known = nil
		}
		o.s.Gen.Begin(xs)
	}
	return o.s.Gen.Ask(n), nil
}

// Tell implements Optimizer.
func (o *ParallelTempering) Tell(results []optimizer.Evaluated) error {
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
		o.walk(rng)
		if s.Steps%int64(o.par.SwapInterval) == 0 {
			o.swap(rng)
		}
	} else if sample := s.Gen.Ranked(); len(sample) > 0 {
		s.Chains = o.climbers(sample)
		s.Temperatures = o.ladder(kit.InitialTemperature(sample))
		s.Tried, s.Swapped = make([]int64, o.par.Chains-1), make([]int64, o.par.Chains-1)
	}
	s.Gen.End()
	return nil
}

// climbers are the walkers of all ladders: the lower the temperature, the better the individuals of a sample, sorted by loss, where they begin.
func (o *ParallelTempering) climbers(sample []kit.Ranked) []walker {
	ws := walkers(sample, o.par.Chains*o.par.Ladders, o.par.Step)
	ladders := make([]walker, 0, len(ws))
	for l := range o.par.Ladders {
		for i := range o.par.Chains {
			ladders = append(ladders, ws[i*o.par.Ladders+l])
		}
	}
	return ladders
}

// ladder is the temperatures, from the lowest to the highest, for a loss with this spread.
func (o *ParallelTempering) ladder(spread float64) []float64 {
	low, high := o.par.TLow, o.par.THigh
	if high == 0 {
		high = max(spread, 10*low)
	}
	if low == 0 {
		low = high * coolestShare
	}
	ts := make([]float64, o.par.Chains)
	for i := range ts {
		t := float64(i) / float64(len(ts)-1)
		ts[i] = math.Exp((1-t)*math.Log(low) + t*math.Log(high))
	}
	return ts
}

// walk lets each chain judge its proposal. The steps adapt ever less, as k^−0.6, so that the stationary distributions are not disturbed (Andrieu
// and Thoms 2008, doi 10.1007/s11222-008-9110-y).
func (o *ParallelTempering) walk(rng *rand.Rand) {
	s := &o.s
	s.Steps++
	s.Accepted = 0
	for i := range s.Chains {
		if s.Chains[i].judge(s.Gen.Members[i], s.Temperatures[i%o.par.Chains], math.Pow(float64(s.Steps), -0.6), rng) {
			s.Accepted++
		}
	}
}

// swap lets neighbours change places, of the even and of the odd pairs in turn, with probability min(1, exp((1/T_i − 1/T_j)(E_i − E_j))). The
// steps belong to the temperatures and stay.
func (o *ParallelTempering) swap(rng *rand.Rand) {
	s := &o.s
	for ladder := range slices.Chunk(s.Chains, o.par.Chains) {
		for i := int(s.Steps / int64(o.par.SwapInterval) % 2); i+1 < len(ladder); i += 2 {
			a, b := &ladder[i], &ladder[i+1]
			s.Tried[i]++
			if kit.Metropolis(rng, (1/s.Temperatures[i]-1/s.Temperatures[i+1])*(b.Loss-a.Loss), 1) {
				a.X, b.X = b.X, a.X
				a.Loss, b.Loss = b.Loss, a.Loss
				s.Swapped[i]++
			}
		}
	}
}

// Status implements Optimizer.
func (o *ParallelTempering) Status() optimizer.Status {
	st := o.s.Gen.Status()
	var tried, swapped int64
	for i := range o.s.Tried {
		tried, swapped = tried+o.s.Tried[i], swapped+o.s.Swapped[i]
	}
	st.Figures = []optimizer.Figure{{Name: "accepted", Value: float64(o.s.Accepted) / float64(o.par.Chains*o.par.Ladders)},
		{Name: "swapped", Value: float64(swapped) / float64(max(tried, 1))}}
	return st
}

// MarshalBinary implements Optimizer.
func (o *ParallelTempering) MarshalBinary() ([]byte, error) {
	return kit.EncodeState(parallelTemperingAlgorithm(), 1, o.problem, o.s)
}

// UnmarshalBinary implements Optimizer.
func (o *ParallelTempering) UnmarshalBinary(b []byte) error {
	var s parallelTemperingState
	if err := kit.DecodeState(parallelTemperingAlgorithm(), 1, o.problem, b, &s); err != nil {
		return err
	}
	n, rungs := len(s.Chains), o.par.Chains
	if s.Src == nil || n != 0 && (n != rungs*o.par.Ladders || len(s.Temperatures) != rungs || len(s.Tried) != rungs-1 || len(s.Swapped) != rungs-1) {
		return fmt.Errorf("%w: it has %d chains, want %d ladders of %d", optimizer.ErrState, n, o.par.Ladders, rungs)
	}
	o.s = s
	return nil
}
