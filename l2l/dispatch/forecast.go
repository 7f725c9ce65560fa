package dispatch

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// forecast guesses how long evaluations take, from how long others took: the logarithm of the time is a mean for the instance and a polynomial
// in each coordinate of the point. It is used only where it has shown that it guesses better than a mean does. All logarithms are natural, of
// seconds.
type forecast struct {
	seen  []timed // the last ones, a ring
	next  int     // the oldest, once the ring is full
	fresh int     // since the last fit
	at    time.Time
	fit   *fit // nil before the first

	level   float64 // a running mean
	n       int     // that it has seen, up to longMemory
	err     float64 // running means of the squared errors: of what was guessed,
	base    float64 // and of the level
	guesses int     // that these are made of, up to longMemory
}

// timed is an evaluation with the logarithm of its time.
type timed struct {
	instance int
	x        []float64
	log      float64
}

// The numbers that make a forecast.
const (
	window     = 512                    // evaluations that a fit learns from: a search moves on
	longMemory = 64                     // evaluations over which running means forget
	enough     = 32                     // evaluations before the first fit, and guesses before they are trusted
	skilful    = 0.1                    // part of the variance that guesses have to explain
	curvedUpTo = 32                     // coordinates that have a square each
	fittedUpTo = 128                    // coordinates that have a slope each: what a fit costs grows with their square
	fitEvery   = 200 * time.Millisecond // between two fits, each of which takes a millisecond or so
)

// known reports whether there is anything to guess from.
func (f *forecast) known() bool { return f.n > 0 }

// predicts reports whether guesses have shown to be better than a mean.
func (f *forecast) predicts() bool {
	return f.fit != nil && f.guesses >= enough && f.err < (1-skilful)*f.base
}

// guess is the logarithm of the time that an evaluation may take.
func (f *forecast) guess(e *l2l.Evaluation) float64 {
	if f.fit == nil {
		return f.level
	}
	return f.fit.at(e)
}

// best is the better of the guess, made before, and the level.
func (f *forecast) best(guess float64) float64 {
	if f.predicts() {
		return guess
	}
	return f.level
}

// learn takes in how long an evaluation took for which there was a guess.
func (f *forecast) learn(e *l2l.Evaluation, guess, log float64) {
	forget := func(mean *float64, n int, value float64) { *mean += (value - *mean) / float64(n) }
	if f.fit != nil && f.n > 0 {
		f.guesses = min(f.guesses+1, longMemory)
		forget(&f.err, f.guesses, (log-guess)*(log-guess))
		forget(&f.base, f.guesses, (log-f.level)*(log-f.level))
	}
	f.n = min(f.n+1, longMemory)
	forget(&f.level, f.n, log)
	f.fresh++
	t := timed{e.Instance, e.X, log}
	if len(f.seen) < window {
		f.seen = append(f.seen, t)
		return
	}
	f.seen[f.next] = t
	f.next = (f.next + 1) % window
}

// refit learns from what was seen, unless it has done so just before.
func (f *forecast) refit(now time.Time) {
	if len(f.seen) < enough || f.fresh < enough/2 || f.fit != nil && now.Sub(f.at) < fitEvery {
		return
	}
	if next := newFit(f.seen); next != nil {
		f.fit, f.fresh, f.at = next, 0, now
	}
}

// sort puts the evaluations that may take longest first.
func (f *forecast) sort(es []l2l.Evaluation) {
	type ranked struct {
		l2l.Evaluation
		guess float64
	}
	all := make([]ranked, len(es))
	for i := range es {
		all[i] = ranked{es[i], f.guess(&es[i])}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(b.guess, a.guess) })
	for i, r := range all {
		es[i] = r.Evaluation
	}
}

// fit is a least-squares fit of logarithms of times.
type fit struct {
	mean        float64
	instances   map[int]float64 // above the mean
	centre      []float64       // of the coordinates that have a slope
	scale       []float64       // their standard deviations; 0 for one that does not vary
	weights     []float64       // a slope for each coordinate, and then perhaps a square
	curved      bool
	least, most float64 // that were seen
}

// newFit fits what was seen; nil where that cannot be.
func newFit(seen []timed) *fit {
	n, d := len(seen), len(seen[0].x)
	f := &fit{instances: map[int]float64{}, least: math.Inf(1), most: math.Inf(-1), curved: d <= curvedUpTo}
	if d > fittedUpTo {
		d = 0
	}
	count := map[int]int{}
	f.centre, f.scale = make([]float64, d), make([]float64, d)
	for _, t := range seen {
		f.mean += t.log / float64(n)
		f.least, f.most = min(f.least, t.log), max(f.most, t.log)
		f.instances[t.instance] += t.log
		count[t.instance]++
		for j := range f.centre {
			f.centre[j] += t.x[j] / float64(n)
		}
	}
	for i, c := range count { // as if there were one more, at the mean
		f.instances[i] = (f.instances[i]+f.mean)/float64(c+1) - f.mean
	}
	if d == 0 {
		return f
	}
	for _, t := range seen {
		for j := range f.centre {
			f.scale[j] += (t.x[j] - f.centre[j]) * (t.x[j] - f.centre[j]) / float64(n)
		}
	}
	for j := range f.scale {
		f.scale[j] = math.Sqrt(f.scale[j])
	}
	p := d
	if f.curved {
		p = 2 * d
	}
	rows, y := mat.NewDense(n, p, nil), mat.NewVecDense(n, nil)
	for i, t := range seen {
		f.features(t.x, rows.RawRowView(i))
		y.SetVec(i, t.log-f.mean-f.instances[t.instance])
	}
	normal := mat.NewSymDense(p, nil)
	normal.SymOuterK(1, rows.T())
	for j := range p {
		normal.SetSym(j, j, normal.At(j, j)+1) // a ridge, as of one observation without a slope
	}
	var right, weights mat.VecDense
	right.MulVec(rows.T(), y)
	var chol mat.Cholesky
	if !chol.Factorize(normal) || chol.SolveVecTo(&weights, &right) != nil {
		return nil // not a number is among the coordinates, say
	}
	f.weights = weights.RawVector().Data
	return f
}

// features are what the weights are for.
func (f *fit) features(x, row []float64) {
	d := len(f.centre)
	for j := range d {
		z := 0.0
		if f.scale[j] > 0 {
			z = (x[j] - f.centre[j]) / f.scale[j]
		}
		if row[j] = z; f.curved {
			row[d+j] = z*z - 1
		}
	}
}

// at is the guess for an evaluation, within what was seen.
func (f *fit) at(e *l2l.Evaluation) float64 {
	log := f.mean + f.instances[e.Instance]
	if d := len(f.centre); d > 0 && d <= len(e.X) {
		for j, centre := range f.centre {
			if f.scale[j] == 0 {
				continue
			}
			z := (e.X[j] - centre) / f.scale[j]
			if log += f.weights[j] * z; f.curved {
				log += f.weights[d+j] * (z*z - 1)
			}
		}
	}
	return min(max(log, f.least), f.most)
}
