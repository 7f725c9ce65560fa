package cmaes

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// begin starts a run with a new distribution.
func (e *strategy) begin(run runState) {
	n, s := len(e.ordered), &e.state
	s.Run, s.Sigma, s.Updates, s.Past, s.Average = run, run.Sigma, 0, pastLosses{}, kit.Average{}
	s.Mean, s.Pc, s.Ps = make([]float64, n), make([]float64, n), make([]float64, n)
	s.Shape = newShape(e.par.Covariance, n)
	e.k = newConstants(n, run.PopSize, e.par)
	s.Stretch, s.Choice, s.Rates = e.newStretch(), e.newChoice(), nil
	if e.par.AdaptRates {
		s.Rates = newLearningRates(n)
	}
	rng := rand.New(s.Src)
	for j, i := range e.ordered {
		c := e.problem.Coords[i]
		var x float64
		switch {
		case c.Std > 0 && run.Number > 0:
			x = c.Draw(rng)
		case c.Std > 0:
			x = c.Clip(c.Mean)
		case e.par.Start == "random" || run.Number > 0:
			x = c.Lower + (c.Upper-c.Lower)*(0.1+0.8*rng.Float64())
		default:
			x = (c.Lower + c.Upper) / 2
		}
		s.Mean[j] = x / e.width[j]
	}
	e.keepMargin(s.Shape.model().deviations())
}

// warmStart begins the first run where known solutions are good, and proposes those first that have no loss. The distribution is the one of Nomura,
// Watanabe, Akimoto, Ozaki and Onishi 2021, Warm Starting CMA-ES for Hyperparameter Optimization, AAAI (section 4): a
// mixture of normals of deviation 0.1 around the best tenth.
func (e *strategy) warmStart(known []optimizer.Solution) error {
	solutions, err := kit.NewWarm(known, e.problem)
	if err != nil {
		return err
	}
	s := &e.state
	for len(solutions) > 0 && len(solutions[0].Loss) == 0 {
		s.Known = append(s.Known, solutions[0].X)
		solutions = solutions[1:]
	}
	if len(solutions) == 0 {
		return nil
	}
	const prior = 0.1
	n := len(e.ordered)
	best := solutions[:(len(solutions)+9)/10]
	share := 1 / float64(len(best))
	around := make([][]float64, len(best))
	clear(s.Mean)
	for i, k := range best {
		around[i] = make([]float64, n)
		for j, at := range e.ordered {
			around[i][j] = k.X[at] / e.width[j]
		}
		floats.AddScaled(s.Mean, share, around[i])
	}
	logSigma := 0.0 // of the geometric mean of the deviations
	for _, u := range around {
		floats.Sub(u, s.Mean)
	}
	for j := range n {
		v := prior * prior
		for _, u := range around {
			v += share * u[j] * u[j]
		}
		logSigma += math.Log(v) / float64(2*n)
	}
	s.Sigma, s.Sampling = math.Exp(logSigma), false
	s.Shape = newShape(e.par.Covariance, n)
	s.Shape.model().learn(lesson{
		decay: prior * prior / (s.Sigma * s.Sigma), steps: around, weights: slices.Repeat([]float64{share / (s.Sigma * s.Sigma)}, len(best)),
		path: make([]float64, n), white: make([]float64, n),
	}, &constants{cm: 1, lazy: 1})
	for a, i := range e.choices {
		q := s.Choice.Q[a]
		for _, k := range best {
			q[int(k.X[i])] += 1 / float64(len(q)) // on top of the same for each, for never seen
		}
		floats.Scale(1/floats.Sum(q), q)
	}
	e.keepMargin(s.Shape.model().deviations())
	return nil
}

// injected returns a point that was not drawn, with the step that leads to it.
func (e *strategy) injected(x []float64) trial {
	s := &e.state
	if s.Sampling {
		return trial{X: x, step: step{Run: s.Run.Number}}
	}
	y := make([]float64, len(e.ordered))
	for j, i := range e.ordered {
		y[j] = (x[i]/e.width[j] - s.Mean[j]) / (s.Sigma * e.stretch(j))
	}
	return trial{x, e.shortened(step{Run: s.Run.Number, Y: y})}
}

// shortened completes a step that was not drawn from the present distribution: one that is longer than draws are but seldom would teach too much
// at once, and is cut to that length (Hansen 2011, Injecting External Solutions Into CMA-ES, arXiv:1110.4181, equation 4).
func (e *strategy) shortened(t step) step {
	n := float64(len(t.Y))
	z := slices.Clone(t.Y)
	e.state.Shape.model().whiten(z)
	length := floats.Norm(z, 2)
	if longest := math.Sqrt(n) + 2*n/(n+2); length > longest {
		floats.Scale(longest/length, t.Y)
		length = longest
	}
	t.Norm = length * length
	return t
}
