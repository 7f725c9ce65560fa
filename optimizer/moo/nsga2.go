package moo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// NSGA2Params configures NSGA2.
type NSGA2Params struct {
	PopSize int `yaml:"pop_size" doc:"individuals in the population, and children per generation" range:"[4, 1e5]" auto:"100, or execution.parallel where that is more than 4 times as many, but at most 1000"`
	MatingParams
}

// NSGA2Defaults returns the defaults of [NSGA2Params].
func NSGA2Defaults() NSGA2Params { return NSGA2Params{MatingParams: defaultMating()} }

func (p *NSGA2Params) resolve(problem optimizer.Problem) error {
	p.PopSize = cmp.Or(p.PopSize, usualSize(problem))
	return p.MatingParams.resolve(problem)
}

func nsga2Algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "nsga2",
		Title: "Non-dominated sorting genetic algorithm II (NSGA-II)",
		Reference: "Deb, Pratap, Agarwal and Meyarivan 2002, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II, " +
			"doi 10.1109/4235.996017",
		When: "first, for two or three objectives that are not to be added up: it returns a front of the best compromises, on any " +
			"kind of parameters",
		Cost:        "O(λ² M) for M objectives",
		Parallelism: "pop_size at a time; with execution.parallel more than 400, as many as that says, up to 1000",
	}, NSGA2Defaults, NewNSGA2)
}

// NSGA2 has those survive whom fewer fronts dominate, and within the front that does not fit as a whole, those with the most room around
// them. Children are made by simulated binary crossover and polynomial mutation.
type NSGA2 struct {
	evolution
	par NSGA2Params
}

// NewNSGA2 makes an NSGA-II for a problem with several objectives.
func NewNSGA2(problem optimizer.Problem, par NSGA2Params, seed uint64) (*NSGA2, error) {
	par, err := kit.Resolved(nsga2Algorithm(), par, problem, (*NSGA2Params).resolve)
	if err != nil {
		return nil, err
	}
	o := &NSGA2{newEvolution(nsga2Algorithm(), problem, par.PopSize, par.MatingParams, seed), par}
	o.survive = leastCrowded
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *NSGA2) Params() NSGA2Params { return o.par }

// leastCrowded is the environmental selection of NSGA-II (section III.C). Rank is the front, Merit the crowding distance.
func leastCrowded(_ *rand.Rand, pool []parent, n int) []parent {
	next := make([]parent, 0, n)
	for rank, f := range optimizer.Fronts(lossesOf(pool)) {
		members := make([]parent, len(f))
		for i, at := range f {
			members[i] = pool[at]
		}
		for i, d := range crowding(lossesOf(members)) {
			members[i].Rank, members[i].Merit = rank, d
		}
		slices.SortStableFunc(members, func(a, b parent) int { return cmp.Compare(b.Merit, a.Merit) })
		next = append(next, members[:min(len(members), n-len(next))]...)
		if len(next) == n {
			break
		}
	}
	return next
}

// crowding is the crowding distance of each of the losses of a front: over all objectives, the sum of the distance between its two
// neighbours as a fraction of the range (section III.B). It is infinite for the first and the last in an objective.
func crowding(losses [][]float64) []float64 {
	distance := make([]float64, len(losses))
	scaled := optimizer.Normalised(losses)
	order := make([]int, len(losses))
	for k := range losses[0] {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scaled[a][k], scaled[b][k]) })
		for at, i := range order {
			if at == 0 || at == len(order)-1 {
				distance[i] = math.Inf(1)
			} else {
				distance[i] += scaled[order[at+1]][k] - scaled[order[at-1]][k]
			}
		}
	}
	return distance
}
