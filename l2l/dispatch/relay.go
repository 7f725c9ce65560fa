package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Levels says which rank each rank works for, by rank: rank 0, or a relay, which works for rank 0. Rank 0 stands for itself.
//
// With two levels rank 0 has few ranks to talk to, and its messages have many evaluations and results in them, even where each of these is long. Relays
// evaluate nothing.
type Levels []int

// The numbers that make levels.
const (
	manyRanks     = 4096 // from here on there are two levels, unless it is said otherwise
	relaysPerRoot = 0.5  // relays are the cube root of the ranks, times this, and at least two
)

// NewLevels is for so many ranks. levels is 1, 2, or 0 for what suits them; few ranks have one level in any case.
func NewLevels(ranks, levels int) Levels {
	l := make(Levels, ranks)
	workers := ranks - 1
	if levels == 1 || levels == 0 && ranks < manyRanks || workers < 4 {
		return l
	}
	relays := max(int(math.Round(relaysPerRoot*math.Cbrt(float64(workers)))), 2)
	for i := range relays {
		first, next := 1+workers*i/relays, 1+workers*(i+1)/relays
		for rank := first + 1; rank < next; rank++ {
			l[rank] = first
		}
	}
	return l
}

// Relays reports whether a rank is a relay.
func (l Levels) Relays(rank int) bool { return rank > 0 && rank+1 < len(l) && l[rank+1] == rank }

// Manages reports whether a rank evaluates nothing itself: rank 0, unless it is alone, and relays.
func (l Levels) Manages(rank int) bool { return rank == 0 && len(l) > 1 || l.Relays(rank) }

// Slots are the slots that chief, rank 0 or a relay, can give work to, by rank, where own are those of each rank itself.
func (l Levels) Slots(chief int, own []int) []int {
	slots := make([]int, len(own))
	for rank := 1; rank < len(own); rank++ {
		switch {
		case l.Manages(rank): // has what its members have
		case l[rank] == chief:
			slots[rank] = own[rank]
		case chief == 0:
			slots[l[rank]] += own[rank]
		}
	}
	return slots
}

// Relay is a rank between rank 0 and other ranks, its members: to rank 0 it is a worker that has the slots of its members, and to them it is what rank 0
// is in a run of one level, with a scheduler of its own. Of a member that is lost it gives the evaluations to the others. When it is lost itself, so
// are its members.
type Relay struct {
	down    *Coordinator
	asked   map[key]int      // evaluations that rank 0 waits for, and how many answers to each: it may give one twice
	blocked []l2l.Evaluation // that members still have from another time

	results  []l2l.Result // that rank 0 does not have yet
	due      time.Time    // when it is to have them
	block    bool         // it wants them together
	leaving  map[int]bool // members whose bye is awaited, once the run is over; nil before
	leaveBy  time.Time
	finished bool
}

// NewRelay makes a relay. The policy has the slots of its members.
func NewRelay(comm mpi.Comm, policy Policy) (*Relay, error) {
	c, err := NewCoordinator(comm, policy)
	if err != nil {
		return nil, err
	}
	return &Relay{down: c, asked: map[key]int{}}, nil
}

// Results wait in a relay for others to go with them, for a part of the time of a call, within bounds: so rank 0 has fewer messages. Slots that have
// something waiting do not notice; others wait little for what rank 0 sends instead.
const (
	waitingPart      = 0.01
	waitingPartAhead = 0.1 // where slots have something waiting
	leastWaiting     = 20 * time.Microsecond
	mostWaiting      = time.Millisecond
)

// Serve passes on what rank 0 sends, and what the members answer, until rank 0 says that the run is over.
func (r *Relay) Serve(ctx context.Context) error {
	defer r.down.link.close()
	for {
		until, err := r.turn()
		if err != nil || r.finished {
			return err
		}
		b, envelope, err := r.down.link.receive(ctx, until, r.down.in)
		switch {
		case errors.Is(err, errLate):
			err = r.down.late(until)
		case err == nil:
			r.down.in = b
			err = r.take(envelope.From, envelope.Tag, b)
		}
		if err != nil {
			return err
		}
	}
}

// Close is for a relay that has nothing to serve. Serve does so itself when it ends.
func (r *Relay) Close() error {
	r.down.link.close()
	return nil
}

