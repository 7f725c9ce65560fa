package cmaes

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

// Whole numbers are rounded from real ones. So that the distribution does not shrink into one of them and stay there, its margin is kept: each
// whole number other than the mean's has a probability of at least 1/(nλ), n being the problem's dimension (Hamano, Saito, Nomura and
// Shirakawa 2022, CMA-ES with Margin, doi 10.1145/3512290.3528827).

// newStretch returns factors of 1 for the steps of the ordered coordinates, or nil if none of them is a whole number.
func (e *strategy) newStretch() codec.Vector {
	if !slices.ContainsFunc(e.problem.Coords, func(c optimizer.Coordinate) bool { return c.Kind == optimizer.Integer }) {
		return nil
	}
	stretch := make([]float64, len(e.ordered))
	floats.AddConst(1, stretch)
	return stretch
}

// keepMargin moves the mean of whole numbers, and stretches their steps, as far as the margin asks for (section 4 of the paper). deviations are those
// of y.
func (e *strategy) keepMargin(deviations []float64) {
	s := &e.state
	if s.Stretch == nil {
		return
	}
	alpha := 1 / float64(e.problem.Dim()*s.Run.PopSize)
	for j, i := range e.ordered {
		c := e.problem.Coords[i]
		if c.Kind != optimizer.Integer {
			continue
		}
		m, w := s.Mean[j], e.width[j]
		whole := c.Clip(m * w)
		low, high := (whole-0.5)/w, (whole+0.5)/w // where rounding gives the next number down or up
		deviation := s.Sigma * deviations[j]
		if whole > c.Lower && whole < c.Upper {
			s.Mean[j], s.Stretch[j] = withMargin(m, s.Stretch[j]*deviation, low, high, alpha)
			s.Stretch[j] /= deviation
			continue
		}
		// At an end, there is one neighbour only; moving the mean is enough.
		threshold, side := high, -1.0
		if whole == c.Upper {
			threshold, side = low, 1
		}
		if furthest := normal.UpperQuantile(alpha) * s.Stretch[j] * deviation; side*(m-threshold) > furthest {
			s.Mean[j] = threshold + side*furthest
		}
	}
}

// withMargin returns the mean and the deviation nearest to those given at which a normal variable is below low, and above high, each with a
// probability of at least alpha/2.
func withMargin(mean, deviation, low, high, alpha float64) (float64, float64) {
	below, above := normal.Above((mean-low)/deviation), normal.Above((high-mean)/deviation)
	if below >= alpha/2 && above >= alpha/2 {
		return mean, deviation
	}
	// What is given to one is taken from the others, in proportion to what they have in excess.
	between := max(1-below-above, alpha/2)
	below, above = max(below, alpha/2), max(above, alpha/2)
	excess := (1 - below - between - above) / (below + between + above - 3*alpha/2)
	down, up := normal.UpperQuantile(below+excess*(below-alpha/2)), normal.UpperQuantile(above+excess*(above-alpha/2))
	return (low*up + high*down) / (down + up), (high - low) / (down + up)
}

// choiceState is the distribution of the categorical coordinates, which are drawn independently, and the state of its learning rate, which
// follows the ratio of signal to noise (CatCMA: Hamano, Saito, Nomura, Uchida and Shirakawa 2024, arXiv:2405.09962; the rate:
// Akimoto et al. 2019, Adaptive Stochastic Natural Gradient Method, ICML).
type choiceState struct {
	Q     []codec.Vector // probabilities q of each categorical coordinate's values
	S     codec.Vector   // path of normalised gradients
	Gamma float64        // its expected squared length without a signal is 1 − (…); see learnChoices
	Delta float64        // trust region's inverse
}

// newChoice is the uniform distribution, or nil if there is nothing to choose.
func (e *strategy) newChoice() *choiceState {
	if len(e.choices) == 0 {
		return nil
	}
	c := &choiceState{Delta: 1}
	free := 0
	for _, i := range e.choices {
		q := make([]float64, int(e.problem.Coords[i].Upper)+1)
		floats.AddConst(1/float64(len(q)), q)
		c.Q = append(c.Q, q)
		free += len(q) - 1
	}
	c.S = make([]float64, free)
	return c
}

// choose draws the categorical coordinates of x.
func (e *strategy) choose(x []float64, rng *rand.Rand) {
	for a, i := range e.choices {
		x[i] = float64(kit.Pick(e.state.Choice.Q[a], rng.Float64()))
	}
}

// learnChoices moves the probabilities of categories towards those of the better individuals, which have weights w.
func (e *strategy) learnChoices(ranked []trial, w []float64) {
	c := e.state.Choice
	if c == nil {
		return
	}
	// The natural gradient, and its coordinates in which the Fisher metric is the Euclidean one.
	gradient, flat := make([][]float64, len(c.Q)), make([]float64, 0, len(c.S))
	for a, i := range e.choices {
		q := c.Q[a]
		g := make([]float64, len(q))
		for rank, wi := range w {
			g[int(ranked[rank].X[i])] += wi
			floats.AddScaled(g, -wi, q)
		}
		end := len(q) - 1
		rest := floats.Sum(g[:end]) / (q[end] + math.Sqrt(q[end]))
		for v := range end {
			flat = append(flat, g[v]/math.Sqrt(q[v])+rest*math.Sqrt(q[v]))
		}
		gradient[a] = g
	}
	length := floats.Norm(flat, 2)
	if length == 0 {
		return
	}
	beta := 1 / (c.Delta * math.Sqrt(float64(len(c.S))))
	for a, q := range c.Q {
		floats.AddScaled(q, 1/(c.Delta*length), gradient[a])
		// Each category keeps a probability such that three of four individuals have the likeliest category everywhere, at most.
		spread(q, (1-math.Pow(0.73, 1/float64(len(c.Q))))/float64(len(q)-1))
	}
	floats.Scale(1-beta, c.S)
	floats.AddScaled(c.S, math.Sqrt(beta*(2-beta))/length, flat)
	c.Gamma = (1-beta)*(1-beta)*c.Gamma + beta*(2-beta)
	c.Delta *= math.Exp(beta * (c.Gamma - floats.Dot(c.S, c.S)/1.5))
}

// spread changes q to probabilities of at least least each.
func spread(q []float64, least float64) {
	for v := range q {
		q[v] = max(q[v], least)
	}
	total, floor := floats.Sum(q), least*float64(len(q))
	for v := range q {
		q[v] = least + (q[v]-least)*(1-floor)/(total-floor)
	}
}

func (c *choiceState) fits(like *choiceState) bool {
	if c == nil || like == nil {
		return c == like
	}
	return len(c.S) == len(like.S) && slices.EqualFunc(c.Q, like.Q, func(a, b codec.Vector) bool { return len(a) == len(b) })
}
