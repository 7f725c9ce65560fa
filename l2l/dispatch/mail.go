package dispatch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// mail is what a member of a team has for the others, and they for it: on one side of it is the goroutine that evaluates, with an optimizee.Team, on the
// other the one that may call MPI, which never waits for the first one.
//
// What is sent has the number of its evaluation. So nothing of one that was given up is taken for a part of the next one, however late it comes.
type mail struct {
	rank, size int
	ring       func() // tells the goroutine that may call MPI to look

	mu      sync.Mutex
	changed sync.Cond
	number  int64                   // of the evaluation under way; 0 for none
	joined  bool                    // the optimizee has been called for it
	waiting bool                    // it waits for what another member sends, or for its end
	whole   bool                    // all other members have ended their parts
	cancel  context.CancelCauseFunc // ends the context of the call
	in      [][]delivery            // that have come and were not asked for yet, by laneOf
	out     []letter                // that are to be sent
}

// delivery is what has come of a member, as it came.
type delivery struct {
	number int64
	data   []byte
}

// letter is what is to be sent to a member.
type letter struct {
	to   int
	data []byte
}

// The lanes between two members: what is sent in one is received in that one.
const (
	apart    = iota // Send and Recv
	together        // the others
	lanes
)

func laneOf(from, lane int) int { return lanes*from + lane }

// errOver is the error of calls for an evaluation that is over.
var errOver = errors.New("the evaluation is over on this rank of the team")

func newMail(rank, size int, ring func()) *mail {
	m := &mail{rank: rank, size: size, ring: ring, in: make([][]delivery, lanes*size)}
	m.changed.L = &m.mu
	return m
}

// begin has the evaluation of a number be under way, which is larger than that of any before.
func (m *mail) begin(number int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.number, m.joined, m.waiting, m.whole, m.cancel = number, false, false, false, nil
	for lane, deliveries := range m.in {
		stale := 0
		for stale < len(deliveries) && deliveries[stale].number < number {
			stale++
		}
		m.in[lane] = deliveries[stale:]
	}
}

// over has the evaluation be over on this rank, if it is that of the number: its calls return why, and its context ends.
func (m *mail) over(number int64, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.number != number || number == 0 {
		return
	}
	m.number, m.waiting = 0, false
	if m.cancel != nil {
		m.cancel(why)
	}
	m.changed.Broadcast()
}

// has reports whether the optimizee has been called for the evaluation of the number, which is under way.
func (m *mail) has(number int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.number == number && m.joined
}

// ended has all other members have ended their parts.
func (m *mail) ended() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.whole, m.waiting = true, false
	m.changed.Broadcast()
}

// computing reports whether the optimizee is at work, so that what it has to say next is not to be waited for in MPI.
func (m *mail) computing() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.number != 0 && !m.waiting
}

// letters takes what is to be sent.
func (m *mail) letters() []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.out
	m.out = nil
	return out
}

// deliver takes in what a member has sent.
func (m *mail) deliver(from int, b []byte) error {
	if len(b) < 8 || len(b)%8 != 0 {
		return fmt.Errorf("dispatch: a message of %d bytes from rank %d of the team, want some eights", len(b), from)
	}
	head := binary.LittleEndian.Uint64(b)
	p, lane := delivery{int64(head / lanes), b[8:]}, laneOf(from, int(head%lanes))
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.number >= m.number { // it may be of an evaluation that this rank does not know of yet
		m.in[lane] = append(m.in[lane], p)
		m.waiting = false // if it waits for another one, it says so again
		m.changed.Broadcast()
	}
	return nil
}

// evaluate calls the optimizee with the team. That of rank 0 has ended when all others have.
func (m *mail) evaluate(ctx context.Context, o optimizee.Optimizee, e optimizee.Evaluation) (optimizee.Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errOver)
	defer context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.changed.Broadcast()
	})()
	m.mu.Lock()
	c := &colleague{mail: m, number: m.number, ctx: ctx}
	m.joined, m.cancel = true, cancel
	if m.number == 0 {
		cancel(errOver)
	}
	m.mu.Unlock()
	m.ring()
	e.Team = c
	out, err := o.Evaluate(ctx, e)
	if err == nil && m.rank == 0 {
		m.mu.Lock()
		defer m.mu.Unlock()
		err = c.await(func() bool { return m.whole })
	}
	return out, err
}

// colleague is the team of one evaluation, as an optimizee sees it.
type colleague struct {
	*mail
	number int64
	ctx    context.Context
}

var _ optimizee.Team = (*colleague)(nil)

func (c *colleague) Rank() int { return c.rank }
func (c *colleague) Size() int { return c.size }

func (c *colleague) Send(to int, data []float64) error { return c.send("to", to, apart, data) }

func (c *colleague) Recv(from int, data []float64) error { return c.receive("from", from, apart, data) }

func (c *colleague) Bcast(root int, data []float64) error {
	if c.rank != root {
		return c.receive("root", root, together, data)
	}
	for to := range c.size {
		if to == root {
			continue
		}
		if err := c.send("to", to, together, data); err != nil {
			return err
		}
	}
	return nil
}

func (c *colleague) Allreduce(data []float64) error {
	if c.rank != 0 {
		if err := c.send("to", 0, together, data); err != nil {
			return err
		}
		return c.Bcast(0, data)
	}
	part := make([]float64, len(data))
	for from := 1; from < c.size; from++ {
		if err := c.receive("from", from, together, part); err != nil {
			return err
		}
		for i, x := range part {
			data[i] += x
		}
	}
	return c.Bcast(0, data)
}

func (c *colleague) Barrier() error { return c.Allreduce(nil) }

// await waits until something holds that others bring about. Its error is why the evaluation is over, if it is. The mutex is held.
func (c *colleague) await(holds func() bool) error {
	for {
		if err := c.over(); err != nil {
			return err
		}
		if holds() {
			return nil
		}
		c.waiting = true
		c.ring()
		c.changed.Wait()
	}
}

// over returns why the evaluation is over, if it is. The mutex is held.
func (c *colleague) over() error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if c.mail.number != c.number {
		return errOver
	}
	return nil
}

// check returns an error unless there is such a member.
func (c *colleague) check(what string, rank int) error {
	if rank < 0 || rank >= c.size {
		return fmt.Errorf("dispatch: %s = %d, want a rank of the team, in [0, %d)", what, rank, c.size)
	}
	return nil
}

func (c *colleague) send(what string, to, lane int, data []float64) error {
	if err := c.check(what, to); err != nil {
		return err
	}
	if n := mpi.MaxBytes/8 - 1; len(data) > n {
		return fmt.Errorf("dispatch: %d numbers to send within a team, want at most %d", len(data), n)
	}
	b := make([]byte, 8, 8*(len(data)+1))
	binary.LittleEndian.PutUint64(b, uint64(c.number)*lanes+uint64(lane))
	for _, x := range data {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.over(); err != nil {
		return err
	}
	c.out = append(c.out, letter{to, b})
	c.ring()
	return nil
}

func (c *colleague) receive(what string, from, lane int, data []float64) error {
	if err := c.check(what, from); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	deliveries := &c.in[laneOf(from, lane)]
	err := c.await(func() bool { return len(*deliveries) > 0 && (*deliveries)[0].number == c.number })
	if err != nil {
		return err
	}
	b := (*deliveries)[0].data
	*deliveries = (*deliveries)[1:]
	if len(b) != 8*len(data) {
		return fmt.Errorf("dispatch: rank %d of the team has sent %d numbers, want %d", from, len(b)/8, len(data))
	}
	for i := range data {
		data[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return nil
}
