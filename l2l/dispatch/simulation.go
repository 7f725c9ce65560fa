package dispatch

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Simulation is a run without evaluations, to learn how busy slots would be and how long it would take, for any number of slots and any times. Rank 0's
// coordinator and scheduler are those of a run, and so are relays and all messages. Workers, slots and the time are simulated: a pool of slots
// takes calls from its queue by the same rule as a real one, and messages cost what they are said to.
type Simulation struct {
	Policy
	// Levels has relays among the ranks; nil has none. The policy has the slots of all ranks; those of relays are not used.
	Levels Levels
	// Seconds is how long a call takes in a slot of a rank.
	Seconds func(rank, slot int, call []l2l.Evaluation) float64
	// Evaluate makes the results' fitness; nil makes none.
	Evaluate func(e l2l.Evaluation) []float64
	// Interruptible says that evaluations can be dropped while they are under way.
	Interruptible bool
	// Cost is what rank 0 and relays spend on messages.
	Cost Cost
}

// Cost is the time that messages take.
type Cost struct {
	Message    time.Duration // of the rank's, for each that it sends or receives
	Evaluation time.Duration // of the rank's, for each evaluation or result in one
	Latency    time.Duration // from one rank to another, during which both do other things
}

// Simulated is a coordinator in a simulation. It is an l2l.Evaluator, whose calls take no time but the simulated one.
type Simulated struct {
	*Coordinator
	net *network
}

// Start starts a simulation. It is at the time 0.
func (s Simulation) Start() (*Simulated, error) {
	own := s.Slots
	if s.Levels == nil {
		s.Levels = make(Levels, len(own))
	}
	members := s.Policy
	s.Slots, s.Relays = s.Levels.Slots(0, own), s.Levels.Relays(1)
	c, err := NewCoordinator(nil, s.Policy)
	if err != nil {
		return nil, err
	}
	n := &network{Simulation: s, clock: epoch, ranks: make([]simulatedRank, len(own)), relays: map[int]*simulatedRelay{}}
	for rank := range n.ranks {
		if !s.Levels.Manages(rank) {
			n.ranks[rank].slots = make([]simulatedSlot, own[rank])
			n.ranks[rank].idle = own[rank]
		}
		if s.Levels.Relays(rank) {
			members.Slots = s.Levels.Slots(rank, own)
			relay, err := NewRelay(nil, members)
			if err != nil {
				return nil, err
			}
			n.relays[rank] = &simulatedRelay{network: n, rank: rank, relay: relay, clock: epoch}
			relay.down.link = n.relays[rank]
		}
	}
	for rank := range n.ranks {
		n.ranks[rank].batch = max(n.Batch, 1)
	}
	c.link = n
	return &Simulated{c, n}, nil
}

// Elapsed is the simulated time since the start.
func (s *Simulated) Elapsed() time.Duration { return s.net.clock.Sub(epoch) }

// Spend has rank 0 spend time on something else than messages: on the search, say.
func (s *Simulated) Spend(d time.Duration) { s.net.clock = s.net.clock.Add(d) }

// Busy is the time that slots have been in calls, all of them together, lost copies included.
func (s *Simulated) Busy() time.Duration {
	busy := s.net.busy
	for _, r := range s.net.ranks {
		for _, slot := range r.slots {
			if len(slot.call) > 0 {
				busy += max(s.net.clock.Sub(slot.began), 0)
			}
		}
	}
	return busy
}

// Overhead is the time that rank 0 has spent on messages.
func (s *Simulated) Overhead() time.Duration { return s.net.spent }

var epoch = time.Unix(0, 0)

// network is the link of a simulation, with all that is at its other end.
type network struct {
	Simulation
	clock  time.Time // rank 0's
	spent  time.Duration
	busy   time.Duration // of calls that have ended
	events events
	number int // of events so far
	ranks  []simulatedRank
	inbox  []parcel // of rank 0, in the order of their arrival, which has been
	read   int      // of these
	relays map[int]*simulatedRelay
}

// simulatedRelay is a relay with a time of its own: later than that of the events while it is busy. It is the relay's link.
type simulatedRelay struct {
	*network
	rank  int
	relay *Relay
	clock time.Time
	turns int
}

func (p *simulatedRelay) now() time.Time { return p.clock }
func (p *simulatedRelay) close()         {}

func (p *simulatedRelay) send(rank, tag int, data []byte) error {
	n, es, err := content(tag, data)
	p.clock = p.clock.Add(p.Cost.of(n))
	if rank == 0 {
		p.network.answer(p.rank, p.clock, tag, n, slices.Clone(data))
	} else {
		p.network.deal(rank, tag, es, data, p.clock)
	}
	return err
}

