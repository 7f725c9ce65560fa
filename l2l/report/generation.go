package report

import (
	"iter"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// Generation is how far a run was when its optimizer had completed a generation.
type Generation struct {
	Generation  int          // generations completed
	Evaluations int64        // that had ended for good
	Best        codec.Vector // the best fitness so far, objective by objective (see Generations); nil before the first success
	Names       []string     // of the figures that the optimizer tells of itself: its step size, say
	Figures     codec.Vector // len(Names)
}

// Generations are those completed so far; without figures for runs of versions that recorded none. The best fitness is that of the best
// individual, or, of several objectives that are not added up, the best of each objective by itself.
func (r *Run) Generations() iter.Seq2[Generation, error] {
	return func(yield func(Generation, error) bool) {
		so := top{n: 1}
		var each codec.Vector // the best of each objective
		evaluations, last := int64(0), 0
		for s, err := range r.Steps() {
			if err != nil {
				yield(Generation{}, err)
				return
			}
			row := Generation{Evaluations: evaluations}
			switch e := s.Event.(type) {
			case l2l.Figures:
				row = Generation{Generation: e.Generation, Evaluations: e.Evaluations, Names: e.Names, Figures: e.Values}
			case l2l.Asked:
				if len(e.Individuals) > 0 && e.Individuals[0].Lane == 0 { // those of a lane are not the search's
					row.Generation = e.Individuals[0].Generation // later than that of the last figures only where there are none
				}
			}
			if row.Generation > last {
				last, row.Best = row.Generation, slices.Clone(each)
				if !yield(row, nil) {
					return
				}
			}
			if s.Ended != nil && s.Ended.Final {
				evaluations++
			}
			if s.Told != nil {
				so.take(*s.Told, &r.Begun.Rules)
				each = bestEach(each, so.best, *s.Told, &r.Begun.Rules)
			}
		}
	}
}

// bestEach is the best fitness so far, objective by objective, with one more individual; so is the best individual, if there is one.
func bestEach(each codec.Vector, so []Individual, i Individual, rules *l2l.Rules) codec.Vector {
	switch {
	case len(so) == 0:
		return nil
	case rules.Sum:
		return so[0].Fitness
	case each == nil:
		return slices.Clone(so[0].Fitness)
	case i.Failed():
		return each
	}
	before, now := l2l.Losses(each, rules.Objectives), l2l.Losses(i.Fitness, rules.Objectives)
	for k := range each {
		if now[k] < before[k] {
			each[k] = i.Fitness[k]
		}
	}
	return each
}
