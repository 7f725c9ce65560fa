// Package dispatch brings evaluations to ranks and slots, and results back. Rank 0 holds a [Coordinator], which is the run's
// l2l.Evaluator; every other rank serves as a [Worker]; a run of one rank has [Solo], its own slots, instead.
//
// The package decides where and when evaluations run, never what: results do not depend on the schedule.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Schedule names a way to spread evaluations over ranks.
type Schedule string

// The schedules.
const (
	// Pull sends chunks to ranks as they run out of work, and takes results as they come. For uneven and for long evaluations.
	Pull Schedule = "pull"
	// Collective scatters all waiting evaluations, a fixed block to every rank, and gathers the results. For evaluations of
	// microseconds. A round is not interrupted.
	Collective Schedule = "collective"
	// Auto begins with Pull and changes to Collective while evaluations take less than 50 µs and there are enough of them for all slots.
	Auto Schedule = "auto"
)

// collectiveBelow is the mean time of an evaluation, in seconds, below which Auto prefers Collective.
const collectiveBelow = 50e-6

// Coordinator is rank 0's side: it holds no slots of its own.
type Coordinator struct {
	comm     mpi.Comm
	schedule Schedule
	slots    []int // by rank
	sched    *scheduler
	pulling  bool   // the workers serve the pull schedule
	in, out  []byte // buffers of messages

	silence time.Duration // after which a rank that holds evaluations is lost; 0: never
	heard   []time.Time   // by rank: when it last sent something, or was sent something while idle
	lost    map[int]bool  // the ranks that were given up
}

// NewCoordinator makes rank 0's side for workers with these slots, by rank; slots[0] is not used. A slot that takes batches counts as many
// times as a batch has evaluations. timeout is the longest time that an evaluation may take (0: none), preparation included: a rank
// that holds evaluations and says nothing for much longer is given up, and what it held comes back as lost.
func NewCoordinator(comm mpi.Comm, schedule Schedule, slots []int, timeout time.Duration) (*Coordinator, error) {
	switch schedule {
	case Pull, Collective, Auto:
	default:
		return nil, fmt.Errorf("dispatch: schedule = %q, want auto, pull or collective", schedule)
	}
	slots = append([]int{0}, slots[1:]...)
	c := &Coordinator{
		comm: comm, schedule: schedule, slots: slots, sched: newScheduler(slots),
		heard: make([]time.Time, len(slots)), lost: map[int]bool{},
	}
	if timeout > 0 {
		c.silence = 2*timeout + 30*time.Second
	}
	return c, nil
}

// Capacity implements l2l.Evaluator.
func (c *Coordinator) Capacity() int { return c.sched.capacity() }

// Submit implements l2l.Evaluator.
func (c *Coordinator) Submit(es []l2l.Evaluation) error {
	c.sched.add(es)
	return nil
}

// Next implements l2l.Evaluator.
func (c *Coordinator) Next(ctx context.Context) ([]l2l.Result, error) {
	if c.sched.outstanding() == 0 {
		return nil, errors.New("dispatch: Next without an evaluation to wait for")
	}
	if c.sched.slots == 0 {
		return nil, fmt.Errorf("dispatch: no rank is left: %v are lost", c.Lost())
	}
	if c.collective() {
		return c.round(ctx)
	}
	if !c.pulling {
		if _, err := c.comm.Bcast(ctx, 0, []byte{commandPull}); err != nil {
			return nil, err
		}
		c.pulling = true
	}
	if err := c.feed(); err != nil {
		return nil, err
	}
	return c.receive(ctx)
}

// collective reports whether what is queued should go out as a collective round.
func (c *Coordinator) collective() bool {
	if c.schedule == Collective {
		return true
	}
	return c.schedule == Auto && c.sched.idle() && c.sched.queued() >= 2*c.sched.slots &&
		c.sched.mean > 0 && c.sched.mean < collectiveBelow && len(c.lost) == 0
}

// feed sends chunks to the ranks that have room for them.
func (c *Coordinator) feed() error {
	for {
		rank, chunk := c.sched.next()
		if len(chunk) == 0 {
			return nil
		}
		if c.sched.ranks.load[rank].held == len(chunk) { // it had nothing
			c.heard[rank] = time.Now() // its silence begins now
		}
		c.out = appendTasks(c.out[:0], chunk)
		if err := c.comm.Send(rank, tagTasks, c.out); err != nil {
			return err
		}
	}
}

