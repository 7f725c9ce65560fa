package mpitest

import (
	"context"
	"errors"
	"fmt"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

var splits = []Scenario{
	{"Split groups the ranks by colour and orders them by key", splitOrder},
	{"a rank of colour Undefined gets no group", splitUndefined},
	{"messages of a part and of the whole do not mix", splitSeparate},
	{"after Close every method returns ErrClosed", closed},
	{"Close drops what nobody received", closeUnreceived},
}

func splitOrder(ctx context.Context, c mpi.Comm) error {
	colour := c.Rank() % 2
	part, err := c.Split(ctx, colour, -c.Rank()) // in the opposite order
	if err != nil {
		return err
	}
	var members []int // ranks in c, by rank in part
	for r := c.Size() - 1; r >= 0; r-- {
		if r%2 == colour {
			members = append(members, r)
		}
	}
	if part.Size() != len(members) || members[part.Rank()] != c.Rank() {
		return fmt.Errorf("rank %d of %d in the part, want a rank in %v", part.Rank(), part.Size(), members)
	}
	for _, run := range []func(context.Context, mpi.Comm) error{inOrder, bcast, gatherv, reduce, allreduce} {
		if err := run(ctx, part); err != nil {
			return fmt.Errorf("in the part: %w", err)
		}
	}
	same, err := part.Split(ctx, 7, 0) // equal keys: the order of ranks stays
	if err != nil {
		return err
	}
	if same.Rank() != part.Rank() || same.Size() != part.Size() {
		return fmt.Errorf("rank %d of %d in the part's part, want %d of %d", same.Rank(), same.Size(), part.Rank(), part.Size())
	}
	return errors.Join(usable(ctx, same), same.Close(), usable(ctx, part), part.Close(), usable(ctx, c))
}

func splitUndefined(ctx context.Context, c mpi.Comm) error {
	colour := 0
	if c.Rank() == 0 {
		colour = mpi.Undefined
	}
	part, err := c.Split(ctx, colour, 0)
	if err != nil {
		return err
	}
	if c.Rank() == 0 {
		if part != nil {
			return errors.New("colour Undefined got a group")
		}
		return usable(ctx, c)
	}
	if part.Size() != c.Size()-1 || part.Rank() != c.Rank()-1 {
		return fmt.Errorf("rank %d of %d in the part, want %d of %d", part.Rank(), part.Size(), c.Rank()-1, c.Size()-1)
	}
	return errors.Join(usable(ctx, part), part.Close(), usable(ctx, c))
}

func splitSeparate(ctx context.Context, c mpi.Comm) error {
	part, err := c.Split(ctx, 0, 0)
	if err != nil {
		return err
	}
	return errors.Join(
		part.Send(next(c), 1, []byte("part")),
		c.Send(next(c), 1, []byte("whole")),
		receive(ctx, c, prev(c), 1, []byte("whole")),
		receive(ctx, part, prev(c), 1, []byte("part")),
		part.Close(),
	)
}

func closed(ctx context.Context, c mpi.Comm) error {
	part, err := c.Split(ctx, 0, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(part.Close(), part.Close()); err != nil {
		return err
	}
	part.Wake()
	_, probe := part.Probe(ctx, mpi.Any, mpi.Any)
	_, _, recv := part.Recv(ctx, mpi.Any, mpi.Any, nil)
	_, bcast := part.Bcast(ctx, 0, nil)
	_, gatherv := part.Gatherv(ctx, 0, nil)
	_, split := part.Split(ctx, 0, 0)
	for call, err := range map[string]error{
		"Send": part.Send(0, 0, nil), "Probe": probe, "Recv": recv, "Bcast": bcast, "Gatherv": gatherv,
		"Reduce": part.Reduce(ctx, 0, mpi.Sum, nil), "Allreduce": part.Allreduce(ctx, mpi.Sum, nil),
		"Barrier": part.Barrier(ctx), "Split": split,
	} {
		if err != mpi.ErrClosed {
			return fmt.Errorf("%s after Close returned %v, want ErrClosed", call, err)
		}
	}
	return usable(ctx, c)
}

func closeUnreceived(ctx context.Context, c mpi.Comm) error {
	part, err := c.Split(ctx, 0, 0)
	if err != nil {
		return err
	}
	for _, n := range []int{0, 100, 4 << 20} {
		if err := part.Send(next(c), 1, pattern(n, 0)); err != nil {
			return err
		}
	}
	return errors.Join(part.Close(), usable(ctx, c))
}
