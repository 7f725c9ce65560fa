// Package dispatch brings evaluations to ranks and slots, and results back. Rank 0 holds a [Coordinator], which is the run's
// l2l.Evaluator; every other rank serves as a [Worker], or, in a run of two levels, as a [Relay] between rank 0 and other workers; a run of one
// rank has [Solo], its own slots, instead.
//
// The package decides where and when evaluations run, never what: results do not depend on the schedule, nor on ranks that are lost.
package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Schedule names a way to spread evaluations over ranks.
type Schedule string

// The schedules.
const (
	// Pull sends chunks to ranks as they run out of work, and takes results as they come. For uneven and for long evaluations.
	Pull Schedule = "pull"
	// Collective sends waiting evaluations in rounds: to every rank its block, and the next round when all have answered. A round is a
	// tenth of a second of work, or one evaluation per slot where that takes longer. For evaluations of microseconds.
	Collective Schedule = "collective"
	// Auto begins with Pull and changes to Collective while calls take less than 50 µs, there are enough of them for all slots, and their
	// points have at most 100 coordinates.
	Auto Schedule = "auto"
)

// When Auto prefers Collective: below this mean time of a call, in seconds, and up to this number of coordinates. Longer points take
// longer to move than to evaluate, and are moved while others are evaluated, which Pull does.
const (
	collectiveBelow = 50e-6
	collectiveUpTo  = 100
)

// A rank that holds evaluations and is silent for pulse is asked whether it is there, and again after each further pulse. Whether an
// evaluation takes long does not matter: a rank answers while it evaluates. A rank that has not answered when the last of pulses has passed is
// lost. One pulse may be missed for a reason of rank 0's own: that it was stopped itself, say.
const (
	pulse    = 10 * time.Second
	pulses   = 3
	farewell = 10 * time.Second // in which a rank has to answer that the run is over
)

// Coordinator is rank 0's side: it holds no slots of its own. It keeps its time by its link.
//
// A rank that does not answer any more is lost: what it held is evaluated by the others. Where it is heard of again, it takes part again.
type Coordinator struct {
	Log zerolog.Logger // is told of ranks that are lost

	link     link
	schedule Schedule
	slots    []int // by rank
	members  []int // the ranks with slots
	sched    *scheduler
	held     bool         // nothing is sent to be evaluated
	in, out  []byte       // buffers of messages
	results  []l2l.Result // of the last message

	pulse    time.Duration
	farewell time.Duration
	beatAt   time.Time         // the end of the pulse
	copyAt   time.Time         // when something may have to be copied; zero if that depends on results
	batches  []int             // by rank: the size of calls that it was told; nil where that is given
	silent   []int             // by rank: the pulses in which it held something and was not heard of
	lost     map[int]time.Time // the ranks that are lost, and when they were heard of last
	gone     time.Duration     // that slots of ranks were lost which are there again
	again    int               // evaluations that were given to another rank because one was lost
	told     account           // by relays, at the end
}

// Policy says how rank 0 spreads evaluations.
type Policy struct {
	Schedule Schedule
	Slots    []int // of the workers, by rank; those with none get nothing; Slots[0] is not used
	Relays   bool  // these are relays, whose members have the slots
	Batch    int   // evaluations that a slot evaluates together, as in Options; 0 means 1, and AutoBatch is measured
	// Copies has evaluations that take suspiciously long copied to slots that have nothing to do, but for those of Collective.
	Copies bool
	// InOrder has evaluations given out in the order in which they are submitted, instead of the longest first.
	InOrder bool
}

// NewCoordinator makes rank 0's side.
func NewCoordinator(comm mpi.Comm, policy Policy) (*Coordinator, error) {
	switch policy.Schedule {
	case Pull, Collective, Auto:
	default:
		return nil, fmt.Errorf("dispatch: schedule = %q, want auto, pull or collective", policy.Schedule)
	}
	slots := append([]int{0}, policy.Slots[1:]...)
	c := &Coordinator{
		link: newDirect(comm), schedule: policy.Schedule, slots: slots, sched: newScheduler(slots, policy.Batch),
		pulse: pulse, farewell: farewell, silent: make([]int, len(slots)), lost: map[int]time.Time{},
	}
	if policy.Batch == AutoBatch {
		c.batches = make([]int, len(slots))
	}
	for rank, n := range slots {
		if n > 0 {
			c.members = append(c.members, rank)
		}
	}
	c.sched.inOrder, c.sched.relays, c.sched.copies.on = policy.InOrder, policy.Relays, policy.Copies && policy.Schedule != Collective
	return c, nil
}

// Capacity implements l2l.Evaluator.
func (c *Coordinator) Capacity() int { return c.sched.capacity() }

// Submit implements l2l.Evaluator.
func (c *Coordinator) Submit(es []l2l.Evaluation) error {
	c.sched.now = c.link.now()
	c.sched.add(es)
	return nil
}

// Hold implements l2l.Holder: ranks evaluate what they have been sent.
func (c *Coordinator) Hold(held bool) { c.held = held }

