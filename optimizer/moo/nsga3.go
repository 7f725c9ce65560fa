package moo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// NSGA3Params configures NSGA3.
type NSGA3Params struct {
	PopSize   int `yaml:"pop_size" doc:"individuals in the population, and children per generation" range:"[4, 1e5]" auto:"the number of reference directions, rounded up to a multiple of 4"`
	Divisions int `yaml:"divisions" doc:"parts into which each edge of the simplex of reference directions is divided; with fewer parts than objectives, a second simplex of half the size, with one part less, is added" range:"[1, 1000]" auto:"as many as pop_size has individuals for, or, without it, the authors': 99 for 2 objectives, 12 for 3, 6 for 5, 3 for 8; where execution.parallel is more than 4 times their directions, as many as that has individuals for, of at most 1000"`
	MatingParams
}

// NSGA3Defaults returns the defaults of [NSGA3Params]: the authors'.
func NSGA3Defaults() NSGA3Params {
	return NSGA3Params{MatingParams: MatingParams{CxProb: 1, CxEta: 30, MutEta: 20}}
}

// maxDirections bounds what a mistyped number of divisions asks for.
const maxDirections = 100_000

func (p *NSGA3Params) resolve(problem optimizer.Problem) error {
	if err := p.MatingParams.resolve(problem); err != nil {
		return err
	}
	m := problem.NumObjectives()
	if p.Divisions == 0 {
		room := p.PopSize
		switch {
		case room == 0 && m <= 3:
			room = 100
		case room == 0:
			room = 220
		}
		if p.PopSize == 0 {
			room = kit.Usual(room, problem, 1000)
		}
		p.Divisions = 1
		for p.Divisions < 1000 && simplexSize(m, p.Divisions+1) <= room {
			p.Divisions++
		}
	}
	n := simplexSize(m, p.Divisions)
	if n > maxDirections {
		return fmt.Errorf("divisions = %d, want at most %d directions for %d objectives", p.Divisions, maxDirections, m)
	}
	if p.PopSize == 0 {
		p.PopSize = max(4, (len(referenceDirections(m, p.Divisions))+3)/4*4)
	}
	return nil
}

func nsga3Algorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "nsga3",
		Title: "Non-dominated sorting genetic algorithm III (NSGA-III)",
		Reference: "Deb and Jain 2014, An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based " +
			"Nondominated Sorting Approach, Part I, doi 10.1109/TEVC.2013.2281535",
		When: "for three and more objectives where the front is to be covered evenly, by one individual for each direction from the " +
			"best values; fronts with gaps or edges of their own suit ibea better",
		Cost:        "O(λ² M) for M objectives",
		Parallelism: "pop_size at a time; with execution.parallel more than 400 (880 from 4 objectives on), about as many as that says, up to 1000, with as many directions",
	}, NSGA3Defaults, NewNSGA3)
}

// NSGA3 has those survive whom fewer fronts dominate, and of the front that does not fit as a whole those that are nearest to the
// reference directions that have the fewest individuals. Children are made by simulated binary crossover and polynomial mutation, of
// parents drawn at random.
type NSGA3 struct {
	evolution
	par        NSGA3Params
	directions [][]float64 // of length 1, in the normalised objectives
}

// NewNSGA3 makes an NSGA-III for a problem with several objectives.
func NewNSGA3(problem optimizer.Problem, par NSGA3Params, seed uint64) (*NSGA3, error) {
	par, err := kit.Resolved(nsga3Algorithm(), par, problem, (*NSGA3Params).resolve)
	if err != nil {
		return nil, err
	}
	o := &NSGA3{newEvolution(nsga3Algorithm(), problem, par.PopSize, par.MatingParams, seed), par,
		referenceDirections(problem.NumObjectives(), par.Divisions)}
	for _, d := range o.directions {
		floats.Scale(1/floats.Norm(d, 2), d)
	}
	o.survive = o.nearest
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *NSGA3) Params() NSGA3Params { return o.par }

// nearest is the environmental selection (algorithm 1). All that survive are equals in tournaments.
func (o *NSGA3) nearest(rng *rand.Rand, pool []parent, n int) []parent {
	losses := lossesOf(pool)
	sorted := optimizer.Fronts(losses)
	var next, rest []int // those of the fronts that fit, and those of the one that does not
	for _, f := range sorted {
		if len(next)+len(f) > n {
			rest = f
			break
		}
		next = append(next, f...)
	}
	if len(next) < n {
		next = o.fill(rng, losses, sorted[0], next, rest, n)
	}
	out := make([]parent, n)
	for i, at := range next {
		out[i] = parent{X: pool[at].X, Loss: pool[at].Loss}
	}
	return out
}

