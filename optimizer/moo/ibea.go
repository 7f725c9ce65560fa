package moo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// IBEAParams configures IBEA.
type IBEAParams struct {
	PopSize int     `yaml:"pop_size" doc:"individuals in the population, and children per generation" range:"[4, 1e5]" auto:"100, or execution.parallel where that is more than 4 times as many, but at most 1000"`
	Kappa   float64 `yaml:"kappa" doc:"scaling factor of the indicator; the smaller, the more the single worst comparison counts" range:"[0.01, 10]"`
	MatingParams
}

// IBEADefaults returns the defaults of [IBEAParams].
func IBEADefaults() IBEAParams {
	return IBEAParams{Kappa: 0.05, MatingParams: defaultMating()}
}

func (p *IBEAParams) resolve(problem optimizer.Problem) error {
	p.PopSize = cmp.Or(p.PopSize, usualSize(problem))
	return p.MatingParams.resolve(problem)
}

func ibeaAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "ibea",
		Title: "Indicator-based evolutionary algorithm (IBEA) with the additive epsilon indicator",
		Reference: "Zitzler and Künzli 2004, Indicator-Based Selection in Multiobjective Search, PPSN VIII, " +
			"doi 10.1007/978-3-540-30217-9_84",
		When: "for four and more objectives, such as the features of a neuron's response, where nearly no individual dominates another and " +
			"nsga2 has no direction left to go in",
		Cost:        "O(λ² M) for M objectives",
		Parallelism: "pop_size at a time; with execution.parallel more than 400, as many as that says, up to 1000",
	}, IBEADefaults, NewIBEA)
}

// IBEA gives up, one after the other, the individual whose removal costs the population least, as measured by the indicator I_ε+: by how much
// one individual would have to be shifted to be nowhere worse than another. It is the adaptive version of the algorithm (section 3.3), which
// scales objectives and indicator by the ranges that it meets.
type IBEA struct {
	evolution
	par IBEAParams
}

// NewIBEA makes an IBEA for a problem with several objectives.
func NewIBEA(problem optimizer.Problem, par IBEAParams, seed uint64) (*IBEA, error) {
	par, err := kit.Resolved(ibeaAlgorithm(), par, problem, (*IBEAParams).resolve)
	if err != nil {
		return nil, err
	}
	o := &IBEA{newEvolution(ibeaAlgorithm(), problem, par.PopSize, par.MatingParams, seed), par}
	o.survive = o.fittest
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *IBEA) Params() IBEAParams { return o.par }

// fittest removes the least fit one at a time. Merit is the fitness F(x) = Σ −exp(−I({y}, {x}) / cκ), over all other y: the smaller, the
// better others stand in for x, and the less is lost if it is removed.
func (o *IBEA) fittest(_ *rand.Rand, pool []parent, n int) []parent {
	pool = slices.Clone(pool)
	losses := optimizer.Normalised(lossesOf(pool))
	c := 0.0
	for _, x := range losses {
		for _, y := range losses {
			c = max(c, math.Abs(epsilon(y, x)))
		}
	}
	if c == 0 { // all losses are the same
		c = 1
	}
	harm := func(y, x int) float64 { return -math.Exp(-epsilon(losses[y], losses[x]) / (c * o.par.Kappa)) }
	for x := range pool {
		pool[x].Merit = 0
		for y := range pool {
			if y != x {
				pool[x].Merit += harm(y, x)
			}
		}
	}
	for len(pool) > n {
		worst := 0
		for x := range pool {
			if pool[x].Merit <= pool[worst].Merit { // of equals the newest
				worst = x
			}
		}
		for x := range pool {
			pool[x].Merit -= harm(worst, x)
		}
		pool, losses = slices.Delete(pool, worst, worst+1), slices.Delete(losses, worst, worst+1)
	}
	return pool
}

// epsilon is I_ε+({a}, {b}): the least by which a has to be improved in all objectives to be nowhere worse than b.
func epsilon(a, b []float64) float64 {
	e := math.Inf(-1)
	for k := range a {
		e = max(e, a[k]-b[k])
	}
	return e
}
