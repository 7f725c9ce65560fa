package kit

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// The operators that make new points of known ones. Numbers are treated as their source says, whole numbers rounded after that; categorical
// values have no order, so they are exchanged and redrawn. All results are in the box.

// VariationParams configures how the algorithms for one objective make children: by blend crossover and Gaussian mutation.
type VariationParams struct {
	CxProb  float64 `yaml:"cx_prob" doc:"probability that a pair of parents is crossed" range:"[0, 1]"`
	MutProb float64 `yaml:"mut_prob" doc:"probability that a child is mutated" range:"[0, 1]"`
	IndProb float64 `yaml:"ind_prob" doc:"probability that a gene of a mutated child changes; one always does" range:"(0, 1]" auto:"max(0.05, 1/n)"`
	MatePar float64 `yaml:"mate_par" doc:"alpha of the blend crossover: how far children may lie outside their parents' interval, as a fraction of it" range:"[0, inf)"`
	MutPar  float64 `yaml:"mut_par" doc:"standard deviation of the Gaussian mutation, as a fraction of the coordinate's width" range:"(0, inf)"`
}

// DefaultVariation returns the defaults of [VariationParams]; IndProb is left to Resolve.
func DefaultVariation() VariationParams {
	return VariationParams{CxProb: 0.7, MutProb: 0.5, MatePar: 0.5, MutPar: 0.1}
}

// Resolve fills in what is chosen automatically, and returns an error where nothing would ever change or the problem has several objectives.
func (p *VariationParams) Resolve(problem optimizer.Problem) error {
	if p.IndProb == 0 {
		p.IndProb = max(0.05, 1/float64(problem.Dim()))
	}
	if p.CxProb == 0 && p.MutProb == 0 {
		return errors.New("cx_prob = 0 and mut_prob = 0, want one of them > 0: nothing would ever change")
	}
	return SingleObjective(problem)
}

// Mutate returns a changed copy of x.
func (p *VariationParams) Mutate(rng *rand.Rand, problem optimizer.Problem, x []float64) []float64 {
	return GaussianMutation(rng, problem, p.MutPar, p.IndProb, x)
}

// Child makes one child of two parents. It is mutated, a few times if need be, until it is not known.
func (p *VariationParams) Child(rng *rand.Rand, problem optimizer.Problem, a, b []float64, known func(x []float64) bool) []float64 {
	x := a
	if rng.Float64() < p.CxProb {
		x, _ = BlendCrossover(rng, problem, p.MatePar, a, b)
	}
	if rng.Float64() < p.MutProb {
		x = p.Mutate(rng, problem, x)
	}
	for try := 0; try < 10 && known(x); try++ {
		x = p.Mutate(rng, problem, x)
	}
	return x
}

// BlendCrossover is the crossover BLX-alpha (Eshelman and Schaffer 1993): with q = (1 + 2 alpha) u − alpha, u ~ U(0, 1), drawn for each gene, the
// children are (1 − q) a + q b and q a + (1 − q) b.
func BlendCrossover(rng *rand.Rand, problem optimizer.Problem, alpha float64, a, b []float64) (c, d []float64) {
	c, d = make([]float64, len(a)), make([]float64, len(a))
	for i, coord := range problem.Coords {
		q := (1+2*alpha)*rng.Float64() - alpha
		if coord.Kind == optimizer.Categorical {
			q = math.Round(min(max(q, 0), 1))
		}
		c[i] = coord.Clip((1-q)*a[i] + q*b[i])
		d[i] = coord.Clip(q*a[i] + (1-q)*b[i])
	}
	return c, d
}

// GaussianMutation returns x with each gene changed with probability rate, and one in any case, by a normal step with standard deviation std, in
// widths.
func GaussianMutation(rng *rand.Rand, problem optimizer.Problem, std, rate float64, x []float64) []float64 {
	y := slices.Clone(x)
	always := rng.IntN(len(y))
	for i, coord := range problem.Coords {
		if rng.Float64() >= rate && i != always {
			continue
		}
		if coord.Kind == optimizer.Categorical {
			y[i] = coord.Other(rng, y[i])
		} else {
			y[i] = stepped(coord, y[i], std*coord.Width()*rng.NormFloat64())
		}
	}
	return y
}

// SimulatedBinaryCrossover is the simulated binary crossover (SBX: Deb and Agrawal 1995, Complex Systems 9), in the form of Deb's NSGA-II, where the
// children's distribution ends at the bounds. Each gene is crossed with probability 1/2. The larger eta, the closer the children are
// to their parents.
func SimulatedBinaryCrossover(rng *rand.Rand, problem optimizer.Problem, eta float64, a, b []float64) (c, d []float64) {
	c, d = slices.Clone(a), slices.Clone(b)
	for i, coord := range problem.Coords {
		if rng.Float64() < 0.5 || a[i] == b[i] {
			continue
		}
		if coord.Kind == optimizer.Categorical {
			c[i], d[i] = b[i], a[i]
			continue
		}
		low, high := min(a[i], b[i]), max(a[i], b[i])
		lower, upper := coord.Reach()
		u := rng.Float64()
		factor := func(room float64) float64 { // β_q, for the distance from the parent to the bound
			alpha := 2 - math.Pow(1+2*room/(high-low), -eta-1)
			if u*alpha <= 1 {
				return math.Pow(u*alpha, 1/(eta+1))
			}
			return math.Pow(1/(2-u*alpha), 1/(eta+1))
		}
		left := coord.Clip(((low + high) - factor(low-lower)*(high-low)) / 2)
		right := coord.Clip(((low + high) + factor(upper-high)*(high-low)) / 2)
		if rng.Float64() < 0.5 {
			left, right = right, left
		}
		c[i], d[i] = left, right
	}
	return c, d
}

// PolynomialMutation returns x with each gene changed with probability rate by the polynomial mutation (Deb and Goyal 1996, Computer Science and
// Informatics 26), in the form of Deb's NSGA-II, where the distribution ends at the bounds. Steps are at most a width; the larger eta,
// the shorter they are.
func PolynomialMutation(rng *rand.Rand, problem optimizer.Problem, eta, rate float64, x []float64) []float64 {
	y := slices.Clone(x)
	for i, coord := range problem.Coords {
		if rng.Float64() >= rate {
			continue
		}
		if coord.Kind == optimizer.Categorical {
			y[i] = coord.Other(rng, y[i])
			continue
		}
		lower, upper := coord.Reach()
		u := rng.Float64()
		step := func(u, room float64) float64 { // −δ_q, for the distance to the bound in its direction
			beyond := 1 - min(1, room/coord.Width())
			return coord.Width() * (1 - math.Pow(2*u+(1-2*u)*math.Pow(beyond, eta+1), 1/(eta+1)))
		}
		if u < 0.5 {
			y[i] = stepped(coord, y[i], -step(u, y[i]-lower))
		} else {
			y[i] = stepped(coord, y[i], step(1-u, upper-y[i]))
		}
	}
	return y
}

// stepped moves a number. A whole number moves by one at least, at a bound away from it.
func stepped(c optimizer.Coordinate, x, by float64) float64 {
	if c.Kind == optimizer.Continuous {
		return c.Clip(x + by)
	}
	by = math.Copysign(max(1, math.Abs(by)), by)
	if y := c.Clip(x + by); y != x {
		return y
	}
	return c.Clip(x - math.Copysign(1, by))
}
