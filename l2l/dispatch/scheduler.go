package dispatch

import (
	"cmp"
	"maps"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// scheduler decides which rank evaluates what, for the pull schedule. It does no input or output and reads no clock.
//
// Ranks are kept fed with guided chunks: a rank gets more when it has little left, as much as fills its slots for a few milliseconds,
// and towards the end of the queue less, so that the last evaluations are spread over all. Evaluations of 50 ms and more are
// never sent ahead: one that waits behind a straggler is a straggler itself.
type scheduler struct {
	queue []l2l.Evaluation
	ranks []rankState // by rank; those without slots get nothing
	mean  float64     // seconds per evaluation, a running average; 0 before the first
}

type rankState struct {
	slots int
	held  map[key]l2l.Evaluation // sent and not answered
}

// key identifies an evaluation among those under way.
type key struct {
	individual          int64
	instance, replicate int
}

func keyOf(e l2l.Evaluation) key   { return key{e.Individual, e.Instance, e.Replicate} }
func keyOfResult(r l2l.Result) key { return key{r.Individual, r.Instance, r.Replicate} }

func newScheduler(slots []int) *scheduler {
	s := &scheduler{ranks: make([]rankState, len(slots))}
	for i, n := range slots {
		s.ranks[i] = rankState{n, map[key]l2l.Evaluation{}}
	}
	return s
}

// The times that make a schedule, in seconds.
const (
	longEvaluation = 50e-3 // from here on nothing is sent ahead
	queueAhead     = 2e-3  // work that a slot has waiting, if evaluations are short
	maxAhead       = 512   // evaluations that a slot has waiting at most
)

// ahead is the number of evaluations that a rank holds per slot.
func (s *scheduler) ahead() int {
	switch {
	case s.mean == 0 || s.mean >= longEvaluation:
		return 1
	case s.mean < queueAhead/maxAhead:
		return maxAhead
	}
	return 2 + int(queueAhead/s.mean)
}

// capacity is the number of evaluations that all ranks together can hold.
func (s *scheduler) capacity() int {
	n := 0
	for _, r := range s.ranks {
		n += r.slots * s.ahead()
	}
	return max(n, 1)
}

// outstanding is the number of evaluations that are queued or held.
func (s *scheduler) outstanding() int {
	n := len(s.queue)
	for _, r := range s.ranks {
		n += len(r.held)
	}
	return n
}

// add queues evaluations.
func (s *scheduler) add(es []l2l.Evaluation) { s.queue = append(s.queue, es...) }

// next takes the next chunk from the queue and says which rank is to have it. There is none if the queue is empty or all ranks have enough.
// The rank with the least work per slot is served first, of equals the first.
func (s *scheduler) next() (rank int, chunk []l2l.Evaluation) {
	if len(s.queue) == 0 {
		return 0, nil
	}
	ahead, best, working := s.ahead(), -1, 0
	for i, r := range s.ranks {
		if r.slots == 0 {
			continue
		}
		working++
		if len(r.held) >= r.slots && 2*len(r.held) > r.slots*ahead || len(r.held) >= r.slots*ahead {
			continue // its slots are busy, and more than half of what it may have waiting is there
		}
		if best < 0 || len(r.held)*s.ranks[best].slots < len(s.ranks[best].held)*r.slots {
			best = i
		}
	}
	if best < 0 {
		return 0, nil
	}
	r := &s.ranks[best]
	n := min(max(r.slots-len(r.held), (len(s.queue)+2*working-1)/(2*working), 1), r.slots*ahead-len(r.held), len(s.queue))
	chunk = s.queue[:n:n]
	s.queue = s.queue[n:]
	for _, e := range chunk {
		r.held[keyOf(e)] = e
	}
	return best, chunk
}

// done takes a rank's result in. It reports false for one that the rank does not owe: a late answer to what was given up.
func (s *scheduler) done(rank int, r l2l.Result) bool {
	held := s.ranks[rank].held
	if e, ok := held[keyOfResult(r)]; !ok || e.Attempt != r.Attempt {
		return false
	}
	delete(held, keyOfResult(r))
	s.mean = average(s.mean, r.Seconds)
	return true
}

// lost gives a rank up and returns what it held.
func (s *scheduler) lost(rank int) []l2l.Evaluation {
	es := slices.SortedFunc(maps.Values(s.ranks[rank].held), func(a, b l2l.Evaluation) int {
		return cmp.Or(cmp.Compare(a.Individual, b.Individual), cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Replicate, b.Replicate))
	})
	s.ranks[rank] = rankState{}
	return es
}
