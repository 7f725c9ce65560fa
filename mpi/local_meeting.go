package mpi

import (
	"context"
	"fmt"
)

// call is what all ranks must agree on when they meet.
type call struct {
	name string
	root int
	op   Op
}

func (k call) String() string { return fmt.Sprintf("%s(root %d, op %d)", k.name, k.root, k.op) }

// meeting is one collective of a local group: each rank lays down its part, and the last to come makes of them the
// result for all.
type meeting struct {
	first   int  // the rank that came first
	call    call // and what it called
	parts   []any
	present int
	done    chan struct{} // closed when result and err are set
	result  any
	err     error
}

func newMeeting(n int) *meeting { return &meeting{parts: make([]any, n), done: make(chan struct{})} }

// meet waits for all ranks and returns what finish makes of their parts, by rank. finish runs once, on one of the ranks
// while the others stand still: it may read all parts, but the result must not share memory that a rank goes on to use.
func meet[P, R any](ctx context.Context, c *local, k call, part P, finish func(parts []P) (R, error)) (R, error) {
	var none R
	if err := c.ready(ctx); err != nil {
		if err == ctx.Err() {
			c.dead = errBroken
		}
		return none, err
	}
	m := c.join(k, part, func(parts []any) (any, error) {
		typed := make([]P, len(parts))
		for i := range parts {
			typed[i] = parts[i].(P)
		}
		return finish(typed)
	})
	if err := c.pause(ctx, m.done); err != nil && c.leave(m) {
		return none, err
	}
	if m.err != nil {
		return none, m.err
	}
	return m.result.(R), nil
}

// join adds this rank's part to the current meeting and, as the last to come, ends it.
func (c *local) join(k call, part any, finish func(parts []any) (any, error)) *meeting {
	g := c.group
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.meeting
	if m.present == 0 {
		m.first, m.call = c.rank, k
	} else if m.call != k {
		m.err = fmt.Errorf("mpi: rank %d calls %v while rank %d calls %v", c.rank, k, m.first, m.call)
	}
	m.parts[c.rank] = part
	m.present++
	if m.present == len(m.parts) {
		if m.err == nil {
			m.result, m.err = finish(m.parts)
		}
		m.parts = nil
		g.meeting = newMeeting(len(g.boxes))
		close(m.done)
	}
	return m
}

// leave takes this rank's part back and reports true, or reports false if the meeting has ended in the meantime.
// A meeting that was left never ends.
func (c *local) leave(m *meeting) bool {
	c.group.mu.Lock()
	defer c.group.mu.Unlock()
	if c.group.meeting != m {
		return false
	}
	m.parts[c.rank] = nil
	m.present--
	c.dead = errBroken
	return true
}
