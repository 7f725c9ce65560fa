//go:build mpi

package mpi

// #include "shim.h"
import "C"

import (
	"context"
	"runtime"
	"unsafe"
)

// The collectives, but for Close. Reductions (by gompi) and the making of a part are blocking calls of MPI, which burn the
// core: before them, a collective that waits with pauses sees to it that all ranks have come.

func (w *world) Bcast(ctx context.Context, root int, data []byte) ([]byte, error) {
	if err := checkPeer("root", root, w.size, false); err != nil {
		return nil, err
	}
	n, err := w.tell(ctx, "Bcast", root, len(data))
	if err != nil {
		return nil, err
	}
	if err := checkLen(n); err != nil {
		return nil, err
	}
	if w.rank != root {
		data = make([]byte, n)
	}
	if err := w.bcast(ctx, "Bcast", root, pointer(data), n); err != nil {
		return nil, err
	}
	return data, nil
}

func (w *world) Gatherv(ctx context.Context, root int, data []byte) ([][]byte, error) {
	if err := checkPeer("root", root, w.size, false); err != nil {
		return nil, err
	}
	lens, err := w.gather(ctx, "Gatherv", root, len(data))
	if err != nil {
		return nil, err
	}
	total := 0
	for _, n := range lens {
		total += int(n)
	}
	if total, err = w.tell(ctx, "Gatherv", root, total); err != nil { // so that all ranks agree whether to go on
		return nil, err
	}
	if err := checkLen(total); err != nil {
		return nil, err
	}
	if w.rank != root {
		return nil, w.gatherv(ctx, root, data, nil, nil, nil)
	}
	all := make([]byte, total)
	parts := make([][]byte, w.size)
	counts, offsets := make([]C.int, w.size), make([]C.int, w.size)
	offset := 0
	for i, n := range lens {
		end := offset + int(n)
		parts[i] = all[offset:end:end]
		counts[i], offsets[i] = C.int(n), C.int(offset)
		offset = end
	}
	if err := w.gatherv(ctx, root, data, all, counts, offsets); err != nil {
		return nil, err
	}
	return parts, nil
}

func (w *world) Reduce(ctx context.Context, root int, op Op, x []float64) error {
	if err := checkPeer("root", root, w.size, false); err != nil {
		return err
	}
	if err := w.agree(ctx, "Reduce", op, len(x)); err != nil || len(x) == 0 {
		return err
	}
	all, err := w.gompi.reduce(root, op, x)
	if w.rank == root && err == nil {
		copy(x, all)
	}
	return err
}

func (w *world) Allreduce(ctx context.Context, op Op, x []float64) error {
	if err := w.agree(ctx, "Allreduce", op, len(x)); err != nil || len(x) == 0 {
		return err
	}
	all, err := w.gompi.allreduce(op, x)
	if err == nil {
		copy(x, all)
	}
	return err
}

func (w *world) Barrier(ctx context.Context) error {
	return w.collective(ctx, "Barrier", func(cancel *C.uint32_t) C.int { return C.l2l_barrier(w.comm, cancel) })
}

func (w *world) Split(ctx context.Context, colour, key int) (Comm, error) {
	if err := checkSplit(colour, key); err != nil {
		return nil, err
	}
	part := &world{rank: w.rank} // what errors name until part knows its own
	err := w.collective(ctx, "Split", func(cancel *C.uint32_t) C.int {
		return C.l2l_split(w.comm, C.int(colour), C.int(key), &part.comm, &part.fatal, cancel)
	})
	if err != nil || colour == Undefined {
		return nil, err
	}
	if err := part.group("Split", C.MPI_SUCCESS); err != nil {
		return nil, err
	}
	return part, nil
}

// abandoned keeps in memory the buffers of cancelled collectives, which MPI may still write to.
var abandoned []*runtime.Pinner

// collective runs call, which starts a nonblocking collective on bufs and waits for it.
func (w *world) collective(ctx context.Context, op string, call func(cancel *C.uint32_t) C.int, bufs ...any) error {
	if w.dead != nil {
		return w.dead
	}
	if err := ctx.Err(); err != nil {
		w.dead = errBroken
		return err
	}
	pinner := new(runtime.Pinner)
	for _, b := range bufs {
		pinner.Pin(b)
	}
	rc := call(w.watch(ctx))
	if rc == C.L2L_CANCELLED {
		w.dead = errBroken
		abandoned = append(abandoned, pinner)
	} else {
		pinner.Unpin()
	}
	return w.wait(ctx, op, rc)
}

// bcast sends root's n bytes at buf to all ranks' buf.
func (w *world) bcast(ctx context.Context, op string, root int, buf *C.uchar, n int) error {
	return w.collective(ctx, op, func(cancel *C.uint32_t) C.int {
		return C.l2l_bcast(w.comm, C.int(root), buf, C.int(n), cancel)
	}, buf)
}

// tell returns root's n on all ranks.
func (w *world) tell(ctx context.Context, op string, root, n int) (int, error) {
	number := new(int64)
	*number = int64(n)
	err := w.bcast(ctx, op, root, (*C.uchar)(unsafe.Pointer(number)), 8)
	return int(*number), err
}

// gather returns the n of all ranks on root, nil elsewhere.
func (w *world) gather(ctx context.Context, op string, root, n int) ([]int64, error) {
	var all []int64
	if w.rank == root {
		all = make([]int64, w.size)
	}
	number := new(C.int64_t)
	*number = C.int64_t(n)
	to := (*C.int64_t)(unsafe.SliceData(all))
	err := w.collective(ctx, op, func(cancel *C.uint32_t) C.int {
		return C.l2l_gather(w.comm, C.int(root), number, to, cancel)
	}, number, to)
	return all, err
}

// gatherv puts the data of rank i, counts[i] bytes, into root's all at offsets[i].
func (w *world) gatherv(ctx context.Context, root int, data, all []byte, counts, offsets []C.int) error {
	from, to, n, at := pointer(data), pointer(all), unsafe.SliceData(counts), unsafe.SliceData(offsets)
	return w.collective(ctx, "Gatherv", func(cancel *C.uint32_t) C.int {
		return C.l2l_gatherv(w.comm, C.int(root), from, C.int(len(data)), to, n, at, cancel)
	}, from, to, n, at)
}

// agree returns when all ranks have called it, and the same error on all if they cannot combine vectors of their n. So
// the gompi call after it neither waits for a late rank nor sees unequal lengths.
func (w *world) agree(ctx context.Context, name string, op Op, n int) error {
	if err := checkOp(op); err != nil {
		return err
	}
	mine, most := new([2]C.int64_t), new([2]C.int64_t)
	*mine = [2]C.int64_t{C.int64_t(n), C.int64_t(-n)}
	err := w.collective(ctx, name, func(cancel *C.uint32_t) C.int {
		return C.l2l_max(w.comm, &mine[0], &most[0], cancel)
	}, mine, most)
	if err != nil {
		return err
	}
	return checkReduce(int(-most[1]), int(most[0]))
}
