package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/table"
)

// scheduler decides which rank evaluates what. It does no input or output and reads no clock: it is told the time. What it does for a result, or for a chunk,
// takes a time that grows with the logarithm of the number of ranks, and allocates nothing once it has warmed up.
//
// For the pull schedule ranks are kept fed with guided chunks: a rank gets more when it has little left, as much as fills its slots for a
// few milliseconds, and towards the end of the queue less, so that the last evaluations are spread over all. Evaluations of 50 ms and
// more are never sent ahead: one that waits behind a straggler is a straggler itself. For a collective round every rank gets its block.
//
// A slot evaluates what it has in calls. A call has a batch of evaluations while there are enough to fill all slots that have none; otherwise
// these slots share what there is evenly. What a slot does is counted in calls, as a call takes a slot however few evaluations it has.
//
// Where it can be guessed how long evaluations take, those that are queued together are given out in that order, the longest first.
//
// An evaluation may be given to more than one rank: the first result counts. What a lost rank held goes to the others, and what takes suspiciously
// long is copied to a slot that has nothing to do (copies.go).
type scheduler struct {
	queue   []l2l.Evaluation // those from first on wait for a rank
	first   int
	ranks   ranks
	working int                  // ranks with slots
	slots   int                  // of all ranks
	batch   int                  // evaluations of a full call
	calls   *callTimes           // from which batch follows; nil where it is given
	share   int                  // of a slot in what was queued when something was added last
	held    table.Table[holding] // given to ranks that have not answered
	awaited int                  // of those held: without a result yet
	looked  []*holding           // what the results of a message belong to; nil where that is nothing
	read    int                  // a sum over these that nobody uses: to form it brings them near the processor
	spare   []*holding           // to be used again
	now     time.Time            // as it was told last

	forecast forecast
	relays   bool // ranks are relays
	inOrder  bool // evaluations are given out in the order in which they were queued
	copies   copies
	mean     float64 // seconds per evaluation, a running mean; 0 before the first
	n        int     // evaluations that it is made of, up to longMemory
}

// holding is an evaluation that ranks have. What a result is judged by comes first, in 64 bytes, which is as much as a processor fetches at a time.
type holding struct {
	owners     []owner  // that have it and have not answered; almost always one
	one        [1]owner // the memory of one
	guess      float64  // the forecast's when the first one was given it
	answered   bool     // a rank that was an owner has answered
	suspicious bool     // it was copied because it took long
	turns      int32    // calls that its slot had to do when the first one was given it, this one included

	before     *holding // among those that may be copied; nil: it is none
	after      *holding
	since      time.Time // the first one was given it
	evaluation l2l.Evaluation
}

// owner is a rank that has an evaluation.
type owner struct {
	rank int
	call *call // that the evaluation is in; nil for one that is a call by itself
	copy bool  // another rank had it before
}

// call is a call of several evaluations.
type call struct {
	size int
	left int // that have no answer

	seconds float64 // of those that have one
}

func (h *holding) ownedBy(rank int) bool {
	return slices.ContainsFunc(h.owners, func(o owner) bool { return o.rank == rank })
}

// release takes rank off the owners. It reports false if it is none.
func (h *holding) release(rank int) (o owner, ok bool) {
	i := slices.IndexFunc(h.owners, func(o owner) bool { return o.rank == rank })
	if i < 0 {
		return o, false
	}
	o = h.owners[i]
	h.owners = slices.Delete(h.owners, i, i+1)
	return o, true
}

// key identifies an evaluation among those under way.
type key = table.Key

func keyOf(e l2l.Evaluation) key { return keyAt(&e) }

func keyAt(e *l2l.Evaluation) key {
	return key{Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt}
}

func keyOfResult(r *l2l.Result) key {
	return key{Individual: r.Individual, Instance: r.Instance, Replicate: r.Replicate, Attempt: r.Attempt}
}

func newScheduler(slots []int, batch int) *scheduler {
	s := &scheduler{ranks: newRanks(slots), batch: max(batch, 1)}
	if batch == AutoBatch {
		s.calls = &callTimes{}
	}
	for _, n := range slots {
		s.slots += n
		if n > 0 {
			s.working++
		}
	}
	s.copies = newCopies(len(slots))
	return s
}

// The times that make a schedule, in seconds.
const (
	longEvaluation = 50e-3 // from here on nothing is sent ahead
	queueAhead     = 2e-3  // work that a slot has waiting, if evaluations are short
	maxAhead       = 512   // evaluations that a slot has waiting at most
	relaysAhead    = 2     // calls per slot that a relay has waiting beside what its members have
	roundTime      = 0.1   // that a collective round takes, unless a single evaluation takes longer
	foreseeable    = 1e-3  // from here on it is worth while to foresee times
)

// call is about how long a full call takes, in seconds; 0 before the first result.
func (s *scheduler) call() float64 { return s.mean * float64(s.batch) }

