package mpitest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

var collectives = []Scenario{
	{"Bcast gives root's data to ranks that do not know its length", bcast},
	{"Gatherv gathers unequal and empty parts in rank order", gatherv},
	{"Reduce combines into root's vector and leaves the others", reduce},
	{"Allreduce combines into every rank's vector", allreduce},
	{"vectors of unequal lengths are an error on every rank, and the group stays usable", unequal},
	{"too large a collective is ErrTooLarge on every rank, and the group stays usable", tooLarge},
	{"Barrier returns nowhere before every rank has entered", barrier},
}

func bcast(ctx context.Context, c mpi.Comm) error {
	for root := range c.Size() {
		lengths := []int{0, 1, 16}
		if root == c.Size()-1 {
			lengths = append(lengths, 1<<20)
		}
		for _, n := range lengths {
			// The data stands between guards, to see that nobody writes, or reads on, beyond its ends.
			arena := bytes.Repeat([]byte{0xee}, n+64)
			data := arena[32 : 32+n : 32+n]
			if c.Rank() == root {
				copy(data, pattern(n, root))
			}
			before := bytes.Clone(arena)
			got, err := c.Bcast(ctx, root, data)
			if err != nil {
				return err
			}
			if !bytes.Equal(got, pattern(n, root)) {
				return fmt.Errorf("root %d: received %s, want %s", root, brief(got), brief(pattern(n, root)))
			}
			if !bytes.Equal(arena, before) {
				return fmt.Errorf("root %d, %d bytes: Bcast wrote to the data it was given or beside it", root, n)
			}
			if n > 0 && (unsafe.SliceData(got) == unsafe.SliceData(data)) != (c.Rank() == root) {
				return fmt.Errorf("root %d, %d bytes: want data itself on root and a new slice elsewhere", root, n)
			}
		}
	}
	return nil
}

func gatherv(ctx context.Context, c mpi.Comm) error {
	part := func(rank, scale int) []byte { return pattern(rank%3*scale, rank) }
	for root := range c.Size() {
		for _, scale := range []int{0, 1, 5, 40000} {
			data := part(c.Rank(), scale)
			got, err := c.Gatherv(ctx, root, data)
			if err != nil {
				return err
			}
			if c.Rank() != root {
				if got != nil {
					return fmt.Errorf("root %d: %d parts on rank %d, want nil", root, len(got), c.Rank())
				}
				continue
			}
			clear(data)
			if len(got) != c.Size() {
				return fmt.Errorf("%d parts, want %d", len(got), c.Size())
			}
			for rank := range got {
				if want := part(rank, scale); !bytes.Equal(got[rank], want) {
					return fmt.Errorf("part of rank %d is %s, want %s", rank, brief(got[rank]), brief(want))
				}
			}
		}
	}
	return nil
}

// vector is rank's contribution: whole numbers, so that sums are exact in any order.
func vector(rank, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64((rank*37+i*11)%101 - 50)
	}
	return x
}

// combined is what op makes of the vectors of all ranks.
func combined(op mpi.Op, size, n int) []float64 {
	acc := vector(0, n)
	for rank := 1; rank < size; rank++ {
		for i, v := range vector(rank, n) {
			switch op {
			case mpi.Sum:
				acc[i] += v
			case mpi.Min:
				acc[i] = min(acc[i], v)
			case mpi.Max:
				acc[i] = max(acc[i], v)
			}
		}
	}
	return acc
}

var (
	ops     = []mpi.Op{mpi.Sum, mpi.Min, mpi.Max}
	lengths = []int{0, 1, 7, 5000}
)

func reduce(ctx context.Context, c mpi.Comm) error {
	for root := range c.Size() {
		for _, op := range ops {
			for _, n := range lengths {
				x, want := vector(c.Rank(), n), vector(c.Rank(), n)
				if c.Rank() == root {
					want = combined(op, c.Size(), n)
				}
				if err := c.Reduce(ctx, root, op, x); err != nil {
					return err
				}
				if !slices.Equal(x, want) {
					return fmt.Errorf("root %d, op %d, length %d: x is not as it should be on rank %d", root, op, n, c.Rank())
				}
			}
		}
	}
	return nil
}

