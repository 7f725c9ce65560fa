// Package mpi is message passing between the ranks of one run: a small interface, [Comm], and two
// implementations of it. [Local] makes n ranks of goroutines in one process; [World] is real MPI, compiled in
// with the build tag "mpi". One conformance suite, mpitest, holds both to the same words.
//
// The package moves bytes and float64, nothing else: no datatypes, no derived communicator topologies, no
// one-sided operations. It knows nothing of optimizers or optimizees.
package mpi

import (
	"context"
	"errors"
	"fmt"
)

// Any, as the source or the tag of [Comm.Probe] and [Comm.Recv], matches every source or every tag.
const Any = -1

// MaxTag is the largest tag a message may carry: the least upper bound that the MPI standard promises (MPI 3.1,
// section 8.1.2).
const MaxTag = 32767

// MaxBytes is the longest message and the longest sum of one gather, 2 GiB less one byte: MPI counts are C ints.
const MaxBytes = 1<<31 - 1

// Undefined, as the colour of [Comm.Split], joins no group.
const Undefined = -1

// Op is what Reduce and Allreduce do element by element.
type Op int

// The reductions. Sums are made in an order that MPI chooses: the last bits may differ between numbers of ranks.
const (
	Sum Op = iota
	Min
	Max
)

var (
	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("mpi: communicator is closed")
	// ErrWoken is returned by the Probe that a Wake interrupted.
	ErrWoken = errors.New("mpi: woken")
	// ErrTooLarge is returned for messages longer than MaxBytes.
	ErrTooLarge = errors.New("mpi: message too large")
)

// Envelope describes a message: the rank that sent it, its tag, and its length in bytes.
type Envelope struct {
	From, Tag, Len int
}

// Comm is a group of ranks 0 … Size()-1 that exchange messages. A Comm is this rank's view of the group.
//
// Goroutines. All methods but Wake and Abort must be called from the goroutine that made the Comm; for real MPI
// that goroutine is locked to its OS thread, and a call from another thread is an error.
//
// Waiting. Probe, Recv and the collectives wait with a back-off that leaves the core to others (a simulator, say),
// and return ctx.Err() when ctx ends first. A collective that was cancelled has left the ranks in different places:
// after it only Abort and Close may be called.
//
// Collectives (Bcast, Gatherv, Reduce, Allreduce, Barrier, Split, Close) must be called by all ranks of the group in
// the same order.
type Comm interface {
	// Rank is this process's number in the group, 0 <= Rank() < Size().
	Rank() int
	// Size is the number of ranks in the group.
	Size() int

	// Send gives data to rank to (itself included) under tag, 0 <= tag <= MaxTag. It copies data and never waits for the receiver:
	// two ranks may send to each other before either receives. Messages between two ranks arrive in the order in which they were sent.
	Send(to, tag int, data []byte) error
	// Probe waits for a message from rank from under tag (each may be Any) and describes it, leaving it in place.
	// A Recv with the Envelope's source and tag then takes that very message.
	Probe(ctx context.Context, from, tag int) (Envelope, error)
	// Recv waits for a message from rank from under tag (each may be Any) and takes it. The message is returned in
	// buf's array where it fits, in a new one otherwise.
	Recv(ctx context.Context, from, tag int, buf []byte) ([]byte, Envelope, error)
	// Wake makes the Probe that is waiting, or if there is none the next one to start, return ErrWoken unless it
	// finds a message. Several Wakes before a Probe count as one. It may be called from any goroutine.
	Wake()

	// Bcast returns root's data on every rank; the other ranks' data is ignored, and they need not know its length. On
	// root the result is data itself, elsewhere a new slice.
	Bcast(ctx context.Context, root int, data []byte) ([]byte, error)
	// Gatherv returns on root the data of every rank, in rank order, and nil elsewhere. Lengths may differ and may be 0.
	Gatherv(ctx context.Context, root int, data []byte) ([][]byte, error)
	// Reduce combines the x of all ranks, which must have the same length everywhere, into root's x; elsewhere x keeps its
	// values.
	Reduce(ctx context.Context, root int, op Op, x []float64) error
	// Allreduce combines the x of all ranks, which must have the same length everywhere, into every rank's x.
	Allreduce(ctx context.Context, op Op, x []float64) error
	// Barrier returns when every rank has entered it.
	Barrier(ctx context.Context) error
	// Split divides the group by colour: ranks of one colour (>= 0) form a new Comm, ordered by key, then by rank. A rank of
	// colour Undefined gets nil.
	Split(ctx context.Context, colour, key int) (Comm, error)

	// Close ends this rank's part: it waits until its sent messages are delivered, then leaves the group. For [World] it
	// finalises MPI, after which no other may be made in this process. Close is idempotent.
	Close() error
	// Abort ends every rank of the world at once with the exit code, as well as can be done; for Local it makes every call
	// of every rank return an error. It may be called from any goroutine and, for [World], does not return.
	Abort(code int)
}

// checkPeer reports whether rank is a rank of c, or Any where any is allowed.
func checkPeer(what string, rank, size int, anyAllowed bool) error {
	if rank >= 0 && rank < size || anyAllowed && rank == Any {
		return nil
	}
	return fmt.Errorf("mpi: %s = %d, want a rank in [0, %d)", what, rank, size)
}

// checkTag reports whether tag can be carried, or is Any where any is allowed.
func checkTag(tag int, anyAllowed bool) error {
	if tag >= 0 && tag <= MaxTag || anyAllowed && tag == Any {
		return nil
	}
	return fmt.Errorf("mpi: tag = %d, want a value in [0, %d]", tag, MaxTag)
}

// checkLen reports whether n bytes fit into one message.
func checkLen(n int) error {
	if n <= MaxBytes {
		return nil
	}
	return fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLarge, n, MaxBytes)
}
