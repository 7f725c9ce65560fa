package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Step is an event, and what it has brought to an end.
type Step struct {
	Event l2l.Event
	Ended *Evaluation // by a Result
	Told  *Individual // by the last Result of an individual of the search

	// Injected is an individual that somebody has injected, by its last Result. It was not told to the optimizer.
	Injected *Individual
}

// Fold finds out what events bring to an end, one after the other.
type Fold struct {
	rules      *l2l.Rules
	open       map[int64]*waiting
	finalists  []l2l.Finalist
	asked      int64 // individuals
	generation int   // as the last Figures have it
}

// waiting is an individual that waits for results.
type waiting struct {
	l2l.Individual
	final []l2l.Result
	want  int // final results
}

// NewFold makes the fold of the events of a run with these rules.
func NewFold(rules *l2l.Rules) *Fold { return &Fold{rules: rules, open: map[int64]*waiting{}} }

// Step takes the next event in. Individuals that an Asked has but a digest of have no points, and about the generations that they are of. The
// error says of what, in words that follow the name of the run.
func (f *Fold) Step(event l2l.Event) (Step, error) {
	s := Step{Event: event}
	switch e := event.(type) {
	case l2l.Asked:
		individuals := e.Individuals
		if individuals == nil {
			for k := range int64(e.Count) {
				individuals = append(individuals, l2l.Individual{ID: f.asked + k, Generation: f.generation})
			}
		}
		for _, ind := range individuals {
			f.open[ind.ID] = &waiting{Individual: ind, want: f.rules.Evaluations()}
			f.asked = ind.ID + 1
		}
	case l2l.Injected:
		for _, ind := range e.Individuals {
			f.open[ind.ID] = &waiting{Individual: ind, want: f.rules.Evaluations()}
		}
	case l2l.Figures:
		f.generation = e.Generation
	case l2l.Finals:
		if len(e.Finalists) > 0 {
			f.finalists = e.Finalists
		}
		individuals, err := e.Individuals(f.finalists)
		if err != nil {
			return s, fmt.Errorf("has finals that cannot be: %w", err)
		}
		for _, ind := range individuals {
			f.open[ind.ID] = &waiting{Individual: ind, want: e.Each(f.rules)}
		}
	case l2l.Result:
		of := f.open[e.Individual]
		if of == nil {
			return s, fmt.Errorf("has a result for individual %d, which is not awaited", e.Individual)
		}
		if s = f.take(e, of); s.Told == nil {
			break
		}
		delete(f.open, e.Individual)
		switch {
		case e.Individual < 0:
			s.Told = nil // it was not told: the search had ended
		case l2l.IsInjected(e.Individual):
			s.Told, s.Injected = nil, s.Told
		}
	}
	return s, nil
}

// take takes a result in.
func (f *Fold) take(result l2l.Result, of *waiting) Step {
	e := &Evaluation{
		Result: result, Of: of.Individual, Seed: f.rules.SeedOf(of.Individual, result.Instance, result.Replicate),
		Final: result.Ending == l2l.OK || result.Attempt >= f.rules.Retries,
	}
	s := Step{Event: result, Ended: e}
	if e.Final {
		of.final = append(of.final, result)
	}
	if len(of.final) < of.want {
		return s
	}
	slices.SortFunc(of.final, func(a, b l2l.Result) int {
		return cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Replicate, b.Replicate))
	})
	s.Told = &Individual{Individual: of.Individual, Results: of.final, Fitness: f.rules.Judge(of.final)}
	if s.Told.Fitness != nil {
		s.Told.Loss = f.rules.Loss(s.Told.Fitness)
	}
	return s
}
