package mcmc

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// walker is the state of a Markov chain over the problem's box.
type walker struct {
	X    codec.Vector
	Loss float64
	Step float64 // standard deviation of its proposals, as a fraction of each coordinate's width
}

// walkers makes n of them at the best individuals of a sample, sorted by loss; at all of it, again and again, if it is smaller.
func walkers(sample []kit.Ranked, n int, step float64) []walker {
	ws := make([]walker, n)
	for i := range ws {
		at := sample[i%len(sample)]
		ws[i] = walker{X: slices.Clone(at.X), Loss: at.Loss, Step: step}
	}
	return ws
}

// propose returns a random point near X. Proposals are symmetric: y is proposed from x as often as x from y. So numbers are reflected at
// their bounds, not clipped. Of all coordinates one is drawn; if it is a whole number, it moves by one at least, and if it is categorical,
// to any other choice, so that the chain does not stand still where it has no continuous coordinates. The other categorical ones stay.
func (w *walker) propose(problem optimizer.Problem, rng *rand.Rand) []float64 {
	y := slices.Clone(w.X)
	always := rng.IntN(len(y))
	for i, c := range problem.Coords {
		step := w.Step * c.Width() * rng.NormFloat64()
		switch {
		case c.Kind == optimizer.Continuous:
			y[i] = c.Clip(reflected(y[i]+step, c.Lower, c.Upper)) // clipped only where rounding has left the box
		case c.Kind == optimizer.Integer:
			step = math.Round(step)
			if i == always && step == 0 {
				step = float64(2*rng.IntN(2) - 1)
			}
			y[i] = c.Clip(reflected(y[i]+step, c.Lower-0.5, c.Upper+0.5))
		case i == always:
			y[i] = math.Mod(y[i]+1+float64(rng.IntN(int(c.Upper))), c.Upper+1)
		}
	}
	return y
}

// reflected folds x into [lower, upper], one or both of which may be infinite.
func reflected(x, lower, upper float64) float64 {
	if !math.IsInf(lower, 0) && !math.IsInf(upper, 0) {
		return lower + math.Abs(math.Remainder(x-lower, 2*(upper-lower)))
	}
	if x < lower {
		return 2*lower - x
	}
	if x > upper {
		return 2*upper - x
	}
	return x
}

// judge lets the walker go to the individual that it has proposed, or not, at a temperature in units of the loss, and adapts its step so that
// in the long run proposals are accepted as often as is best for a normal distribution: 0.44 in one dimension, 0.234 in many (Gelman, Roberts
// and Gilks 1996, Efficient Metropolis Jumping Rules). gain is how far log Step follows one decision.
func (w *walker) judge(m kit.Member, temperature, gain float64, rng *rand.Rand) (accepted bool) {
	if !m.Failed && kit.Metropolis(rng, m.Loss[0]-w.Loss, temperature) {
		w.X, w.Loss, accepted = slices.Clone(m.X), m.Loss[0], true
	}
	towards := -(0.234 + 0.206/float64(len(w.X)))
	if accepted {
		towards++
	}
	w.Step = min(max(w.Step*math.Exp(gain*towards), 1e-12), 1)
	return accepted
}
