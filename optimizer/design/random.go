package design

import (
	"cmp"
	"math/rand/v2"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// RandomParams configures Random.
type RandomParams struct {
	PopSize int `yaml:"pop_size" doc:"individuals per generation" range:"[1, 1e6]" auto:"32, or 8 times execution.parallel where that is more than 32"`
	Samples int `yaml:"samples" doc:"end after this many individuals; 0 is never" range:"[0, inf)"`
}

// RandomDefaults returns the defaults of [RandomParams].
func RandomDefaults() RandomParams { return RandomParams{} }

func (p *RandomParams) resolve(problem optimizer.Problem) error {
	p.PopSize = cmp.Or(p.PopSize, usualBatch(32, problem))
	return nil
}

func randomAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:      "random",
		Title:     "Random search",
		Reference: "Bergstra and Bengio 2012, Random Search for Hyper-Parameter Optimization, JMLR 13",
		When:      "as the baseline that any other method has to beat, and to look at a model before searching it",
		Cost:      "O(λn)",
		Parallelism: "pop_size at a time; with execution.parallel more than 32, 8 times as many as that says, so that the slots seldom wait for the last of a " +
			"generation; the points stay the same",
	}, RandomDefaults, NewRandom)
}

// Random draws every individual independently from the problem's initial distribution.
type Random struct {
	design
	par RandomParams
}

// NewRandom makes a random search. It suits every problem.
func NewRandom(problem optimizer.Problem, par RandomParams, seed uint64) (*Random, error) {
	par, err := kit.Resolved(randomAlgorithm(), par, problem, (*RandomParams).resolve)
	if err != nil {
		return nil, err
	}
	o := &Random{newDesign(randomAlgorithm(), problem, par.PopSize, par.Samples, seed), par}
	o.points = func(rng *rand.Rand, _ int64, n int) [][]float64 { return problem.DrawAll(rng, n) }
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Random) Params() RandomParams { return o.par }