// fill adds members of rest to next until there are n (algorithm 4).
func (o *NSGA3) fill(rng *rand.Rand, losses [][]float64, first, next, rest []int, n int) []int {
	candidates := slices.Concat(next, rest)
	direction, distance := o.associate(o.normalise(losses, first, candidates))
	count := make([]int, len(o.directions)) // members of next by direction
	for i := range next {
		count[direction[i]]++
	}
	waiting := make([][]int, len(o.directions)) // of rest, by direction: indices of candidates
	for i := len(next); i < len(candidates); i++ {
		waiting[direction[i]] = append(waiting[direction[i]], i)
	}
	for len(next) < n {
		var emptiest []int // the directions with the fewest members of those with any waiting
		for d, w := range waiting {
			switch {
			case len(w) == 0:
			case len(emptiest) == 0 || count[d] < count[emptiest[0]]:
				emptiest = append(emptiest[:0], d)
			case count[d] == count[emptiest[0]]:
				emptiest = append(emptiest, d)
			}
		}
		d := emptiest[rng.IntN(len(emptiest))]
		pick := 0
		if count[d] > 0 {
			pick = rng.IntN(len(waiting[d]))
		} else {
			for i, c := range waiting[d] {
				if distance[c] < distance[waiting[d][pick]] {
					pick = i
				}
			}
		}
		next = append(next, candidates[waiting[d][pick]])
		waiting[d] = slices.Delete(waiting[d], pick, pick+1)
		count[d]++
	}
	return next
}

// normalise moves and scales the losses of the candidates so that the best values are 0 and the plane through the extreme points cuts each
// axis at 1 (algorithm 2). The extreme points are sought in the first front, since one that is dominated says nothing about the front.
func (o *NSGA3) normalise(losses [][]float64, first, candidates []int) [][]float64 {
	m := o.problem.NumObjectives()
	// The best values of the whole search are those of its front, which keeps them.
	all := [][]float64{}
	for _, s := range o.s.Gen.Front {
		all = append(all, s.Loss)
	}
	best := len(all)
	for _, i := range candidates {
		all = append(all, losses[i])
	}
	scaled := optimizer.Normalised(all)[best:]
	at := make(map[int]int, len(candidates))
	for i, c := range candidates {
		at[c] = i
	}

	extreme := mat.NewDense(m, m, nil)
	worst := make([]float64, m) // of the first front
	for k := range m {
		least := math.Inf(1)
		for _, i := range first {
			f := scaled[at[i]]
			worst[k] = max(worst[k], f[k])
			achievement := f[k] // the achievement scalarising function for the axis (4)
			for j, v := range f {
				if j != k {
					achievement = max(achievement, 1e6*v)
				}
			}
			if achievement < least {
				least = achievement
				extreme.SetRow(k, f)
			}
		}
	}
	var plane mat.VecDense
	intercepts := worst // where the extreme points span no plane
	if err := plane.SolveVec(extreme, mat.NewVecDense(m, slices.Repeat([]float64{1}, m))); err == nil {
		cuts := make([]float64, m)
		for k := range cuts {
			cuts[k] = 1 / plane.AtVec(k)
		}
		if floats.Min(cuts) > 1e-6 && floats.Max(cuts) <= 1 { // none beyond the worst candidate
			intercepts = cuts
		}
	}
	for _, f := range scaled {
		for k, a := range intercepts {
			if a > 1e-6 { // otherwise the first front does not vary, and the range of all is what there is
				f[k] /= a //                                                                               (5)
			}
		}
	}
	return scaled
}

// associate returns, for each point, the reference direction nearest to it and the distance (algorithm 3).
func (o *NSGA3) associate(points [][]float64) (direction []int, distance []float64) {
	direction, distance = make([]int, len(points)), make([]float64, len(points))
	for i, p := range points {
		along := math.Inf(-1) // the nearest line is the one along which the point lies farthest
		for d, w := range o.directions {
			if a := floats.Dot(p, w); a > along {
				along, direction[i] = a, d
			}
		}
		distance[i] = math.Sqrt(max(floats.Dot(p, p)-along*along, 0))
	}
	return direction, distance
}

// referenceDirections are the points with m coordinates >= 0 that add up to 1, all multiples of 1/divisions (Das and Dennis 1998, doi
// 10.1137/S1052623496307510). With fewer divisions than m none of them lies inside, so that those with one division less are added,
// moved half the way to the centre (section V of the paper).
func referenceDirections(m, divisions int) [][]float64 {
	points := simplexGrid(m, divisions)
	if divisions < m && divisions > 1 {
		for _, p := range simplexGrid(m, divisions-1) {
			for k := range p {
				p[k] = p[k]/2 + 1/float64(2*m)
			}
			points = append(points, p)
		}
	}
	return points
}

func simplexGrid(m, divisions int) [][]float64 {
	var points [][]float64
	p := make([]float64, m)
	var fill func(k, left int)
	fill = func(k, left int) {
		if k == m-1 {
			p[k] = float64(left) / float64(divisions)
			points = append(points, slices.Clone(p))
			return
		}
		for part := range left + 1 {
			p[k] = float64(part) / float64(divisions)
			fill(k+1, left-part)
		}
	}
	fill(0, divisions)
	return points
}

// simplexSize is the length of simplexGrid, (divisions+m−1 over m−1), or maxDirections + 1 if that is less.
func simplexSize(m, divisions int) int {
	size := 1
	for k := 1; k < m; k++ {
		if size = size * (divisions + k) / k; size > maxDirections {
			return maxDirections + 1
		}
	}
	return size
}