// Limit changes the time limits of evaluations that begin from now on.
func (c *Coordinator) Limit(l Limits) error {
	b, err := codec.Marshal(l)
	for _, rank := range c.members {
		err = cmp.Or(err, c.link.send(rank, tagLimits, b))
	}
	return err
}

// Next implements l2l.Evaluator.
func (c *Coordinator) Next(ctx context.Context) ([]l2l.Result, error) {
	if c.sched.outstanding() == 0 {
		return nil, errors.New("dispatch: Next without an evaluation to wait for")
	}
	for {
		c.sched.now = c.link.now()
		if c.sched.slots == 0 {
			return nil, fmt.Errorf("dispatch: no rank is left to evaluate: %v do not answer any more", c.Lost())
		}
		if err := c.feed(); err != nil {
			return nil, err
		}
		if rs, err := c.receive(ctx); len(rs) > 0 || err != nil {
			return rs, err
		}
	}
}

// collective reports whether what is queued should go out as a collective round.
func (c *Coordinator) collective() bool {
	if c.schedule != Auto {
		return c.schedule == Collective
	}
	s := c.sched
	return s.queued() >= 2*s.slots*s.batch && s.mean > 0 && s.call() < collectiveBelow && len(s.queue[s.first].X) <= collectiveUpTo
}

// feed sends evaluations to ranks: to those that have room for them, or to all when it is time for the next round.
func (c *Coordinator) feed() error {
	if c.held {
		c.copyAt = time.Time{}
		return nil
	}
	switch {
	case c.sched.idle() && c.collective():
		for rank, n := range c.sched.round() {
			if n == 0 {
				continue
			}
			block := c.sched.take(n)
			c.sched.give(rank, block, min(max(c.slots[rank], up(n, c.sched.batch)), n))
			if err := c.send(rank, tagBlock, block); err != nil {
				return err
			}
		}
	case c.schedule != Collective:
		for {
			rank, chunk := c.sched.next()
			if len(chunk) == 0 {
				break
			}
			if err := c.send(rank, tagTasks, chunk); err != nil {
				return err
			}
		}
	}
	for {
		rank, copies, next := c.sched.copy()
		if c.copyAt = next; len(copies) == 0 {
			return nil
		}
		if err := c.send(rank, tagTasks, copies); err != nil {
			return err
		}
	}
}

// send sends evaluations to a rank, which has been given them.
func (c *Coordinator) send(rank, tag int, es []l2l.Evaluation) error {
	if n := c.sched.batch; c.batches != nil && c.batches[rank] != n {
		b, err := codec.Marshal(n)
		if err = cmp.Or(err, c.link.send(rank, tagBatch, b)); err != nil {
			return err
		}
		c.batches[rank] = n
	}
	c.out = appendTasks(c.out[:0], es)
	return c.link.send(rank, tag, c.out)
}

// receive waits for a message. There may be no results in it that count, or none because a rank was lost instead.
func (c *Coordinator) receive(ctx context.Context) ([]l2l.Result, error) {
	until := c.until()
	b, envelope, err := c.link.receive(ctx, until, c.in)
	if errors.Is(err, errLate) {
		return nil, c.late(until)
	}
	if err != nil {
		return nil, err
	}
	c.in = b
	return c.take(envelope.From, envelope.Tag, b)
}

// until is how long to wait for a message.
func (c *Coordinator) until() time.Time {
	if !c.sched.now.Before(c.beatAt) { // nobody listened in the meantime
		c.beatAt = c.sched.now.Add(c.pulse)
	}
	if !c.copyAt.IsZero() && c.copyAt.Before(c.beatAt) {
		return c.copyAt
	}
	return c.beatAt
}

// late is done when no message has come until then.
func (c *Coordinator) late(until time.Time) error {
	if until.Before(c.beatAt) {
		return nil
	}
	return c.beat()
}

// take takes in a message of one of the members, and returns the results in it that count.
func (c *Coordinator) take(from, tag int, b []byte) ([]l2l.Result, error) {
	c.sched.now = c.link.now()
	c.hear(from)
	if tag != tagResults {
		return nil, nil
	}
	rs, err := decodeResults(b, c.results)
	if err != nil {
		return nil, fmt.Errorf("from rank %d: %w", from, err)
	}
	c.results = rs
	return c.sched.results(from, rs), c.drop()
}

// drop tells ranks which of their evaluations another one has done.
func (c *Coordinator) drop() error {
	drops := c.sched.copies.drops
	c.sched.copies.drops = drops[:0]
	for len(drops) > 0 {
		rank, n := drops[0].rank, 1
		for n < len(drops) && drops[n].rank == rank {
			n++
		}
		es := make([]l2l.Evaluation, n)
		for i := range es {
			es[i] = drops[i].evaluation
			es[i].X = nil
		}
		if err := c.send(rank, tagDrop, es); err != nil {
			return err
		}
		drops = drops[n:]
	}
	return nil
}

