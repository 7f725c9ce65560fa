package mpi

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
)

// Local returns a group of n ranks in this process, for tests and for machines without MPI. Element i is rank i and is
// to be used by one goroutine. Mailboxes are unbounded and nothing polls. Every collective but Close waits for all
// ranks, the strictest behaviour that the contract allows, and says so when ranks call different ones.
func Local(n int) []Comm {
	g := newGroup(n, &abort{done: make(chan struct{})})
	comms := make([]Comm, n)
	for i := range comms {
		comms[i] = &local{group: g, rank: i}
	}
	return comms
}

// AbortError is what every call returns after an Abort of a [Local] rank.
type AbortError struct {
	Code int // the exit code given to Abort
}

// Error implements error.
func (e AbortError) Error() string { return fmt.Sprintf("mpi: aborted with code %d", e.Code) }

// local is one rank's view of a group.
type local struct {
	group *group
	rank  int
	dead  error // ErrClosed or errBroken: why this rank can do no more
}

var _ Comm = (*local)(nil)

// group is what the ranks of one communicator share.
type group struct {
	boxes []*mailbox // by rank
	abort *abort     // shared with all groups that were split from the same Local

	mu      sync.Mutex
	meeting *meeting // the collective that ranks are gathering for
}

func newGroup(n int, a *abort) *group {
	g := &group{boxes: make([]*mailbox, n), abort: a, meeting: newMeeting(n)}
	for i := range g.boxes {
		g.boxes[i] = newMailbox()
	}
	return g
}

// abort is set once and then ends every call.
type abort struct {
	once sync.Once
	code int
	done chan struct{}
}

func (a *abort) set(code int) {
	a.once.Do(func() {
		a.code = code
		close(a.done)
	})
}

func (c *local) Rank() int { return c.rank }

func (c *local) Size() int { return len(c.group.boxes) }

// ready returns why no call can start, if so.
func (c *local) ready(ctx context.Context) error {
	select {
	case <-c.group.abort.done:
		return AbortError{c.group.abort.code}
	default:
	}
	if c.dead != nil {
		return c.dead
	}
	return ctx.Err()
}

// pause waits until ch is ready, ctx ends, or the group is aborted.
func (c *local) pause(ctx context.Context, ch <-chan struct{}) error {
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.group.abort.done:
		return AbortError{c.group.abort.code}
	}
}

func (c *local) Send(to, tag int, data []byte) error {
	if err := c.ready(context.Background()); err != nil {
		return err
	}
	if err := checkSend(to, tag, len(data), c.Size()); err != nil {
		return err
	}
	c.group.boxes[to].put(&message{from: c.rank, tag: tag, data: bytes.Clone(data)})
	return nil
}

func (c *local) Probe(ctx context.Context, from, tag int) (Envelope, error) {
	m, err := c.find(ctx, from, tag, false)
	if err != nil {
		return Envelope{}, err
	}
	return m.envelope(), nil
}

func (c *local) Recv(ctx context.Context, from, tag int, buf []byte) ([]byte, Envelope, error) {
	m, err := c.find(ctx, from, tag, true)
	if err != nil {
		return nil, Envelope{}, err
	}
	if len(m.data) <= cap(buf) {
		return append(buf[:0], m.data...), m.envelope(), nil
	}
	return m.data, m.envelope(), nil
}

// find waits for a message in this rank's mailbox, and removes it if take is set.
func (c *local) find(ctx context.Context, from, tag int, take bool) (*message, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	if err := checkRecv(from, tag, c.Size()); err != nil {
		return nil, err
	}
	box := c.group.boxes[c.rank]
	for {
		if m, err := box.look(from, tag, take); m != nil || err != nil {
			return m, err
		}
		if err := c.pause(ctx, box.bell); err != nil {
			return nil, err
		}
	}
}

func (c *local) Wake() { c.group.boxes[c.rank].wake() }

