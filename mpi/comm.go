// Package mpi is message passing between the ranks of one run: a small interface, [Comm], and two
// implementations of it. [Local] makes n ranks of goroutines in one process; [World] is real MPI, compiled in
// with the build tag "mpi". One conformance suite, mpitest, holds both to the same words.
//
// The package moves bytes and float64, nothing else: no datatypes, no topologies, no one-sided operations, no
// signal handling, no recovery from a lost rank. It knows nothing of optimizers or optimizees.
//
// Never defer the Close of a [World] across a panic: the dying rank would wait in it for the others, for ever and
// silently. A main recovers, prints the panic, and calls Abort.
//
// MPICH installs its own handler for SIGUSR1, in a way the Go runtime forbids: do not send that signal to ranks
// built with it. SIGUSR2 and SIGTERM are free in every MPI; call signal.Notify after World.
package mpi

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	// ErrWoken is returned by a Probe that a Wake ended.
	ErrWoken = errors.New("mpi: woken")
	// ErrTooLarge is returned for messages, gathers and reductions of more than MaxBytes. In a collective all
	// ranks return it together, and the group stays usable.
	ErrTooLarge = errors.New("mpi: message too large")

	// errBroken is returned after a cancelled collective.
	errBroken = errors.New("mpi: a collective of this communicator was cancelled; only Abort and Close may follow")
)

// Envelope describes a message: the rank that sent it, its tag, and its length in bytes.
type Envelope struct {
	From, Tag, Len int
}

// Comm is a group of ranks 0 … Size()-1 that exchange messages. A Comm is this rank's view of the group.
//
// Goroutines. Rank, Size, Wake and Abort may be called from any goroutine at any time, all other methods by one goroutine at a time. For [World] a call
// during another one is an error, and so is its Close from another thread than that of World; in an MPI library that wants one thread, which is rare,
// any call from another thread is. [Unlocked] runs what is not to be bound to that thread.
//
// Waiting. Probe, Recv and the collectives wait with a back-off that leaves the core to others (a simulator, say),
// and return ctx.Err() when ctx ends first. A message that has begun to arrive is taken to its end, however. A
// collective that was cancelled has left the ranks in different places: after it only Abort and Close may be called.
//
// Collectives (Bcast, Gatherv, Reduce, Allreduce, Barrier, Split, Close) must be called by all ranks of the
// group in the same order, with the same root and Op. Any of them may wait for all ranks of the group.
type Comm interface {
	// Rank is this process's number in the group, 0 <= Rank() < Size().
	Rank() int
	// Size is the number of ranks in the group.
	Size() int

	// Send gives data to rank to (itself included) under tag, 0 <= tag <= MaxTag. It copies data and never waits for
	// the receiver: two ranks may send to each other before either receives. Messages between two ranks arrive in the
	// order in which they were sent. A large message moves only while both ranks are inside calls of this package.
	Send(to, tag int, data []byte) error
	// Probe waits for a message from rank from under tag (each may be Any) and describes it, leaving it in place.
	// A Recv with the Envelope's source and tag then takes that very message.
	Probe(ctx context.Context, from, tag int) (Envelope, error)
	// Recv waits for a message from rank from under tag (each may be Any) and takes it. The message is returned in
	// buf's array where it fits, in a new one otherwise.
	Recv(ctx context.Context, from, tag int, buf []byte) ([]byte, Envelope, error)
	// Wake makes the Probe that is waiting, or if there is none the next one to start, return ErrWoken unless it
	// finds a message; then the Wake stays for the Probe after it. Several Wakes before a Probe returns ErrWoken
	// count as one.
	Wake()

	// Bcast returns root's data on every rank; the other ranks' data is ignored, and they need not know its length. On
	// root the result is data itself, elsewhere a new slice.
	Bcast(ctx context.Context, root int, data []byte) ([]byte, error)
	// Gatherv returns on root a copy of the data of every rank, in rank order, and nil elsewhere. Lengths may differ
	// and may be 0.
	Gatherv(ctx context.Context, root int, data []byte) ([][]byte, error)
	// Reduce combines the x of all ranks into root's x; elsewhere x keeps its values. All x must have the same length,
	// otherwise every rank returns an error. Min and Max of values that include NaN are undefined.
	Reduce(ctx context.Context, root int, op Op, x []float64) error
	// Allreduce is Reduce into every rank's x.
	Allreduce(ctx context.Context, op Op, x []float64) error
	// Barrier returns when every rank has entered it.
	Barrier(ctx context.Context) error
	// Split divides the group by colour: ranks of one colour (>= 0) form a new Comm, ordered by key, then by rank. A
	// rank of colour Undefined gets nil. Close the new Comm before this one.
	Split(ctx context.Context, colour, key int) (Comm, error)

	// Close ends this rank's part: it waits until its sent messages are delivered, then leaves the group. Messages that
	// were sent to this rank and never received are dropped. For [World] it finalises MPI, after which no other World
	// may be made in this process. Close is idempotent.
	Close() error
	// Abort ends every rank of the world at once with the exit code, as well as can be done; for Local it makes every
	// call of every rank return an AbortError. For [World] it does not return, and waits a fifth of a second first, in
	// which the launcher reads what this rank has printed.
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

// checkSend reports whether n bytes may be sent.
func checkSend(to, tag, n, size int) error {
	if err := checkPeer("to", to, size, false); err != nil {
		return err
	}
	if err := checkTag(tag, false); err != nil {
		return err
	}
	return checkLen(n)
}

// checkRecv reports whether a message may be looked for.
func checkRecv(from, tag, size int) error {
	if err := checkPeer("from", from, size, true); err != nil {
		return err
	}
	return checkTag(tag, true)
}

// checkReduce reports whether vectors of these lengths, the shortest and the longest of the group, can be combined.
func checkReduce(shortest, longest int) error {
	if longest > MaxBytes/8 {
		return fmt.Errorf("%w: %d numbers to combine, want at most %d", ErrTooLarge, longest, MaxBytes/8)
	}
	if shortest != longest {
		return fmt.Errorf("mpi: vectors of %d and of %d numbers to combine, want one length on all ranks", shortest, longest)
	}
	return nil
}

// checkOp reports whether op is a reduction.
func checkOp(op Op) error {
	if op == Sum || op == Min || op == Max {
		return nil
	}
	return fmt.Errorf("mpi: op = %d, want Sum, Min or Max", op)
}

// checkSplit reports whether colour and key can be given to Split: MPI holds them in C ints.
func checkSplit(colour, key int) error {
	if colour < Undefined || colour > math.MaxInt32 {
		return fmt.Errorf("mpi: colour = %d, want a value in [0, %d] or Undefined", colour, math.MaxInt32)
	}
	if key < math.MinInt32 || key > math.MaxInt32 {
		return fmt.Errorf("mpi: key = %d, want a value in [%d, %d]", key, math.MinInt32, math.MaxInt32)
	}
	return nil
}

// sum is the number of bytes of all parts.
func sum(parts [][]byte) int {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// checkLen reports whether n bytes fit into one message or gather.
func checkLen(n int) error {
	if n <= MaxBytes {
		return nil
	}
	return fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLarge, n, MaxBytes)
}
