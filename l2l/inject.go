package l2l

import (
	"errors"
	"fmt"
	"math"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// FirstInjected is the number of the first individual that somebody injects into a run; the next one has the next number. So they do not take numbers
// of the search, and people can tell them.
const FirstInjected = 1_000_000_000_000

// IsInjected reports whether a number is that of an injected individual.
func IsInjected(individual int64) bool { return individual >= FirstInjected }

// Injected says that somebody has points evaluated that no optimizer asked for, beside the search. They are evaluated as those of the search are, and
// may be the best and the answer; their evaluations count. No optimizer is told of them, and they have no part in the trajectory: what is searched
// is the same without them, but for the rules by which it stops.
type Injected struct {
	Individuals []Individual // their Generation is that at which they were given
	By          string       // who gave them
	At          int64        // Unix time in microseconds
}

func (i *Injected) fields() []any { return []any{&i.Individuals, &i.By, &i.At} }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (i Injected) EncodeMsgpack(enc *msgpack.Encoder) error {
	return codec.EncodeRecord(enc, i.fields()...)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (i *Injected) DecodeMsgpack(dec *msgpack.Decoder) error {
	return codec.DecodeRecord(dec, i.fields()...)
}

func (Injected) event() {}

// Order is the event as an order to the run, which it follows from.
func (i Injected) Order() Ordered {
	o := Ordered{Order: "inject", By: i.By, At: i.At}
	switch n := len(i.Individuals); n {
	case 0:
	case 1:
		o.Detail = fmt.Sprintf("individual %d", i.Individuals[0].ID)
	default:
		o.Detail = fmt.Sprintf("individuals %d to %d", i.Individuals[0].ID, i.Individuals[n-1].ID)
	}
	return o
}

// Inject has points evaluated beside the search, and returns their individuals. It is for an Order to call. Its error says why they are not: they are
// more than stop.evaluations leaves, say.
func (l *Loop) Inject(points [][]float64, by string) ([]Individual, error) {
	s := l.Search
	switch per := int64(s.PerIndividual()); {
	case !s.single():
		return nil, errors.New("the run searches for a front, which only its optimizer's individuals are members of")
	case s.finishing():
		return nil, errors.New("the search has ended, and its finalists are being evaluated anew")
	case l.Stop.Evaluations > 0:
		left := l.Stop.Budget(s.given(), int(per), s.reserved(l.Stop.Evaluations))
		if left < int64(len(points)) {
			return nil, fmt.Errorf("%d individuals of %d evaluations each are more than stop.evaluations leaves: %d individuals", len(points), per, left)
		}
	}
	e := Injected{By: by, At: l.Now().UnixMicro()}
	for i, x := range points {
		e.Individuals = append(e.Individuals, Individual{ID: FirstInjected + s.s.Injected + int64(i), Generation: s.Status().Generation, X: x})
	}
	if err := s.inject(e); err != nil {
		return nil, err
	}
	if err := l.happened(e); err != nil {
		return nil, err
	}
	var es []Evaluation
	for _, ind := range e.Individuals {
		es = s.evaluations(es, &ind)
	}
	l.under += len(es)
	l.beside += len(es)
	return e.Individuals, l.Evaluator.Submit(es)
}

// searching is the number of evaluations of the search that are under way, without those beside it.
func (l *Loop) searching() int { return l.under - l.beside }

// count changes the number of evaluations under way by n of an individual.
func (l *Loop) count(individual int64, n int) {
	l.under += n
	if IsInjected(individual) {
		l.beside += n
	}
}

// inject takes injected individuals in.
func (s *Search) inject(e Injected) error {
	if !s.single() || s.finishing() {
		return fmt.Errorf("%w: individuals are injected that cannot be", ErrDiverged)
	}
	for i, ind := range e.Individuals {
		if want := FirstInjected + s.s.Injected + int64(i); ind.ID != want {
			return fmt.Errorf("%w: an injected individual has the number %d, want %d", ErrDiverged, ind.ID, want)
		}
	}
	s.await(e.Individuals, s.PerIndividual())
	s.s.Injected += int64(len(e.Individuals))
	return nil
}

// given is the number of individuals that were asked or injected.
func (s *Search) given() int64 { return s.s.Asked + s.s.Injected }

// tellInjected takes in an injected individual whose evaluations have all ended, if it is among the best.
func (s *Search) tellInjected(o *open) {
	fitness := s.rules.Judge(o.Results)
	if fitness == nil {
		return
	}
	if s.rules.Rotate > 0 {
		s.compare(o.Individual, fitness, s.s.BestAt)
		return
	}
	now := Best{Individual: o.Individual, Fitness: fitness, Loss: s.rules.Loss(fitness)[0]}
	switch {
	case math.IsNaN(now.Loss) || math.IsInf(now.Loss, 0): // to an optimizer it failed
	case s.s.Best == nil:
		s.improve(now, s.Status().Generation)
	case now.Compare(*s.s.Best) < 0:
		s.improve(now, s.s.BestAt) // the search has not become better
	case s.Noisy():
		s.elite(now)
	}
}

// ahead reports whether an injected individual is the best, and better than the best of the search.
func (s *Search) ahead(now Best) bool {
	return s.s.Best != nil && IsInjected(s.s.Best.Individual.ID) && s.s.Best.Compare(now) < 0
}