func (p *simulatedRelay) receive(context.Context, time.Time, []byte) ([]byte, mpi.Envelope, error) {
	panic("dispatch: a simulated relay is given its messages")
}

// take has the relay take in a message that has come, and do what there is to do then.
func (p *simulatedRelay) take(at time.Time, from, tag, n int, data []byte) error {
	if at.After(p.clock) {
		p.clock = at
	}
	p.clock = p.clock.Add(p.Cost.of(n))
	if err := p.relay.take(from, tag, data); err != nil {
		return err
	}
	return p.turn()
}

// turn has the relay do what there is to do, and again when it wants to, unless a message comes before.
func (p *simulatedRelay) turn() error {
	until, err := p.relay.turn()
	if err != nil || p.relay.finished {
		return err
	}
	p.turns++
	turn := p.turns
	p.after(until, func(at time.Time) error {
		if p.turns != turn {
			return nil
		}
		if at.After(p.clock) {
			p.clock = at
		}
		return errors.Join(p.relay.down.late(until), p.turn())
	})
	return nil
}

// of is what a message costs with so many evaluations or results in it.
func (c Cost) of(n int) time.Duration { return c.Message + time.Duration(n)*c.Evaluation }

// content is the number of evaluations or results in a message, and the former.
func content(tag int, data []byte) (n int, es []l2l.Evaluation, err error) {
	switch tag {
	case tagTasks, tagBlock, tagDrop:
		es, err = decodeTasks(data)
		n = len(es)
	case tagResults:
		var rs []l2l.Result
		rs, err = decodeResults(data, nil)
		n = len(rs)
	}
	return n, es, err
}

// event is what happens to a simulated rank, or a message that comes to rank 0.
type event struct {
	at     time.Time
	number int // of those at one time the first one is first
	do     func(at time.Time) error
}

// events is a heap.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].number < e[j].number
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// parcel is a message to rank 0.
type parcel struct {
	from, tag, n int
	data         []byte
}

// simulatedRank is a worker with its pool.
type simulatedRank struct {
	slots   []simulatedSlot
	batch   int // evaluations of a full call
	idle    int
	queue   []l2l.Evaluation
	mean    float64      // seconds per evaluation, a running average, as a pool has it
	block   int          // results that are to come together
	results []l2l.Result // that wait for others of their block
}

type simulatedSlot struct {
	waiting []l2l.Evaluation // for further calls
	call    []l2l.Evaluation // under way
	dropped map[key]bool     // of these
	began   time.Time
	results []l2l.Result // of calls before it
	turn    int          // calls that have ended
}

func (n *network) now() time.Time { return n.clock }
func (n *network) close()         {}

func (n *network) spend(evaluations int) {
	d := n.Cost.of(evaluations)
	n.clock, n.spent = n.clock.Add(d), n.spent+d
}

func (n *network) after(at time.Time, do func(at time.Time) error) {
	n.number++
	heap.Push(&n.events, event{at, n.number, do})
}

func (n *network) send(rank, tag int, data []byte) error {
	size, es, err := content(tag, data)
	n.spend(size)
	if relay := n.relays[rank]; relay != nil {
		data = slices.Clone(data)
		n.after(n.clock.Add(n.Cost.Latency), func(at time.Time) error { return relay.take(at, 0, tag, size, data) })
	} else {
		n.deal(rank, tag, es, data, n.clock)
	}
	return err
}

// deal has a worker receive a message that was sent at a time.
func (n *network) deal(rank, tag int, es []l2l.Evaluation, data []byte, sent time.Time) {
	if tag != tagBatch {
		data = nil // it is used again
	}
	n.after(sent.Add(n.Cost.Latency), func(at time.Time) error {
		r := &n.ranks[rank]
		switch tag {
		case tagTasks:
			r.queue = append(r.queue, es...)
			return n.feed(rank, at)
		case tagBlock:
			r.queue, r.block = append(r.queue, es...), len(es)
			n.after(at.Add(roundPatience), func(at time.Time) error { return n.deliver(rank, at, nil, true) })
			return n.feed(rank, at)
		case tagDrop:
			return n.drop(rank, at, es)
		case tagBatch:
			return codec.Unmarshal(data, &r.batch)
		case tagPing:
			n.answer(rank, at, tagPong, 0, nil)
		case tagStop:
			n.answer(rank, at, tagBye, 0, nil)
		}
		return nil
	})
}

// answer has the rank that another one works for receive a message that this one sends at a time.
func (n *network) answer(rank int, at time.Time, tag, results int, data []byte) {
	n.after(at.Add(n.Cost.Latency), func(at time.Time) error {
		if relay := n.relays[n.Levels[rank]]; relay != nil {
			return relay.take(at, rank, tag, results, data)
		}
		n.inbox = append(n.inbox, parcel{rank, tag, results, data})
		return nil
	})
}

