//go:build mpi

package mpi

// #include <mpi.h>
import "C"

import (
	"unsafe"

	gompi "github.com/sbromberger/gompi"
)

// gompiComm is the part of MPI that gompi does for us: rank, size, and the reductions of float64. The rest is not used.
// BcastBytes passes a count of bytes as a count of MPI_INTs and overruns its buffers fourfold. The receives with
// wildcards probe, and then receive with the same wildcards instead of what they have found, so that messages mix.
// Stop in a defer hangs on a panic. And there is no gather, no split, and no way to wait without burning the core.
//
// What is used drops return codes and waits blocking. So it gets communicators on which an error ends the job rather than
// going unseen (of all ranks, MPI_COMM_WORLD itself), and world calls it only when all ranks are about to.
type gompiComm struct {
	g *gompi.Communicator
}

// newGompiComm wraps a communicator that gompi has not made. gompi has no constructor for that; the handle is its first
// field, as TestGompiCommunicatorBeginsWithItsHandle makes sure.
func newGompiComm(handle C.MPI_Comm) gompiComm {
	g := new(gompi.Communicator)
	*(*C.MPI_Comm)(unsafe.Pointer(g)) = handle
	return gompiComm{g}
}

func worldRank() int { return gompi.WorldRank() }

func (c gompiComm) rank() int { return c.g.Rank() }

func (c gompiComm) size() int { return c.g.Size() }

// reduce returns on root the combination of all x, on other ranks something else; allreduce returns it on all. x must
// be of the same length > 0 on all ranks: gompi takes the address of its first element, and the count from one of the
// two slices it is given. Both slices are made here, on every rank, because gompi needs them there too, and because a
// part of a larger object with pointers in it would fail cgo's checks.
func (c gompiComm) reduce(root int, op Op, x []float64) ([]float64, error) {
	orig, dest := twoSlices(x)
	err := c.g.ReduceFloat64s(dest, orig, gompiOp[op], root)
	return dest, err
}

func (c gompiComm) allreduce(op Op, x []float64) ([]float64, error) {
	orig, dest := twoSlices(x)
	err := c.g.AllreduceFloat64s(dest, orig, gompiOp[op], 0) // gompi ignores the 0, a root
	return dest, err
}

var gompiOp = [...]gompi.Op{Sum: gompi.OpSum, Min: gompi.OpMin, Max: gompi.OpMax}

// twoSlices returns a copy of x and a slice as long.
func twoSlices(x []float64) (orig, dest []float64) {
	both := make([]float64, 2*len(x))
	copy(both, x)
	return both[:len(x)], both[len(x):]
}
