package l2l

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Answer is the point that a search has found: where evaluations are not noisy the best that was told, else the winner of the finals.
type Answer struct {
	Finalist
	Fitness codec.Vector // as it was told; nil where the point was not told
	Basis   Basis
	Of      int       // finalists that it has won against, itself included; 0 without finals
	Anew    *Measured // by evaluations anew, on which nothing was chosen; nil where there are none
	Test    *Measured // on the instances of the test; nil where there are none
}

// Basis says why a point is the answer.
type Basis string

// The bases, from the surest one on.
const (
	Exact    Basis = "exact"    // it is the best told, and nothing suggests noise
	Finished Basis = "finals"   // it has won the finals
	Cut      Basis = "cut"      // it leads finals that were cut short
	Untested Basis = "untested" // evaluations are noisy, and it was not evaluated anew: the best guess
)

// Confidence is the probability with which the interval of a Measured holds the true mean.
const Confidence = 0.95

// Measured is what a point's fitness was found to be: statistics of fitness values, objective by objective.
type Measured struct {
	Mean        codec.Vector // nil if all failed
	Error       codec.Vector // standard error of the mean; nil of fewer than two values, as are Low and High
	Low, High   codec.Vector // the interval, by Student's distribution
	Count       int          // fitness values, without those that failed
	Failed      int          // those that failed
	Evaluations int64
	Instances   Instances // of a test; nil otherwise
}

// Answer is the answer as things stand; nil before the first success, and where there is a front.
func (s *Search) Answer() *Answer {
	best := s.s.Best
	if best == nil || !s.single() {
		return nil
	}
	told := &Answer{Finalist: Finalist{BestTold, best.Individual.ID, best.Individual.X}, Fitness: best.Fitness, Basis: Exact}
	f := s.s.Finals
	switch {
	case f != nil && len(f.Finalists) > 0:
		winner := f.Finalists[f.winner(s)]
		a := &Answer{Finalist: winner.Finalist, Of: len(f.Finalists), Basis: Finished}
		switch {
		case !s.Noisy():
			a.Basis = Exact
		case len(winner.Measured) == 0 && f.Stage != Measure && len(winner.Raced) == 0:
			a.Basis = Untested
		case f.Stage == Race || f.Stage == Measure:
			a.Basis = Cut
		}
		if a.Told == best.Individual.ID {
			a.Fitness = best.Fitness
		} else if i := slices.IndexFunc(s.s.Elites, func(e Best) bool { return e.Individual.ID == a.Told }); i >= 0 {
			a.Fitness = s.s.Elites[i].Fitness
		}
		a.Anew = s.measured(winner.Measured, int64(s.PerIndividual()))
		if a.Test = s.measured(f.Tested, int64(s.rules.Replicates)); a.Test != nil {
			a.Test.Instances = s.rules.Test.Instances[:len(f.Tested)]
		}
		return a
	case s.Noisy():
		if points := s.recommended(); len(points) > 0 && !slices.Equal(points[0], best.Individual.X) {
			return &Answer{Finalist: Finalist{Recommended, -1, points[0]}, Basis: Untested}
		}
		told.Basis = Untested
	}
	return told
}

// measured are the statistics of fitness values, each of so many evaluations; nil of none.
func (s *Search) measured(values []codec.Vector, each int64) *Measured {
	if len(values) == 0 {
		return nil
	}
	m := &Measured{Evaluations: int64(len(values)) * each}
	values = slices.DeleteFunc(slices.Clone(values), func(v codec.Vector) bool { return v == nil })
	m.Count = len(values)
	m.Failed = int(m.Evaluations/each) - m.Count
	if m.Count == 0 {
		return m
	}
	n := float64(m.Count)
	for k := range s.rules.Objectives {
		column := make([]float64, m.Count)
		for i, v := range values {
			column[i] = v[k]
		}
		mean, deviation := stat.MeanStdDev(column, nil)
		m.Mean = append(m.Mean, mean)
		if m.Count > 1 {
			e := deviation / math.Sqrt(n)
			reach := e * (distuv.StudentsT{Sigma: 1, Nu: n - 1}).Quantile((1+Confidence)/2)
			m.Error, m.Low, m.High = append(m.Error, e), append(m.Low, mean-reach), append(m.High, mean+reach)
		}
	}
	return m
}

// Stage is the part of the finals that is under way, with the number of finalists that are left, and that there were; "" while the search goes on, and
// once they are over.
func (s *Search) Stage() (stage Stage, left, of int) {
	f := s.s.Finals
	if f == nil || f.Stage == "" {
		return "", 0, 0
	}
	for _, m := range f.Finalists {
		if !m.Out {
			left++
		}
	}
	if f.Stage != Race {
		left = 1
	}
	return f.Stage, left, len(f.Finalists)
}
