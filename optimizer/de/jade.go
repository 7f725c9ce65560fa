package de

import (
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// JADEParams configures JADE.
type JADEParams struct {
	PopSize      int     `yaml:"pop_size" doc:"individuals in the population, and in a generation" range:"[4, 1e6]" auto:"4 n, at least 30 and at most 400"`
	Greed        float64 `yaml:"greed" doc:"the best part of the population, p: each trial is pulled to one member drawn from it" range:"(0, 1]"`
	LearningRate float64 `yaml:"learning_rate" doc:"how fast scale factor and crossover rate follow those that were successful, c" range:"[0, 1]"`
	Archive      bool    `yaml:"archive" doc:"also use points that have left the population, as many as it has members, for the differences of points"`
}

// JADEDefaults returns the defaults of [JADEParams], those of the paper.
func JADEDefaults() JADEParams { return JADEParams{Greed: 0.05, LearningRate: 0.1, Archive: true} }

func (p *JADEParams) resolve(problem optimizer.Problem) error {
	if p.PopSize == 0 {
		p.PopSize = jadePopSize(problem)
	}
	return kit.SingleObjective(problem)
}

// jadePopSize follows the paper, which has 30 up to 10 dimensions, 100 in 30, and 400 in 100.
func jadePopSize(problem optimizer.Problem) int { return min(max(30, 4*problem.Dim()), 400) }

func jadeAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "jade",
		Title: "Adaptive differential evolution with an archive (JADE)",
		Reference: "Zhang and Sanderson 2009, JADE: Adaptive Differential Evolution with Optional External Archive, " +
			"doi 10.1109/TEVC.2009.2014613",
		When: "as lshade, for spaces that mix numbers, switches and choices; where lshade's population is too large for the evaluations that " +
			"can be afforded",
		Cost: "O(λn + λ log λ); memory O(λn)",
		Parallelism: "uses at most pop_size slots; more idle. A larger population is no faster, so that it does not follow execution.parallel; several searches at " +
			"the same time are portfolio with members: [jade]",
	}, JADEDefaults, NewJADE)
}

// JADE is a differential evolution that pulls each member towards one of the best, adds a difference of two others, and adapts scale factor
// and crossover rate to what has been successful. When the population has converged, another one is drawn and the search goes on.
type JADE struct {
	differential
	par JADEParams
}

// NewJADE makes a JADE for a problem with one objective.
func NewJADE(problem optimizer.Problem, par JADEParams, seed uint64) (*JADE, error) {
	par, err := kit.Resolved(jadeAlgorithm(), par, problem, (*JADEParams).resolve)
	if err != nil {
		return nil, err
	}
	o := &JADE{newDifferential(jadeAlgorithm(), problem, 1, seed), par}
	o.greed = par.Greed
	if par.Archive {
		o.archive = 1
	}
	o.learn = func(s *differentialState, wins []win) { s.Deme.learnJADE(wins, par.LearningRate) }
	o.size = func(*differentialState) int { return par.PopSize }
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *JADE) Params() JADEParams { return o.par }