// turn does what there is to do at this time, and returns how long to wait for a message before the next turn.
func (r *Relay) turn() (until time.Time, err error) {
	r.down.sched.now = r.down.link.now()
	if r.leaving != nil {
		return r.leaveBy, r.leave()
	}
	if len(r.blocked) > 0 {
		r.unblock()
	}
	if err := r.down.feed(); err != nil {
		return until, err
	}
	if len(r.results) > 0 && (!r.down.sched.now.Before(r.due) || r.down.sched.outstanding()+len(r.blocked) == 0) { // none is to come
		if err := r.answer(); err != nil {
			return until, err
		}
	}
	until = r.down.until()
	if len(r.results) > 0 && r.due.Before(until) {
		until = r.due
	}
	return until, nil
}

// take takes in a message.
func (r *Relay) take(from, tag int, b []byte) error {
	switch {
	case r.leaving != nil:
		return r.down.bye(r.leaving, from, tag, b)
	case from > 0:
		rs, err := r.down.take(from, tag, b)
		r.keep(rs)
		return err
	}
	switch tag {
	case tagTasks, tagBlock, tagDrop:
		es, err := decodeTasks(b)
		if err != nil {
			return err
		}
		r.down.sched.now = r.down.link.now()
		if tag == tagDrop {
			r.keep(r.down.sched.unwanted(es))
			return r.down.drop()
		}
		r.block = tag == tagBlock
		r.submit(es)
	case tagPing:
		if r.down.sched.slots > 0 { // else there is nobody for whom it could speak
			return r.down.link.send(0, tagPong, nil)
		}
	case tagLimits:
		var l Limits
		if err := codec.Unmarshal(b, &l); err != nil {
			return fmt.Errorf("dispatch: limits: %w", err)
		}
		return r.down.Limit(l)
	case tagBatch:
		r.down.sched.calls = nil // rank 0 knows of more calls
		return codec.Unmarshal(b, &r.down.sched.batch)
	case tagStop:
		waiting, err := r.down.dismiss()
		r.leaving, r.leaveBy = waiting, r.down.link.now().Add(r.down.farewell/2) // rank 0 waits too
		return err
	default:
		return fmt.Errorf("dispatch: a message of kind %d, which this version does not know", tag)
	}
	return nil
}

// submit has the members evaluate what rank 0 has given.
func (r *Relay) submit(es []l2l.Evaluation) {
	es = slices.DeleteFunc(es, func(e l2l.Evaluation) bool {
		k := keyOf(e)
		r.asked[k]++
		if r.asked[k] > 1 {
			return true // its result is the answer to both
		}
		if r.down.sched.held.Get(k) != nil {
			r.blocked = append(r.blocked, e)
			return true
		}
		return false
	})
	r.down.sched.add(es)
}

// unblock submits evaluations that members had from another time: rank 0 had given this rank up and has heard of it again, say, and another copy of them was
// under way still, after their answer. Those that it asks for once more are evaluated once more.
func (r *Relay) unblock() {
	r.blocked = slices.DeleteFunc(r.blocked, func(e l2l.Evaluation) bool {
		free := r.down.sched.held.Get(keyOf(e)) == nil
		if free {
			r.down.sched.add([]l2l.Evaluation{e})
		}
		return free
	})
}

// keep keeps results for rank 0.
func (r *Relay) keep(rs []l2l.Result) {
	if len(rs) == 0 {
		return
	}
	if len(r.results) == 0 {
		part := waitingPart
		if r.down.sched.ahead() > 1 {
			part = waitingPartAhead
		}
		wait := min(max(seconds(part*r.down.sched.call()), leastWaiting), mostWaiting)
		if r.block {
			wait = roundPatience
		}
		r.due = r.down.sched.now.Add(wait)
	}
	for i := range rs {
		k := keyOfResult(&rs[i])
		for range r.asked[k] {
			r.results = append(r.results, rs[i])
		}
		delete(r.asked, k)
	}
}

// answer sends rank 0 the results that there are.
func (r *Relay) answer() error {
	b, err := appendResults(r.down.out[:0], r.results)
	if err != nil {
		return err
	}
	r.down.out = b
	clear(r.results)
	r.results = r.results[:0]
	return r.down.link.send(0, tagResults, b)
}

// leave tells rank 0 that no message follows, once all members have said so or have had time enough.
func (r *Relay) leave() error {
	if len(r.leaving) > 0 && r.down.sched.now.Before(r.leaveBy) {
		return nil
	}
	r.down.missed(r.leaving)
	r.finished = true
	b, err := codec.Marshal(r.down.account())
	if err != nil {
		return err
	}
	return r.down.link.send(0, tagBye, b)
}