// beat is done once in each pulse: it asks the ranks that hold evaluations and are silent whether they are there, and gives up those that have
// been asked often enough.
func (c *Coordinator) beat() error {
	c.sched.now = c.link.now()
	c.sched.overdue()
	if err := c.drop(); err != nil {
		return err
	}
	for rank := range c.slots {
		if c.sched.ranks.load[rank].held == 0 {
			continue
		}
		if c.silent[rank]++; c.silent[rank] >= pulses {
			c.lost[rank] = c.sched.now.Add(-time.Duration(c.silent[rank]) * c.pulse)
			n := c.sched.lost(rank)
			c.again += n
			c.Log.Warn().Int("rank", rank).Int("evaluations", n).Stringer("silent", time.Duration(c.silent[rank])*c.pulse).
				Msg("a rank does not answer any more; what it had is evaluated by the others")
			continue
		}
		if err := c.link.send(rank, tagPing, nil); err != nil {
			return err
		}
	}
	return nil
}

// hear takes into account that a rank is there.
func (c *Coordinator) hear(rank int) {
	c.silent[rank] = 0
	if since, lost := c.lost[rank]; lost {
		c.gone += time.Duration(c.slots[rank]) * c.link.now().Sub(since)
		delete(c.lost, rank)
		c.sched.found(rank, c.slots[rank])
		c.Log.Info().Int("rank", rank).Msg("a rank that was lost answers again")
	}
}

// Lost lists the ranks that do not answer any more; once the coordinator is closed, those of relays too. A world with lost ranks cannot be closed
// in order, only aborted.
func (c *Coordinator) Lost() []int {
	lost := slices.AppendSeq(slices.Clone(c.told.Lost), maps.Keys(c.lost))
	slices.Sort(lost)
	return lost
}

// Again is the number of evaluations that had to be given to another rank because one was lost, those of relays only once the coordinator is closed,
// as with Copies and Wasted.
func (c *Coordinator) Again() int { return c.again + c.told.Again }

// Copies is the number of evaluations that were copied because they took long, and of those of which the copy was the first to be done.
func (c *Coordinator) Copies() (made, won int) {
	return c.sched.copies.made + c.told.Made, c.sched.copies.won + c.told.Won
}

// Wasted is the time of slots that came to nothing: of copies that lost, as far as it is known, and of ranks that were lost, up to a time.
func (c *Coordinator) Wasted(until time.Time) time.Duration {
	wasted := c.gone + time.Duration(c.sched.copies.wasted*float64(time.Second)) + c.told.Wasted
	for rank, since := range c.lost {
		wasted += time.Duration(c.slots[rank]) * max(until.Sub(since), 0)
	}
	return wasted
}

// account is what a relay tells at the end of what it did.
type account struct {
	Lost      []int
	Again     int
	Made, Won int // copies
	Wasted    time.Duration
}

// account is that of the coordinator and of the relays that have told theirs.
func (c *Coordinator) account() account {
	a := account{Lost: c.Lost(), Again: c.Again(), Wasted: c.Wasted(c.link.now())}
	a.Made, a.Won = c.Copies()
	return a
}

// Close ends the workers' Serve. What they have under way is given up. Ranks that do not answer to it are lost.
func (c *Coordinator) Close() error {
	defer c.link.close()
	waiting, err := c.dismiss()
	if err != nil {
		return err
	}
	until := c.link.now().Add(c.farewell)
	for len(waiting) > 0 {
		// Results may still be on their way; a rank's bye is its last message.
		b, envelope, err := c.link.receive(context.Background(), until, nil)
		if errors.Is(err, errLate) {
			break
		}
		if err != nil {
			return err
		}
		if err := c.bye(waiting, envelope.From, envelope.Tag, b); err != nil {
			return err
		}
	}
	c.missed(waiting)
	return nil
}

// dismiss tells the members that the run is over, and returns those of which an answer can be expected.
func (c *Coordinator) dismiss() (waiting map[int]bool, err error) {
	waiting = map[int]bool{}
	for _, rank := range c.members {
		if err := c.link.send(rank, tagStop, nil); err != nil {
			return nil, err
		}
		if _, lost := c.lost[rank]; !lost {
			waiting[rank] = true
		}
	}
	return waiting, nil
}

// bye takes in a message after dismiss.
func (c *Coordinator) bye(waiting map[int]bool, from, tag int, b []byte) error {
	if tag != tagBye {
		return nil
	}
	delete(waiting, from)
	delete(c.lost, from)
	if len(b) == 0 {
		return nil
	}
	var a account
	if err := codec.Unmarshal(b, &a); err != nil {
		return fmt.Errorf("from rank %d: %w", from, err)
	}
	c.told.Lost = append(c.told.Lost, a.Lost...)
	c.told.Again, c.told.Made, c.told.Won, c.told.Wasted = c.told.Again+a.Again, c.told.Made+a.Made, c.told.Won+a.Won, c.told.Wasted+a.Wasted
	return nil
}

// missed are members that have not answered to dismiss in time.
func (c *Coordinator) missed(waiting map[int]bool) {
	for rank := range waiting {
		c.lost[rank] = c.link.now()
		c.Log.Warn().Int("rank", rank).Msg("a rank does not answer that the run is over")
	}
}
