package cmaes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// runState is a run of the strategy, from a start to its convergence, and what the runs before it have spent. Restarts follow IPOP (Auger and
// Hansen 2005, A Restart CMA Evolution Strategy With Increasing Population Size, doi 10.1109/CEC.2005.1554902) or BIPOP (Hansen
// 2009, Benchmarking a BI-Population CMA-ES on the BBOB-2009 Function Testbed, doi 10.1145/1570256.1570333).
type runState struct {
	Number      int     // 0 for the first
	PopSize     int     // λ
	Sigma       float64 // initial step size
	Small       bool    // of BIPOP's small populations; so counts the first
	Limit       int64   // individuals after which it ends; 0: no limit
	Evaluations int64   // individuals told
	Doublings   int     // runs with large populations, this one included
	Best        float64 // smallest loss of this run; +Inf if there is none
	Record      float64 // and of those before it
	SpentSmall  int64   // individuals told in runs of small populations before this one
	SpentLarge  int64   // and in those of large ones
	SmallLeads  bool    // the smallest loss of the runs before this one is of a small population
}

// restart begins the next run, or ends the search.
func (e *strategy) restart(reason string) {
	if e.leads() {
		e.state.Settled = &settled{Points: e.centres(), Level: e.level()}
	}
	r := e.state.Run
	if r.Small {
		r.SpentSmall += r.Evaluations
	} else {
		r.SpentLarge += r.Evaluations
	}
	if r.Best < r.Record {
		r.Record, r.SmallLeads = r.Best, r.Small
	}
	next := runState{
		Number: r.Number + 1, Doublings: r.Doublings, Sigma: e.par.Sigma, Best: math.Inf(1),
		Record: r.Record, SpentSmall: r.SpentSmall, SpentLarge: r.SpentLarge, SmallLeads: r.SmallLeads,
	}
	large := e.par.PopSize << r.Doublings // of the last run with a large population
	switch {
	case e.par.Restarts == "none":
		e.state.Stop = reason
		return
	case e.chain == shrinking && next.Number <= e.again:
		next.PopSize = r.PopSize
	case e.chain == shrinking:
		rng := rand.New(e.state.Src)
		u := rng.Float64()
		next.PopSize = int(float64(e.smallest) * math.Pow(max(1, float64(e.par.PopSize)/float64(2*e.smallest)), u*u))
		next.Sigma *= math.Pow(10, -2*rng.Float64())
	case e.chain == steady:
		next.PopSize = r.PopSize
		if next.Number%2 == 1 {
			next.Sigma *= math.Pow(10, -2*rand.New(e.state.Src).Float64())
		}
	case e.par.Restarts == "bipop" && next.smallIsDue():
		rng := rand.New(e.state.Src)
		u := rng.Float64()
		next.Small = true
		next.PopSize = int(float64(e.par.PopSize) * math.Pow(float64(large)/float64(2*e.par.PopSize), u*u))
		next.Sigma *= math.Pow(10, -2*rng.Float64())
		next.Limit = r.SpentLarge / 2
	case r.Doublings == e.par.MaxRestarts:
		e.state.Stop = fmt.Sprintf("%s, after %d restarts", reason, r.Number)
		return
	default:
		next.PopSize = 2 * large
		next.Doublings++
	}
	e.state.Restarts.Add(optimizer.Restart{Told: r.SpentSmall + r.SpentLarge, Reason: reason, PopSize: e.whole(next.PopSize)})
	e.begin(next)
}

// smallIsDue reports whether the next run is to be one of a small population. The kind of runs that has found the best so far gets twice the
// individuals of the other, as in NBIPOP (Loshchilov, Schoenauer and Sebag 2012, Alternative Restart Strategies for CMA-ES,
// doi 10.1007/978-3-642-32937-1_30); Hansen gave both the same.
func (r *runState) smallIsDue() bool {
	if r.SmallLeads {
		return r.SpentSmall < 2*r.SpentLarge
	}
	return 2*r.SpentSmall < r.SpentLarge
}

// pastLosses are losses of a run's last generations: the smallest of each, and the median.
type pastLosses struct {
	Best, Median codec.Vector
}

// over names the reason to end the run, if there is one (tutorial, appendix B.3). losses are those of the generation, from the best to the worst.
func (e *strategy) over(losses, deviations []float64, exhausted string) string {
	n, k, s := len(e.ordered), &e.k, &e.state
	best, worst := losses[0], losses[len(losses)-1]

	// The stagnation rule looks at the last 20 % of all generations, at least 120 + 30 n/λ and at most 20,000 of them. Where less is
	// learnt of each, as many more are needed.
	pace := s.Rates.pace()
	span := min(20000, max(int(float64(120+30*n/len(k.weights))/pace), s.Updates/5))
	past := &s.Past
	past.Best, past.Median = last(append(past.Best, best), span), last(append(past.Median, losses[len(losses)/2]), span)

	history := min(span, int(float64(k.history)/pace))
	recent := last(past.Best, history)
	s.Run.Best = min(s.Run.Best, best)
	settled := max(floats.Max(recent), worst) - min(floats.Min(recent), best)
	// Of what it lacks to an earlier run's best, a run must change some part within its history. That part is small where slow progress along a
	// valley is worth waiting for, and larger for small populations, of which there will be others.
	part := 0.01
	if s.Run.Small {
		part = 0.05
	}
	longest, continuous, unmoved := 0.0, false, false
	for j, i := range e.ordered {
		d := deviations[j]
		if e.problem.Coords[i].Kind == optimizer.Continuous {
			longest, continuous = max(longest, s.Sigma*d, s.Sigma*math.Abs(s.Pc[j])), true
			unmoved = unmoved || s.Mean[j]+0.2*s.Sigma*d == s.Mean[j]
		}
	}
	switch {
	case exhausted != "":
		return exhausted
	case s.Run.Limit > 0 && s.Run.Evaluations >= s.Run.Limit:
		return "limit: the small population has had its share"
	case len(recent) == history && settled <= e.par.TolFun && e.par.TolFun > 0:
		return fmt.Sprintf("tol_fun: losses differ by no more than %g", e.par.TolFun)
	case len(recent) == history && settled <= rounding*max(math.Abs(best), math.Abs(worst)):
		return "rounding: losses differ by rounding alone"
	case len(recent) == history && settled < part*(best-s.Run.Record):
		return "beaten: losses have settled above the best of an earlier run"
	case continuous && longest < e.par.TolX*s.Run.Sigma:
		return fmt.Sprintf("tol_x: steps are below %g of the initial ones", e.par.TolX)
	case longest > 1e4*max(1, s.Run.Sigma):
		return "tol_up: steps have grown to 10,000 times the box"
	case unmoved:
		return "no_effect: the steps are too small to change the mean"
	case len(past.Best) == span && s.Updates%(span/10) == 0 && stagnated(past.Best) && stagnated(past.Median):
		return "stagnation: losses have stopped improving"
	}
	return ""
}

// rounding is what losses may differ by, relative to their size, for no other reason than that they are sums of rounded numbers. It is no
// tolerance: losses of 1e6 that differ by 1e-8 tell of the way on as those of 1 that differ by 1e-14 do, and any tolerance in the
// unit of the loss, or relative to the losses at the start, is too large for some loss, and ends its runs early.
const rounding = 4 * 0x1p-52

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