// receive waits for results.
func (c *Coordinator) receive(ctx context.Context) ([]l2l.Result, error) {
	for {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if c.silence > 0 {
			wait, cancel = context.WithTimeout(ctx, c.silence)
		}
		b, envelope, err := c.comm.Recv(wait, mpi.Any, tagResults, c.in)
		cancel()
		if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			if rs := c.giveUp(time.Now()); len(rs) > 0 {
				return rs, nil
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		c.in = b
		all, err := decodeResults(b)
		if err != nil {
			return nil, fmt.Errorf("from rank %d: %w", envelope.From, err)
		}
		c.heard[envelope.From] = time.Now()
		rs := all[:0]
		for _, r := range all {
			if c.sched.done(envelope.From, r) {
				rs = append(rs, r)
			}
		}
		if len(rs) > 0 {
			return rs, nil
		}
	}
}

// giveUp declares lost what is held by ranks that have been silent for too long.
func (c *Coordinator) giveUp(now time.Time) []l2l.Result {
	var rs []l2l.Result
	for rank := range c.slots {
		if c.sched.ranks.load[rank].held == 0 || now.Sub(c.heard[rank]) < c.silence {
			continue
		}
		c.lost[rank] = true
		for _, e := range c.sched.lost(rank) {
			r := answer(e)
			r.Outcome, r.Rank = l2l.Lost, rank
			r.Reason = fmt.Sprintf("rank %d has said nothing for %v", rank, now.Sub(c.heard[rank]).Round(time.Second))
			rs = append(rs, r)
		}
	}
	return rs
}

// Lost lists the ranks that were given up. A world with lost ranks cannot be closed in order, only aborted.
func (c *Coordinator) Lost() []int { return slices.Sorted(maps.Keys(c.lost)) }

// round runs everything that is queued as one collective round. It ends with the round, whatever ctx does: the ranks would be left in
// different places.
func (c *Coordinator) round(ctx context.Context) ([]l2l.Result, error) {
	ctx = context.WithoutCancel(ctx)
	if c.pulling {
		if err := c.sendAll(tagEnd); err != nil {
			return nil, err
		}
		c.pulling = false
	}
	es := c.sched.take(c.sched.queued())
	if _, err := c.comm.Bcast(ctx, 0, []byte{commandRound}); err != nil {
		return nil, err
	}
	if _, err := c.comm.Scatterv(ctx, 0, encodeRound(es, c.slots)); err != nil {
		return nil, err
	}
	parts, err := c.comm.Gatherv(ctx, 0, nil)
	if err != nil {
		return nil, err
	}
	all := make([]l2l.Result, 0, len(es))
	for rank, part := range parts[1:] {
		rs, err := decodeResults(part)
		if err != nil {
			return nil, fmt.Errorf("from rank %d: %w", rank+1, err)
		}
		all = append(all, rs...)
	}
	if len(all) != len(es) {
		return nil, fmt.Errorf("dispatch: %d results of a round of %d evaluations", len(all), len(es))
	}
	seconds := 0.0
	for _, r := range all {
		seconds += r.Seconds
	}
	c.sched.mean = average(c.sched.mean, seconds/float64(len(all)))
	return all, nil
}

// Close ends the workers' Serve. What they have under way is given up.
func (c *Coordinator) Close() error {
	ctx := context.Background()
	if !c.pulling {
		if len(c.lost) > 0 {
			return fmt.Errorf("dispatch: ranks %v are lost", c.Lost())
		}
		_, err := c.comm.Bcast(ctx, 0, []byte{commandStop})
		return err
	}
	if err := c.sendAll(tagStop); err != nil {
		return err
	}
	// Results may still be on their way; a rank's bye is its last message.
	for waiting := len(c.slots) - 1 - len(c.lost); waiting > 0; {
		_, envelope, err := c.comm.Recv(ctx, mpi.Any, mpi.Any, nil)
		if err != nil {
			return err
		}
		if envelope.Tag == tagBye {
			waiting--
		}
	}
	return nil
}

func (c *Coordinator) sendAll(tag int) error {
	for rank := 1; rank < len(c.slots); rank++ {
		if c.lost[rank] {
			continue
		}
		if err := c.comm.Send(rank, tag, nil); err != nil {
			return err
		}
	}
	return nil
}