func (c *local) Bcast(ctx context.Context, root int, data []byte) ([]byte, error) {
	if err := checkPeer("root", root, c.Size(), false); err != nil {
		return nil, err
	}
	all, err := meet(ctx, c, call{name: "Bcast", root: root}, data, func(parts [][]byte) ([][]byte, error) {
		if err := checkLen(len(parts[root])); err != nil {
			return nil, err
		}
		copies := make([][]byte, len(parts))
		for i := range copies {
			if i == root {
				copies[i] = parts[root]
			} else {
				copies[i] = bytes.Clone(parts[root])
			}
		}
		return copies, nil
	})
	if err != nil {
		return nil, err
	}
	return all[c.rank], nil
}

func (c *local) Gatherv(ctx context.Context, root int, data []byte) ([][]byte, error) {
	if err := checkPeer("root", root, c.Size(), false); err != nil {
		return nil, err
	}
	all, err := meet(ctx, c, call{name: "Gatherv", root: root}, data, func(parts [][]byte) ([][]byte, error) {
		if err := checkLen(sum(parts)); err != nil {
			return nil, err
		}
		copies := make([][]byte, len(parts))
		for i, p := range parts {
			copies[i] = bytes.Clone(p)
		}
		return copies, nil
	})
	if err != nil || c.rank != root {
		return nil, err
	}
	return all, nil
}

func (c *local) Reduce(ctx context.Context, root int, op Op, x []float64) error {
	if err := checkPeer("root", root, c.Size(), false); err != nil {
		return err
	}
	all, err := c.combine(ctx, call{name: "Reduce", root: root, op: op}, x)
	if c.rank == root {
		copy(x, all)
	}
	return err
}

func (c *local) Allreduce(ctx context.Context, op Op, x []float64) error {
	all, err := c.combine(ctx, call{name: "Allreduce", op: op}, x)
	copy(x, all)
	return err
}

// combine returns the reduction of all x, one slice for all ranks to read.
func (c *local) combine(ctx context.Context, k call, x []float64) ([]float64, error) {
	if err := checkOp(k.op); err != nil {
		return nil, err
	}
	return meet(ctx, c, k, x, func(parts [][]float64) ([]float64, error) {
		shortest, longest := len(parts[0]), len(parts[0])
		for _, p := range parts {
			shortest, longest = min(shortest, len(p)), max(longest, len(p))
		}
		if err := checkReduce(shortest, longest); err != nil {
			return nil, err
		}
		acc := slices.Clone(parts[0])
		for _, p := range parts[1:] {
			for i, v := range p {
				switch k.op {
				case Sum:
					acc[i] += v
				case Min:
					acc[i] = min(acc[i], v)
				case Max:
					acc[i] = max(acc[i], v)
				}
			}
		}
		return acc, nil
	})
}

func (c *local) Barrier(ctx context.Context) error {
	type nothing struct{}
	_, err := meet(ctx, c, call{name: "Barrier"}, nothing{}, func([]nothing) (nothing, error) { return nothing{}, nil })
	return err
}

func (c *local) Split(ctx context.Context, colour, key int) (Comm, error) {
	if err := checkSplit(colour, key); err != nil {
		return nil, err
	}
	type place struct{ colour, key, rank int }
	comms, err := meet(ctx, c, call{name: "Split"}, place{colour, key, c.rank}, func(places []place) ([]Comm, error) {
		teams := map[int][]place{}
		for _, p := range places {
			if p.colour != Undefined {
				teams[p.colour] = append(teams[p.colour], p)
			}
		}
		comms := make([]Comm, len(places))
		for _, team := range teams {
			slices.SortStableFunc(team, func(a, b place) int { return cmp.Compare(a.key, b.key) }) // places come by rank
			g := newGroup(len(team), c.group.abort)
			for i, p := range team {
				comms[p.rank] = &local{group: g, rank: i}
			}
		}
		return comms, nil
	})
	if err != nil {
		return nil, err
	}
	return comms[c.rank], nil
}

// Close has nothing to wait for: a message is in its mailbox when Send returns.
func (c *local) Close() error {
	c.dead = ErrClosed
	return nil
}

func (c *local) Abort(code int) { c.group.abort.set(code) }
