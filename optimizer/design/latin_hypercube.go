package design

import (
	"cmp"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// LatinHypercubeParams configures LatinHypercube.
type LatinHypercubeParams struct {
	PopSize int `yaml:"pop_size" doc:"individuals per generation, each of which is a Latin hypercube of its own" range:"[1, 1e6]" auto:"32, or 8 times execution.parallel where that is more than 32"`
	Samples int `yaml:"samples" doc:"end after this many individuals; 0 is never" range:"[0, inf)"`
}

// LatinHypercubeDefaults returns the defaults of [LatinHypercubeParams].
func LatinHypercubeDefaults() LatinHypercubeParams { return LatinHypercubeParams{} }

func (p *LatinHypercubeParams) resolve(problem optimizer.Problem) error {
	p.PopSize = cmp.Or(p.PopSize, usualBatch(32, problem))
	return nil
}

func latinHypercubeAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "latin_hypercube",
		Title: "Latin hypercube sampling",
		Reference: "McKay, Beckman and Conover 1979, A Comparison of Three Methods for Selecting Values of Input Variables in the Analysis of " +
			"Output from a Computer Code, doi 10.2307/1268522",
		When: "to look at a model with a fixed number of evaluations, in any number of dimensions: every parameter's range is covered " +
			"evenly. For one design of N individuals set pop_size and samples to N",
		Cost: "O(λn)",
		Parallelism: "pop_size at a time; with execution.parallel more than 32, 8 times as many as that says, so that the slots seldom wait for the last of a " +
			"generation",
	}, LatinHypercubeDefaults, NewLatinHypercube)
}

// LatinHypercube draws each generation so that, of n individuals, every n-th part of every coordinate's initial distribution has one.
type LatinHypercube struct {
	design
	par LatinHypercubeParams
}

// NewLatinHypercube makes a Latin hypercube design. It suits every problem.
func NewLatinHypercube(problem optimizer.Problem, par LatinHypercubeParams, seed uint64) (*LatinHypercube, error) {
	par, err := kit.Resolved(latinHypercubeAlgorithm(), par, problem, (*LatinHypercubeParams).resolve)
	if err != nil {
		return nil, err
	}
	o := &LatinHypercube{newDesign(latinHypercubeAlgorithm(), problem, par.PopSize, par.Samples, seed), par}
	o.points = func(rng *rand.Rand, _ int64, n int) [][]float64 { return kit.LatinHypercube(problem, rng, n) }
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *LatinHypercube) Params() LatinHypercubeParams { return o.par }