// ahead is the number of calls that a rank holds per slot.
func (s *scheduler) ahead() int {
	switch call := s.call(); {
	case call == 0 || call >= longEvaluation:
		return 1
	case call < queueAhead/maxAhead:
		return maxAhead
	case s.relays:
		return 2 + int(queueAhead/call) + relaysAhead
	default:
		return 2 + int(queueAhead/call)
	}
}

// capacity is the number of evaluations that all ranks together can hold.
func (s *scheduler) capacity() int { return max(s.slots*s.ahead(), 1) * s.batch }

// queued is the number of evaluations that wait for a rank.
func (s *scheduler) queued() int { return len(s.queue) - s.first }

// outstanding is the number of evaluations that are queued, or held and have no result yet.
func (s *scheduler) outstanding() int { return s.queued() + s.awaited }

// idle reports whether no rank has anything.
func (s *scheduler) idle() bool { return s.held.Len() == 0 }

// add queues evaluations.
func (s *scheduler) add(es []l2l.Evaluation) {
	if s.first >= len(s.queue)/2 { // so that no more is moved than was taken
		s.queue = s.queue[:copy(s.queue, s.queue[s.first:])]
		s.first = 0
	}
	s.queue = append(s.queue, es...)
	s.share = up(s.queued(), max(s.slots, 1))
	s.settle()
	if s.inOrder || s.mean < foreseeable {
		return
	}
	s.forecast.refit(s.now)
	if s.forecast.predicts() && len(es) > 1 {
		s.forecast.sort(s.queue[len(s.queue)-len(es):])
	}
}

// settle has the size of calls follow from how long they take, if it does.
func (s *scheduler) settle() {
	if s.calls != nil {
		s.batch = s.calls.size(s.share)
	}
}

// take takes the first n evaluations from the queue. They stay as they are until the next add.
func (s *scheduler) take(n int) []l2l.Evaluation {
	es := s.queue[s.first : s.first+n]
	s.first += n
	return es
}

// next takes the next chunk from the queue and gives it to a rank. There is none if the queue is empty or all ranks have enough. The rank
// with the least work per slot is served first, of equals the first. The chunk stays as it is until the next add.
func (s *scheduler) next() (rank int, chunk []l2l.Evaluation) {
	queued, ahead := s.queued(), s.ahead()
	if rank = s.ranks.lightest(); queued == 0 || rank == nobody {
		return 0, nil
	}
	r := s.ranks.load[rank]
	if r.held >= r.slots && 2*r.held > r.slots*ahead || r.held >= r.slots*ahead {
		return 0, nil // its slots are busy, and more than half of what it may have waiting is there; and so it is with the others
	}
	if s.passedOver(rank) {
		return 0, nil // and the others are busy
	}
	calls := r.idle()
	if queued >= s.ranks.free*s.batch {
		full := up(queued, s.batch)
		calls = min(max(calls, up(full, 2*s.working), 1), r.slots*ahead-r.held, full)
		chunk = s.take(min(calls*s.batch, queued))
	} else {
		chunk = s.take(min(calls*up(queued, s.ranks.free), queued))
	}
	s.give(rank, chunk, min(calls, len(chunk)))
	return rank, chunk
}

// up is a divided by b, rounded up.
func up(a, b int) int { return (a + b - 1) / b }

// round is how many evaluations of the queue each rank gets in a collective round, by rank: their shares in proportion to their slots of as
// many as all slots together do in roundTime, but of one call per slot at least.
func (s *scheduler) round() []int {
	each := 1
	if s.mean > 0 {
		each = max(int(min(roundTime/s.call(), float64(s.queued()))), 1)
	}
	n := min(s.queued(), s.slots*each*s.batch)
	shares := make([]int, len(s.ranks.load))
	before, given := 0, 0
	for rank, r := range s.ranks.load {
		before += r.slots
		shares[rank] = n*before/max(s.slots, 1) - given
		given += shares[rank]
	}
	return shares
}

// give makes rank an owner of evaluations, which may have others. It evaluates them in so many calls, at most one for each.
func (s *scheduler) give(rank int, es []l2l.Evaluation, calls int) {
	s.ranks.add(rank, calls)
	turns := int32(up(s.ranks.load[rank].held, max(s.ranks.load[rank].slots, 1)))
	for ; len(es) > 0; calls-- {
		n := up(len(es), calls)
		var c *call
		if n > 1 {
			c = &call{n, n, 0}
		}
		for i := range es[:n] {
			e := &es[i]
			k := keyAt(e)
			h := s.held.Get(k)
			if another := h != nil; another {
				s.copies.leave(h)
				h.owners = append(h.owners, owner{rank, c, true})
				continue
			}
			h = s.newHolding(e)
			h.owners = append(h.owners, owner{rank: rank, call: c})
			h.since, h.turns = s.now, turns
			if s.mean >= foreseeable {
				h.guess = s.forecast.guess(e)
			}
			s.held.Set(k, h)
			s.awaited++
			s.copies.join(h)
		}
		es = es[n:]
	}
}

