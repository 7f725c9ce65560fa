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
	number  int               // generations completed
	queue   [][]float64       // points that the program has proposed and nobody has asked for yet
	members []*result         // of the present generation: individuals that were asked, without those that were replaced
	open    map[int64]*result // members that were not told
}

var (
	_ optimizer.Recaller = (*Search)(nil)
	_ optimizer.Recaller = (*AsyncSearch)(nil)
)

// Ask implements optimizer.Optimizer.
func (s *Search) Ask(most int) ([]optimizer.Candidate, error) {
	if missing := s.par.PopSize - len(s.members); len(s.queue) == 0 && missing > 0 && s.stop == "" {
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
	out := make([]optimizer.Candidate, n)
	for i, x := range s.queue[:n] {
		out[i] = optimizer.Candidate{ID: s.next, X: x}
		s.next++
	}
	s.queue = s.queue[n:]
	s.join(out)
	return out, nil
}

// join adds individuals to the generation.
func (s *Search) join(candidates []optimizer.Candidate) {
	for _, c := range candidates {
		m := &result{ID: c.ID, X: c.X}
		s.members = append(s.members, m)
		s.open[c.ID] = m
	}
}

// Recall implements optimizer.Recaller.
func (s *Search) Recall(proposed []optimizer.Candidate) error {
	if len(s.queue) > 0 {
		return errors.New("optimizer: process: individuals are recalled, but the program has already been asked for others")
	}
	if err := s.recall(proposed); err != nil {
		return err
	}
	s.join(proposed)
	return nil
}

// Tell implements optimizer.Optimizer.
func (s *Search) Tell(evs []optimizer.Evaluated) error {
	results, err := s.checked(evs, func(id int64) ([]float64, bool) {
		m, ok := s.open[id]
		if !ok {
			return nil, false
		}
		return m.X, true
	})
	if err != nil {
		return err
	}
	for _, r := range results {
		*s.open[r.ID] = r
		delete(s.open, r.ID)
		s.take(&r)
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
	}
	if len(s.members) < s.par.PopSize && s.stop == "" {
		return nil
	}
	r := &tellRequest{}
	for _, m := range s.members {
		r.Results = append(r.Results, *m)
	}
	slices.SortFunc(r.Results, func(a, b result) int { return cmp.Compare(a.ID, b.ID) })
	s.members = nil
	s.number++
	if len(s.front) > maxFront {
		s.front = optimizer.Spread(s.front, maxFront)
	}
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
type AsyncSearch struct {
	conversation
	open map[int64][]float64 // points of individuals that were not told
}

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
		for _, x := range points {
			out = append(out, optimizer.Candidate{ID: s.next, X: x})
			s.open[s.next] = x
			s.next++
		}
	}
	return out, nil
}

// Recall implements optimizer.Recaller.
func (s *AsyncSearch) Recall(proposed []optimizer.Candidate) error {
	if err := s.recall(proposed); err != nil {
		return err
	}
	for _, c := range proposed {
		s.open[c.ID] = c.X
	}
	return nil
}

// Tell implements optimizer.Optimizer.
func (s *AsyncSearch) Tell(evs []optimizer.Evaluated) error {
	results, err := s.checked(evs, func(id int64) (x []float64, ok bool) { x, ok = s.open[id]; return x, ok })
	if err != nil {
		return err
	}
	for _, r := range results {
		delete(s.open, r.ID)
		s.take(&r)
		if len(s.front) > 2*maxFront {
			s.front = optimizer.Spread(s.front, maxFront)
		}
		if _, err := s.request(&tellRequest{Results: []result{r}}); err != nil {
			return err
		}
	}
	return nil
}

// Status implements optimizer.Optimizer.
func (s *AsyncSearch) Status() optimizer.Status {
	st := s.status()
	st.Generation = int(s.told / int64(s.par.PopSize))
	return st
}