func (n *network) receive(ctx context.Context, until time.Time, _ []byte) ([]byte, mpi.Envelope, error) {
	for n.read == len(n.inbox) || len(n.events) > 0 && !n.events[0].at.After(n.clock) { // what has come while it did something else is there
		if err := ctx.Err(); err != nil {
			return nil, mpi.Envelope{}, err
		}
		if len(n.events) == 0 {
			return nil, mpi.Envelope{}, errors.New("dispatch: nothing is under way in the simulation")
		}
		if n.events[0].at.After(until) && n.read == len(n.inbox) {
			n.clock = until
			return nil, mpi.Envelope{}, errLate
		}
		e, had := heap.Pop(&n.events).(event), len(n.inbox)
		if err := e.do(e.at); err != nil {
			return nil, mpi.Envelope{}, err
		}
		if len(n.inbox) > had && e.at.After(n.clock) {
			n.clock = e.at
		}
	}
	p := n.inbox[n.read]
	n.inbox[n.read] = parcel{}
	if n.read++; n.read == len(n.inbox) {
		n.inbox, n.read = n.inbox[:0], 0
	}
	n.spend(p.n)
	return p.data, mpi.Envelope{From: p.from, Tag: p.tag, Len: len(p.data)}, nil
}

// feed has idle slots take calls from the queue, as pool.next does.
func (n *network) feed(rank int, at time.Time) error {
	r := &n.ranks[rank]
	for i := range r.slots {
		s := &r.slots[i]
		if len(s.call) > 0 || len(r.queue) == 0 {
			continue
		}
		k := share(len(r.queue), r.batch, r.idle, len(r.slots), r.mean)
		s.waiting, r.queue = r.queue[:k:k], r.queue[k:]
		r.idle--
		n.begin(rank, i, at)
	}
	return nil
}

// begin has a slot begin its next call.
func (n *network) begin(rank, slot int, at time.Time) {
	s := &n.ranks[rank].slots[slot]
	k := min(n.ranks[rank].batch, len(s.waiting))
	s.call, s.waiting, s.began, s.dropped = s.waiting[:k], s.waiting[k:], at, nil
	turn := s.turn
	n.after(at.Add(seconds(n.Seconds(rank, slot, s.call))), func(at time.Time) error {
		if s.turn != turn {
			return nil // it was dropped
		}
		return n.end(rank, slot, at)
	})
}

// end ends a slot's call.
func (n *network) end(rank, slot int, at time.Time) error {
	r := &n.ranks[rank]
	s := &r.slots[slot]
	for _, e := range s.call {
		a := answer(e)
		a.Seconds, a.Rank, a.Slot = at.Sub(s.began).Seconds()/float64(len(s.call)), rank, slot
		switch {
		case n.Interruptible && len(s.dropped) == len(s.call):
			a.Ending, a.Reason = l2l.Failed, notNeeded
		case n.Evaluate != nil:
			a.Fitness = n.Evaluate(e)
		}
		s.results = append(s.results, a)
	}
	s.turn++
	n.busy += at.Sub(s.began)
	if s.call = nil; len(s.waiting) > 0 {
		n.begin(rank, slot, at)
		return nil
	}
	rs := s.results
	s.results = nil
	r.idle++
	took := 0.0
	for _, a := range rs {
		took += a.Seconds
	}
	r.mean = average(r.mean, took/float64(len(rs)))
	return errors.Join(n.deliver(rank, at, rs, false), n.feed(rank, at))
}

// deliver sends results to rank 0, unless they wait for others of their block.
func (n *network) deliver(rank int, at time.Time, rs []l2l.Result, late bool) error {
	r := &n.ranks[rank]
	r.results = append(r.results, rs...)
	if len(r.results) == 0 || len(r.results) < r.block && !late {
		return nil
	}
	b, err := appendResults(nil, r.results)
	if err != nil {
		return fmt.Errorf("dispatch: simulated rank %d: %w", rank, err)
	}
	n.answer(rank, at, tagResults, len(r.results), b)
	r.results, r.block = nil, 0
	return nil
}