func allreduce(ctx context.Context, c mpi.Comm) error {
	for _, op := range ops {
		for _, n := range lengths {
			x := vector(c.Rank(), n)
			if err := c.Allreduce(ctx, op, x); err != nil {
				return err
			}
			if !slices.Equal(x, combined(op, c.Size(), n)) {
				return fmt.Errorf("op %d, length %d: x is not as it should be", op, n)
			}
		}
	}
	return nil
}

func unequal(ctx context.Context, c mpi.Comm) error {
	if c.Size() == 1 {
		return nil // nothing to be unequal to
	}
	x := make([]float64, 5)
	if c.Rank() == c.Size()-1 {
		x = x[:4]
	}
	if err := c.Allreduce(ctx, mpi.Sum, x); err == nil {
		return errors.New("no error from Allreduce of unequal lengths")
	}
	if err := c.Reduce(ctx, 0, mpi.Sum, x); err == nil {
		return errors.New("no error from Reduce of unequal lengths")
	}
	return usable(ctx, c)
}

func tooLarge(ctx context.Context, c mpi.Comm) error {
	large, err := mapped(mpi.MaxBytes + 1)
	if err != nil {
		return err
	}
	defer syscall.Munmap(large)
	root := c.Size() - 1
	data := large
	if c.Rank() != root {
		data = nil
	}
	if _, err := c.Bcast(ctx, root, data); !errors.Is(err, mpi.ErrTooLarge) {
		return fmt.Errorf("error %v from Bcast of %d bytes, want ErrTooLarge", err, len(large))
	}
	part := large[:mpi.MaxBytes/c.Size()+1] // each is small enough, for more than one rank, the sum is not
	if _, err := c.Gatherv(ctx, root, part); !errors.Is(err, mpi.ErrTooLarge) {
		return fmt.Errorf("error %v from Gatherv of %d times %d bytes, want ErrTooLarge", err, c.Size(), len(part))
	}
	x := unsafe.Slice((*float64)(unsafe.Pointer(&large[0])), len(large)/8)
	if err := c.Reduce(ctx, root, mpi.Sum, x); !errors.Is(err, mpi.ErrTooLarge) {
		return fmt.Errorf("error %v from Reduce of %d numbers, want ErrTooLarge", err, len(x))
	}
	if err := c.Allreduce(ctx, mpi.Sum, x); !errors.Is(err, mpi.ErrTooLarge) {
		return fmt.Errorf("error %v from Allreduce of %d numbers, want ErrTooLarge", err, len(x))
	}
	return usable(ctx, c)
}

// barrier compares the clocks of all ranks, which must be those of one machine.
func barrier(ctx context.Context, c mpi.Comm) error {
	for late := range c.Size() {
		if c.Rank() == late {
			time.Sleep(20 * time.Millisecond)
		}
		entered := time.Now().UnixNano()
		if err := c.Barrier(ctx); err != nil {
			return err
		}
		left := time.Now().UnixNano()
		times := binary.LittleEndian.AppendUint64(nil, uint64(entered))
		times = binary.LittleEndian.AppendUint64(times, uint64(left))
		all, err := c.Gatherv(ctx, 0, times)
		if err != nil {
			return err
		}
		for i, leaver := range all {
			for j, enterer := range all {
				wait := int64(binary.LittleEndian.Uint64(enterer)) - int64(binary.LittleEndian.Uint64(leaver[8:]))
				if wait > 0 {
					return fmt.Errorf("rank %d left the barrier %v before rank %d entered it", i, time.Duration(wait), j)
				}
			}
		}
	}
	return nil
}
