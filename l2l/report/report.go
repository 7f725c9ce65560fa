// Package report is what a run says. A [Run] is read from its directory, whether it has ended, is going on, or was killed: its events, its
// evaluations, its individuals with their fitness, its generations, each an iterator of typed rows. A [Result] is how it ended. Both need nothing
// but the directory: the names of parameters and the rules by which results become a fitness are in the journal.
//
// Tables, files and texts are writers over these. What is shown how is decided there, and what is true of the run here.
package report

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
)

// ErrNoRun is returned by Open for a directory that holds no run.
var ErrNoRun = errors.New("holds no run")

// Run is a run as its directory has it. Every iterator reads the journal anew, up to what has been written by then; what a killed or
// running process has written of a last event in part is left out. The last error of an iterator, if any, is that of package journal.
type Run struct {
	Dir   string
	Begun l2l.Begun // the first event, which says what run it is; a resumed one has others

	search func(l2l.Begun) (*l2l.Search, error)
}

// Open opens the run in dir. search makes the search of a run before its first event; it is needed, and called, for a run alone that records
// digests of its individuals, which are then proposed once more. Without it, nil, such a run is an error of the iterators.
func Open(dir string, search func(l2l.Begun) (*l2l.Search, error)) (*Run, error) {
	if !journal.Exists(dir) {
		return nil, fmt.Errorf("%s %w", dir, ErrNoRun)
	}
	r := &Run{Dir: dir, search: search}
	for e, err := range journal.Read(dir, 0) {
		if journal.IsTorn(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		begun, ok := e.Event.(l2l.Begun)
		if !ok {
			return nil, fmt.Errorf("report: the journal of %s does not begin with a configuration", dir)
		}
		r.Begun = begun
		return r, nil
	}
	return nil, fmt.Errorf("report: nothing has happened in the run in %s yet; where it has not just been started, %s tells why", dir, filepath.Join(dir, "logs"))
}

// Events are the run's events, each Asked with its individuals.
func (r *Run) Events() iter.Seq2[l2l.Event, error] {
	return func(yield func(l2l.Event, error) bool) {
		var search *l2l.Search // from the first digest on: what it is asked is what was recorded
		end := int64(0)        // of the events before
		for e, err := range journal.Read(r.Dir, 0) {
			if journal.IsTorn(err) {
				return
			}
			event := e.Event
			if asked, ok := event.(l2l.Asked); ok && err == nil && asked.Digest != nil && search == nil {
				search, err = r.replayed(end)
			}
			if search != nil && err == nil {
				event, err = search.Replay(event)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(event, nil) {
				return
			}
			end = e.End
		}
	}
}

// replayed is the search after the events that end at a byte offset of the journal.
func (r *Run) replayed(end int64) (*l2l.Search, error) {
	if r.search == nil {
		return nil, fmt.Errorf("report: %s has only digests of its individuals, and its optimizer is not known here", r.Dir)
	}
	search, err := r.search(r.Begun)
	if err != nil {
		return nil, err
	}
	for e, err := range journal.Read(r.Dir, 0) {
		if err == nil && e.End > end {
			break
		}
		if err == nil {
			_, err = search.Replay(e.Event)
		}
		if err != nil {
			return nil, err
		}
	}
	return search, nil
}

// Evaluation is an evaluation that has ended, with the individual that it was of.
type Evaluation struct {
	l2l.Result
	Of    l2l.Individual
	Seed  uint64
	Final bool // it is not tried again
}

// Individual is an individual whose evaluations have all ended.
type Individual struct {
	l2l.Individual
	Results []l2l.Result // one for each evaluation, its last attempt; by instance, then replicate
	Fitness codec.Vector // one number per objective; nil if it failed
	Loss    []float64    // what the optimizer was told; nil if it failed
}

// Failed reports whether an evaluation of the individual failed, so that it has no fitness.
func (i Individual) Failed() bool { return i.Fitness == nil }

// Evaluations are those that have ended, attempts that are tried again included, in the order in which they did. Those of finalists, after the search,
// are of individuals with numbers below 0, and those of injected individuals of ones from l2l.FirstInjected on.
func (r *Run) Evaluations() iter.Seq2[Evaluation, error] {
	return func(yield func(Evaluation, error) bool) {
		for s, err := range r.Steps() {
			switch {
			case err != nil:
				yield(Evaluation{}, err)
				return
			case s.Ended != nil && !yield(*s.Ended, nil):
				return
			}
		}
	}
}

// Individuals are those of the search whose evaluations have all ended, failed ones included, in the order in which they did.
func (r *Run) Individuals() iter.Seq2[Individual, error] {
	return func(yield func(Individual, error) bool) {
		for s, err := range r.Steps() {
			switch {
			case err != nil:
				yield(Individual{}, err)
				return
			case s.Told != nil && !yield(*s.Told, nil):
				return
			}
		}
	}
}

// Steps are the events with what they bring to an end: one reading of the journal for whoever wants several of the rows.
func (r *Run) Steps() iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		f := NewFold(&r.Begun.Rules)
		for e, err := range r.Events() {
			var s Step
			if err == nil {
				if s, err = f.Step(e); err != nil {
					err = fmt.Errorf("report: %s %w", r.Dir, err)
				}
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// Best is the individual with the best fitness so far, the first of equals, and where evaluations rotate the best on the last instances: the one that a
// result names. Of several objectives that are not added up it is the one with the best weighted sum. Where evaluations are noisy it is the luckiest;
// see [Run.Answer].
func (r *Run) Best() (Individual, error) {
	best, err := r.Top(1)
	switch {
	case err != nil:
		return Individual{}, err
	case len(best) == 0:
		return Individual{}, fmt.Errorf("report: no individual of %s has been evaluated with success", r.Dir)
	}
	return best[0], nil
}

// Individual is the individual with a number, whether it has been evaluated or not.
func (r *Run) Individual(id int64) (l2l.Individual, error) {
	for e, err := range r.Events() {
		if err != nil {
			return l2l.Individual{}, err
		}
		var individuals []l2l.Individual
		switch e := e.(type) {
		case l2l.Asked:
			individuals = e.Individuals
		case l2l.Injected:
			individuals = e.Individuals
		}
		if i := slices.IndexFunc(individuals, func(ind l2l.Individual) bool { return ind.ID == id }); i >= 0 {
			return individuals[i], nil
		}
	}
	return l2l.Individual{}, fmt.Errorf("%s: no individual %d", r.Dir, id)
}
