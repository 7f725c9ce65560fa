package de

import (
	"math"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// LSHADEParams configures LSHADE.
type LSHADEParams struct {
	PopSize     int     `yaml:"pop_size" doc:"individuals in the population, and in a generation, at the start of a run" range:"[4, 1e6]" auto:"6 n, at least 30 and at most 1000"`
	Evaluations int     `yaml:"evaluations" doc:"length of the first run in individuals, over which the population shrinks to 4; every further run is twice as long as the one before. Where the budget is known and not much larger than the default, set it to the budget" range:"[4, 1e12]" auto:"2000 n"`
	Greed       float64 `yaml:"greed" doc:"the best part of the population, p: each trial is pulled to one member drawn from it" range:"(0, 1]"`
	Archive     float64 `yaml:"archive" doc:"points that have left the population and are still used for differences of points, as a multiple of it" range:"[0, 10]"`
	Memory      int     `yaml:"memory" doc:"successful generations that are remembered, H, each by the means of its scale factors and crossover rates" range:"[1, 1000]"`
}

// LSHADEDefaults returns the defaults of [LSHADEParams]. They are those of the paper except for the population: the paper's, of 18 n, is for a
// single run of 10,000 n evaluations; a third of it and a fifth of the length, with restarts, need far fewer on BBOB's f3 and f4.
func LSHADEDefaults() LSHADEParams { return LSHADEParams{Greed: 0.11, Archive: 2.6, Memory: 6} }

func (p *LSHADEParams) resolve(problem optimizer.Problem) error {
	n := problem.Dim()
	if p.PopSize == 0 {
		p.PopSize = min(max(30, 6*n), 1000)
	}
	if p.Evaluations == 0 {
		p.Evaluations = 2000 * n
	}
	return kit.SingleObjective(problem)
}

func lshadeAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "lshade",
		Title: "Success-history based adaptive differential evolution with linear population size reduction (L-SHADE), with restarts",
		Reference: "Tanabe and Fukunaga 2014, Improving the Search Performance of SHADE Using Linear Population Size Reduction, " +
			"doi 10.1109/CEC.2014.6900380",
		When: "for losses with many local minima, above all where parameters act independently of each other, and for spaces that mix " +
			"numbers, switches and choices; needs 1000 n evaluations or more. On smooth losses of dependent parameters cmaes needs far fewer",
		Cost: "O(λn + λ log λ); memory O(λn)",
		Parallelism: "uses at most pop_size slots at the start of a run, 4 at its end; more idle. It does not follow execution.parallel; several searches at the " +
			"same time are portfolio with members: [lshade]",
	}, LSHADEDefaults, NewLSHADE)
}

// LSHADE is a differential evolution that remembers which scale factors and crossover rates have been successful, and whose population
// shrinks, so that it explores first and refines later. When a run has come to its end, or has converged, one of twice its length
// follows: the search does not need to know its budget.
type LSHADE struct {
	differential
	par LSHADEParams
}

// NewLSHADE makes an L-SHADE for a problem with one objective.
func NewLSHADE(problem optimizer.Problem, par LSHADEParams, seed uint64) (*LSHADE, error) {
	par, err := kit.Resolved(lshadeAlgorithm(), par, problem, (*LSHADEParams).resolve)
	if err != nil {
		return nil, err
	}
	o := &LSHADE{newDifferential(lshadeAlgorithm(), problem, par.Memory, seed), par}
	o.greed, o.archive, o.learn, o.size = par.Greed, par.Archive, learnLSHADE, o.shrunk
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *LSHADE) Params() LSHADEParams { return o.par }

// shrunk is the size of the population after what the run has used of its length (section "Linear population size reduction"); 0 when
// that is all.
func (o *LSHADE) shrunk(s *differentialState) int {
	part := float64(s.Used) / (float64(o.par.Evaluations) * math.Pow(2, float64(s.Run)))
	if part >= 1 {
		return 0
	}
	return o.par.PopSize + int(math.Round(part*float64(minDeme-o.par.PopSize)))
}

// learnLSHADE writes the means of the tactics that won, weighted by what they gained, into the next cell of the memory. A crossover rate that
// has become 0 stays so.
func learnLSHADE(s *differentialState, wins []win) {
	if len(wins) == 0 {
		return
	}
	largest := 0.0
	for _, w := range wins {
		largest = max(largest, w.Gain)
	}
	weight := func(w win) float64 { return w.Gain / largest } // Δf_k / Σ Δf, less a factor
	cell := &s.Deme.Memory[s.Cell]
	cell.F = lehmer(wins, win.f, weight) // M_F,k
	cr := lehmer(wins, win.cr, weight)
	if cell.CR == alwaysZero || cr == 0 {
		cr = alwaysZero
	}
	cell.CR = cr // M_CR,k
	s.Cell = (s.Cell + 1) % len(s.Deme.Memory)
}