// drop has evaluations end that are not needed, as pool.drop does.
func (n *network) drop(rank int, at time.Time, es []l2l.Evaluation) error {
	r := &n.ranks[rank]
	unwanted := map[key]bool{}
	for _, e := range es {
		unwanted[keyOf(e)] = true
	}
	var dropped []l2l.Evaluation
	r.queue, dropped = without(r.queue, unwanted)
	var errs []error
	for i := range r.slots {
		s := &r.slots[i]
		var more []l2l.Evaluation
		s.waiting, more = without(s.waiting, unwanted)
		dropped = append(dropped, more...)
		for _, e := range s.call {
			if unwanted[keyOf(e)] {
				if s.dropped == nil {
					s.dropped = map[key]bool{}
				}
				s.dropped[keyOf(e)] = true
			}
		}
		if n.Interruptible && len(s.call) > 0 && len(s.dropped) == len(s.call) {
			errs = append(errs, n.end(rank, i, at))
		}
	}
	var rs []l2l.Result
	for _, e := range dropped {
		a := answer(e)
		a.Ending, a.Reason, a.Rank = l2l.Failed, notNeeded, rank
		rs = append(rs, a)
	}
	return errors.Join(append(errs, n.deliver(rank, at, rs, false))...)
}

// Rehearsal is a coordinator whose ranks answer at once, to learn what an evaluation and its result cost rank 0, MPI left out. Its slots always have
// something, as in a search that does not wait. A rank answers any of the evaluations that it has, so many in a message, one rank after the other.
type Rehearsal struct {
	coordinator *Coordinator
	echo        *echo
	points      []float64
	dim         int
	next        int64 // individual
	fresh       []l2l.Evaluation
}

// NewRehearsal makes one, for messages of so many results and points of so many coordinates. Its first evaluations have ended.
func NewRehearsal(policy Policy, each, dim int) (*Rehearsal, error) {
	c, err := NewCoordinator(nil, policy)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	r := &Rehearsal{coordinator: c, dim: dim, points: make([]float64, 1<<14+dim)}
	r.echo = &echo{held: make([][]int64, len(policy.Slots)), each: each, rng: rng}
	c.link = r.echo
	for i := range r.points {
		r.points[i] = rng.NormFloat64()
	}
	slots := c.sched.slots
	if err := c.Submit(r.evaluations(slots)); err != nil {
		return nil, err
	}
	return r, r.Run(2 * slots)
}

// evaluations are new ones.
func (r *Rehearsal) evaluations(n int) []l2l.Evaluation {
	r.fresh = r.fresh[:0]
	for range n {
		at := int(r.next) * r.dim % (1 << 14)
		r.fresh = append(r.fresh, l2l.Evaluation{Individual: r.next, Seed: uint64(r.next), X: r.points[at : at+r.dim]})
		r.next++
	}
	return r.fresh
}

// Run has n evaluations end, or a message's more, and submits as many.
func (r *Rehearsal) Run(n int) error {
	for n > 0 {
		rs, err := r.coordinator.Next(context.Background())
		if err != nil {
			return err
		}
		if err := r.coordinator.Submit(r.evaluations(len(rs))); err != nil {
			return err
		}
		n -= len(rs)
	}
	return nil
}

// RunAlone is what the ranks, and who submits, do in Run, without the coordinator. It comes last.
func (r *Rehearsal) RunAlone(n int) error {
	for n > 0 {
		_, from, err := r.echo.receive(context.Background(), time.Time{}, nil)
		if err != nil {
			return err
		}
		for _, e := range r.evaluations(len(r.echo.results)) {
			r.echo.held[from.From] = append(r.echo.held[from.From], e.Individual)
		}
		n -= len(r.echo.results)
	}
	return nil
}

// echo is the link of a rehearsal.
type echo struct {
	held    [][]int64 // individuals, by rank
	each    int
	rank    int // that has answered last
	rng     *rand.Rand
	fitness [1]float64
	results []l2l.Result
	buf     []byte
}

func (e *echo) now() time.Time { return time.Now() }
func (e *echo) close()         {}

func (e *echo) send(rank, tag int, data []byte) error {
	if tag != tagTasks {
		return nil
	}
	individuals := integers(codec.NewColumns(data).Bytes())
	for i := range len(individuals) / 8 {
		e.held[rank] = append(e.held[rank], individuals.at(i))
	}
	return nil
}

func (e *echo) receive(context.Context, time.Time, []byte) ([]byte, mpi.Envelope, error) {
	for range e.held {
		if e.rank = e.rank%(len(e.held)-1) + 1; len(e.held[e.rank]) > 0 {
			break
		}
	}
	held := e.held[e.rank]
	e.results = e.results[:0]
	for range min(e.each, len(held)) {
		last := len(held) - 1
		i := e.rng.IntN(len(held))
		seconds := 0.05 * (1 + e.rng.ExpFloat64()) // long, so that nothing is sent ahead
		e.results = append(e.results, l2l.Result{Individual: held[i], Fitness: e.fitness[:], Seconds: seconds, Rank: e.rank})
		held[i], held = held[last], held[:last]
	}
	e.held[e.rank] = held
	var err error
	e.buf, err = appendResults(e.buf[:0], e.results)
	return e.buf, mpi.Envelope{From: e.rank, Tag: tagResults, Len: len(e.buf)}, err
}
