package process

import (
	"cmp"
	"errors"
	"slices"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Search is a search by generations: the program is asked for a generation as a whole, and told of it as a whole, in the order of the IDs.
type Search struct {
	conversation
	number  int         // generations completed
	queue   [][]float64 // points that the program has proposed and nobody has asked for yet
	asked   int         // members of the present generation that were asked, without those that were replaced
	members []*result   // those of them that were told
}

var (
	_ optimizer.Recaller = (*Search)(nil)
	_ optimizer.Recaller = (*AsyncSearch)(nil)
)

// Ask implements optimizer.Optimizer.
func (s *Search) Ask(most int) ([]optimizer.Candidate, error) {
	if missing := s.par.PopSize - s.asked; len(s.queue) == 0 && missing > 0 && s.stop == "" {
		// The first members of a generation, or further ones in the place of those that failed, or that the program did not live to propose.
		var err error
		if s.queue, err = s.ask(missing); err != nil {
			return nil, err
		}
		if err := s.complete(); err != nil {
			return nil, err
		}
	}
	n := len(s.queue)
	if most > 0 {
		n = min(n, most)
	}
	out := s.propose(s.queue[:n])
	s.queue = s.queue[n:]
	s.asked += n
	return out, nil
}

// Recall implements optimizer.Recaller.
func (s *Search) Recall(proposed []optimizer.Candidate) error {
	if len(s.queue) > 0 {
		return errors.New("optimizer: process: individuals are recalled, but the program has already been asked for others")
	}
	if err := s.recall(proposed); err != nil {
		return err
	}
	s.asked += len(proposed)
	return nil
}

// Tell implements optimizer.Optimizer.
func (s *Search) Tell(evs []optimizer.Evaluated) error {
	results, err := s.checked(evs)
	if err != nil {
		return err
	}
	for _, r := range results {
		s.take(r)
		s.members = append(s.members, r)
	}
	return s.complete()
}

// complete tells the program of the generation, once it is complete: all its members have been told, and there are as many as there should be
// or the program has no more.
func (s *Search) complete() error {
	if len(s.open) > 0 || len(s.queue) > 0 || len(s.members) == 0 {
		return nil
	}
	if s.stop == "" {
		s.members = slices.DeleteFunc(s.members, func(m *result) bool { return m.replace })
		if s.asked = len(s.members); s.asked < s.par.PopSize {
			return nil
		}
	}
	slices.SortFunc(s.members, func(a, b *result) int { return cmp.Compare(a.ID, b.ID) })
	r := &tellRequest{Results: s.members}
	s.asked, s.members = 0, nil
	s.number++
	s.books.Front.Prune(optimizer.MaxFront)
	_, err := s.request(r)
	return err
}

// Status implements optimizer.Optimizer.
func (s *Search) Status() optimizer.Status {
	st := s.status()
	st.Generation = s.number
	return st
}

// AsyncSearch is a search without generations: the program is asked for one individual at a time and told of each as it comes, so that how
// calls group them does not matter.
type AsyncSearch struct{ conversation }

// Asynchronous implements optimizer.Asynchronous.
func (s *AsyncSearch) Asynchronous() {}

var _ optimizer.Asynchronous = (*AsyncSearch)(nil)

// Ask implements optimizer.Optimizer.
func (s *AsyncSearch) Ask(most int) ([]optimizer.Candidate, error) {
	var out []optimizer.Candidate
	for len(out) < max(most, 1) && s.stop == "" {
		points, err := s.ask(1)
		if err != nil {
			return nil, err
		}
		out = append(out, s.propose(points)...)
	}
	return out, nil
}

// Recall implements optimizer.Recaller.
func (s *AsyncSearch) Recall(proposed []optimizer.Candidate) error { return s.recall(proposed) }

// Tell implements optimizer.Optimizer.
func (s *AsyncSearch) Tell(evs []optimizer.Evaluated) error {
	results, err := s.checked(evs)
	if err != nil {
		return err
	}
	for _, r := range results {
		s.take(r)
		s.books.Front.Prune(2 * optimizer.MaxFront)
		if _, err := s.request(&tellRequest{Results: []*result{r}}); err != nil {
			return err
		}
	}
	return nil
}

// Status implements optimizer.Optimizer.
func (s *AsyncSearch) Status() optimizer.Status {
	st := s.status()
	st.Generation = int(s.books.Told / int64(s.par.PopSize))
	return st
}
