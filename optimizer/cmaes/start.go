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
	s.Run, s.Sigma, s.Updates, s.Past, s.Average, s.Penalty = run, run.Sigma, 0, pastLosses{}, kit.Average{}, penaltyState{}
	s.Mean, s.Pc, s.Ps = make([]float64, n), make([]float64, n), make([]float64, n)
	s.Shape = newShape(e.par.Covariance, n)
	e.k = e.constants(run.PopSize)
	s.Stretch, s.Choice, s.Rates = e.newStretch(), e.newChoice(), nil
	if e.par.AdaptRates {
		s.Rates = newLearningRates(n)
	}
	if s.Sizing = nil; e.chain == growing && e.par.Covariance == "full" && !e.par.AdaptRates {
		s.Sizing = newSizing(n, run.PopSize)
	}
	if s.Noise = nil; e.problem.Noisy && e.par.Noise == grow && e.chain == byRestarts && !e.par.AdaptRates {
		s.Noise = &disturbance{Least: run.PopSize, Size: float64(run.PopSize)}
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

// warmStart begins the first run where known solutions are good, and proposes those first that have no loss. The distribution is that of the good
// part of them, the best tenth, or, where that is less, of 3 n and half of all. If these are 2 n at least, they tell how far they are spread, and in which
// directions: so the search goes on at the scale that the one before it had come to. Fewer tell too little; around them there is a mixture of
// normals of deviation 0.1 (Nomura, Watanabe, Akimoto, Ozaki and Onishi 2021, Warm Starting CMA-ES for Hyperparameter Optimization, AAAI, section 4).
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
	n := len(e.ordered)
	best := solutions[:max((len(solutions)+9)/10, min(len(solutions)/2, 3*n))]
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
	for _, u := range around {
		floats.Sub(u, s.Mean)
	}
	s.Sampling = false
	if len(best) < 2*n || !e.spread(around, 0) {
		e.spread(around, 0.1)
	}
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

// spread gives the distribution the covariance of steps from its mean, to which it adds a variance of prior² in each coordinate; it reports whether
// that is a covariance to search with. A coordinate in which all steps are 0, as on a bound, gets the geometric mean of the others' variances.
func (e *strategy) spread(steps [][]float64, prior float64) bool {
	s, n, share := &e.state, len(e.ordered), 1/float64(len(steps))
	logs, known := 0.0, 0
	var still []int
	for j := range n {
		v := prior * prior
		for _, u := range steps {
			v += share * u[j] * u[j]
		}
		if v < 1e-24 { // less than tol_x, and apart from rounding nothing
			still = append(still, j)
			continue
		}
		logs += math.Log(v) / 2
		known++
	}
	if known == 0 {
		return false
	}
	s.Sigma = math.Exp(logs / float64(known))
	l := lesson{
		decay: prior * prior / (s.Sigma * s.Sigma), steps: slices.Clone(steps), weights: slices.Repeat([]float64{share / (s.Sigma * s.Sigma)}, len(steps)),
		path: make([]float64, n), white: make([]float64, n),
	}
	for _, j := range still {
		unit := make([]float64, n)
		unit[j] = 1
		l.steps, l.weights = append(l.steps, unit), append(l.weights, 1)
	}
	s.Shape = newShape(e.par.Covariance, n)
	return s.Shape.model().learn(l, &constants{cm: 1, lazy: 1}) == ""
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
