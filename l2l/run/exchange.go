package run

import (
	"context"
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Until the evaluations begin, all ranks go through the same exchange, so that whatever is wrong anywhere ends all of them in order, with
// rank 0 telling it:
//
//  1. every rank tells rank 0 where it runs (hello);
//  2. rank 0 sends the configuration and everybody's slots, or that it is over (briefing);
//  3. every rank makes its optimizees and tells rank 0 what went wrong, in a text that is "" where nothing did;
//  4. rank 0 sends whether the run begins.

// briefing is what rank 0 sends before the run.
type briefing struct {
	Over   bool // there will be no run
	Usage  bool // because what was asked for cannot be
	Config string
	Dir    string
	Slots  []int       // by rank; a relay has none, nor has a member of a team that another one leads
	Places []placement // by rank
	// Parallel is execution.parallel, settled.
	Parallel int
	Levels   int            // 1 or 2
	Teams    dispatch.Teams // of ranks that share evaluations; nil where each rank has its own
}

// check returns an error for a briefing that is not for a run of so many ranks.
func (b briefing) check(ranks int) error {
	if len(b.Slots) != ranks {
		return fmt.Errorf("run: a briefing with slots of %d ranks, want %d", len(b.Slots), ranks)
	}
	if len(b.Places) != ranks {
		return fmt.Errorf("run: a briefing with the places of %d ranks, want %d", len(b.Places), ranks)
	}
	levels := dispatch.NewLevels(ranks, b.Levels)
	for rank, n := range b.Slots {
		if (n < 1 || n > mostSlots) && !(n == 0 && (levels.Relays(rank) || b.Teams != nil)) {
			return fmt.Errorf("run: a briefing with %d slots for rank %d, want 1 to %d", n, rank, mostSlots)
		}
	}
	return nil
}

// send gives rank 0 a value, collectively.
func send(ctx context.Context, comm mpi.Comm, v any) error {
	b, err := codec.Marshal(v)
	if err != nil {
		return err
	}
	_, err = comm.Gatherv(ctx, 0, b)
	return err
}

// gather is the other end of send; rank 0's own value is among them.
func gather[T any](ctx context.Context, comm mpi.Comm, own T) ([]T, error) {
	b, err := codec.Marshal(own)
	if err != nil {
		return nil, err
	}
	parts, err := comm.Gatherv(ctx, 0, b)
	if err != nil {
		return nil, err
	}
	all := make([]T, len(parts))
	for rank, part := range parts {
		if err := codec.Unmarshal(part, &all[rank]); err != nil {
			return nil, fmt.Errorf("from rank %d: %w", rank, err)
		}
	}
	return all, nil
}

// broadcast gives every other rank a value.
func broadcast(ctx context.Context, comm mpi.Comm, v any) error {
	b, err := codec.Marshal(v)
	if err != nil {
		return err
	}
	_, err = comm.Bcast(ctx, 0, b)
	return err
}

// receive is the other end of broadcast.
func receive(ctx context.Context, comm mpi.Comm, v any) error {
	b, err := comm.Bcast(ctx, 0, nil)
	if err != nil {
		return err
	}
	return codec.Unmarshal(b, v)
}