// over takes into account that a rank has answered an evaluation of a call, which took so long, and reports whether that was the last one of it.
func (s *scheduler) over(o owner, seconds float64) bool {
	size := 1
	if o.call != nil {
		o.call.seconds += seconds
		if o.call.left--; o.call.left > 0 {
			return false
		}
		size, seconds = o.call.size, o.call.seconds
	}
	if s.calls != nil && seconds > 0 {
		s.calls.took(size, seconds)
		s.settle()
	}
	return true
}

// newHolding is a holding without an owner.
func (s *scheduler) newHolding(e *l2l.Evaluation) *holding {
	if len(s.spare) == 0 {
		s.spare = append(s.spare, new(holding))
	}
	n := len(s.spare) - 1
	h := s.spare[n]
	s.spare = s.spare[:n]
	*h = holding{evaluation: *e}
	h.owners = h.one[:0]
	return h
}

// results takes the results of a message of a rank in, and returns those that count, in their memory. Those do not that are late answers to what was given
// up, or that another rank has given before.
func (s *scheduler) results(rank int, rs []l2l.Result) []l2l.Result {
	// What is known of them is looked up, and read, for all at once: none of it is near the processor, which waits for several as long as for one.
	s.looked, s.read = s.looked[:0], 0
	for i := range rs {
		h := s.held.Get(keyOfResult(&rs[i]))
		if h != nil && !h.ownedBy(rank) {
			h = nil
		}
		if h != nil {
			s.read += h.evaluation.Instance + len(h.evaluation.X)
		}
		s.looked = append(s.looked, h)
	}
	count, calls := 0, 0
	for i, h := range s.looked {
		if h == nil {
			continue
		}
		o, ok := h.release(rank)
		if !ok {
			continue // it is there twice
		}
		if s.over(o, rs[i].Seconds) {
			calls++
		}
		if !s.done(h, o, &rs[i]) {
			continue
		}
		if count < i { // nearly all of them count, and are moved nowhere
			rs[count] = rs[i]
		}
		count++
	}
	s.ranks.add(rank, -calls)
	return rs[:count]
}

// done takes the result of an owner in, which is one no more. It reports false for one that does not count.
func (s *scheduler) done(h *holding, o owner, r *l2l.Result) bool {
	counts := !h.answered
	s.timed(h, o, r, counts)
	if counts {
		h.answered = true
		s.awaited--
		s.n = min(s.n+1, longMemory)
		s.mean = max(s.mean+(r.Seconds-s.mean)/float64(s.n), 1e-9) // it decides how far ahead ranks are fed, which must not change all the time
		s.copies.decided(h, o)
	} else {
		s.copies.wasted += r.Seconds
	}
	s.forget(h, keyOfResult(r))
	return counts
}

// forget drops the holding of a key if it has no owner left.
func (s *scheduler) forget(h *holding, k key) {
	if len(h.owners) > 0 {
		return
	}
	s.held.Delete(k)
	h.evaluation = l2l.Evaluation{}
	s.spare = append(s.spare, h)
}

// lost gives a rank up. What it held without a result, and no other rank has too, goes back to the front of the queue; lost returns how many
// evaluations these are. It looks through all that is held.
func (s *scheduler) lost(rank int) int {
	slots := s.ranks.load[rank].slots
	if slots == 0 {
		return 0
	}
	s.working--
	s.slots -= slots
	s.ranks.set(rank, 0)
	var es []l2l.Evaluation
	var all []*holding
	for _, h := range s.held.All() {
		all = append(all, h)
	}
	for _, h := range all {
		if _, ok := h.release(rank); !ok {
			continue
		}
		for ok := true; ok; { // it may have a copy of its own
			_, ok = h.release(rank)
		}
		if len(h.owners) == 0 && !h.answered {
			e := h.evaluation
			e.Copy++
			es = append(es, e)
			s.awaited--
			s.copies.leave(h)
		}
		s.forget(h, keyAt(&h.evaluation))
	}
	slices.SortFunc(es, func(a, b l2l.Evaluation) int {
		return cmp.Or(cmp.Compare(a.Individual, b.Individual), cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Replicate, b.Replicate))
	})
	s.queue = append(es, s.queue[s.first:]...)
	s.first = 0
	return len(es)
}

// unwanted drops evaluations: of those in the queue it returns the results, and of others the ranks that have them are to be told.
func (s *scheduler) unwanted(es []l2l.Evaluation) (rs []l2l.Result) {
	unwanted := map[key]bool{}
	for _, e := range es {
		k := keyOf(e)
		unwanted[k] = true
		if h := s.held.Get(k); h != nil && !h.answered {
			for _, o := range h.owners {
				s.copies.drops = append(s.copies.drops, drop{o.rank, h.evaluation, s.now})
			}
		}
	}
	kept, dropped := without(s.queue[s.first:], unwanted)
	if len(dropped) > 0 {
		s.queue, s.first = kept, 0
	}
	for _, e := range dropped {
		r := answer(e)
		r.Ending, r.Reason = l2l.Failed, notNeeded
		rs = append(rs, r)
	}
	return rs
}

// found has a rank that was lost take part again. What it held then is no longer its own.
func (s *scheduler) found(rank, slots int) {
	s.working++
	s.slots += slots
	s.ranks.set(rank, slots)
}
