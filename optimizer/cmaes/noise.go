package cmaes

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// disturbance is how much of the individuals' order is noise. It is found out as in UH-CMA-ES: some individuals are evaluated twice, and it is seen how far
// apart their two losses rank in the generation (Hansen, Niederberger, Guzzella and Koumoutsakos 2009, A Method for Handling Uncertainty in Evolutionary
// Optimization, doi 10.1109/TEVC.2008.924423). As long as noise has the smaller part in the order, the strategy makes its way as if there were none. Where
// it has the larger one, the population grows until it has not: so the mean of more individuals is taken, over a step that is longer, and what is
// asked of each is no more than one evaluation. What updates of the distribution say of noise cannot be told from what they say of a badly scaled loss, or of
// one with many minima, so that a population that heeds them (sizing) grows where it should not.
//
// The population never falls below that with which the run began. The constants were chosen by measurement (bench/results/noise.txt).
type disturbance struct {
	Least int     // λ at the run's start
	Size  float64 // λ, not rounded
	Part  float64 // of the variance of ranks that is noise: a running mean, about 1 where the order is all noise
	Wait  int     // generations until individuals are evaluated twice again
}

const (
	noiseTarget = 0.6 // part of noise from which on the population grows
	noiseFade   = 0.1 // rate of the running mean, by individual evaluated twice
	noiseSpeed  = 0.5 // of the growth
	twice       = 10  // of so many individuals of a generation one is evaluated twice, of fewer one
	seldom      = 3   // generations, of which one has such individuals while noise has less than half the part from which on the population grows
)

// repeated is the number of individuals of the next generation that are to be evaluated twice.
func (e *strategy) repeated() int {
	d := e.state.Noise
	if d == nil || e.state.Sampling {
		return 0
	}
	if d.Wait--; d.Wait > 0 {
		return 0
	}
	if d.Wait = 1; d.Part < noiseTarget/2 {
		d.Wait = seldom
	}
	return max(1, e.size()/twice)
}

// learn takes in the losses of a generation, and pairs of losses of individuals of it that were evaluated twice.
func (d *disturbance) learn(losses []float64, pairs [][2]float64) {
	n := float64(len(losses))
	if n < 2 {
		return
	}
	sorted := slices.Sorted(slices.Values(losses))
	rank := func(loss float64) float64 { // among equals the middle
		at, _ := slices.BinarySearch(sorted, loss)
		equal := 0
		for at+equal < len(sorted) && sorted[at+equal] == loss {
			equal++
		}
		return float64(at) + float64(equal)/2
	}
	for _, p := range pairs {
		by := rank(p[0]) - rank(p[1])
		d.Part += noiseFade * (by*by/2/(n*n/12) - d.Part)
	}
	d.Size *= math.Exp(noiseSpeed * (d.Part - noiseTarget))
	d.Size = min(max(d.Size, float64(d.Least)), float64(d.Least*mostTimes))
}

// heedNoise closes a generation, of which the last members are the first ones once more: it learns from the pairs, and leaves one member of each, with the
// mean of both losses.
func (o *Search) heedNoise() {
	d := o.state.Noise
	if d == nil || o.state.Sampling {
		return
	}
	all := o.s.Gen.Members
	n := min(o.state.Run.PopSize, len(all))
	members, again := all[:n], all[n:]
	var losses []float64
	for i := range members {
		if !members[i].Failed {
			losses = append(losses, members[i].Loss[0])
		}
	}
	var pairs [][2]float64
	for i := range again {
		a, b := &members[i], &again[i]
		if !a.Failed && !b.Failed && slices.Equal(a.X, b.X) { // one that failed may have been replaced by another
			pairs = append(pairs, [2]float64{a.Loss[0], b.Loss[0]})
			a.Loss = []float64{stat.Mean([]float64{a.Loss[0], b.Loss[0]}, nil)}
		}
	}
	o.s.Gen.Members = members
	d.learn(losses, pairs)
}

// become gives the next generation another population, and the step size that this calls for.
func (e *strategy) become(size int) {
	if size == e.state.Run.PopSize {
		return
	}
	n := len(e.ordered)
	e.learnWith(e.state.Run.PopSize)
	was := stepFor(n, &e.k)
	e.state.Run.PopSize = size
	e.k = e.constants(size)
	e.state.Sigma *= stepFor(n, &e.k) / was
}
