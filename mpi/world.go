//go:build mpi

package mpi

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// world is a communicator of real MPI: the one that World returns, or a part of it made by Split.
type world struct {
	comm  C.MPI_Comm // carries messages and collectives; its errors are returned
	fatal C.MPI_Comm // the same ranks once more, for gompi and Close; its errors end the job. MPI_COMM_WORLD, where whole
	gompi gompiComm  // gompi's view of fatal
	rank  int
	size  int
	place []cInt // by rank: its rank among all
	whole bool   // all ranks: Close finalises MPI

	dead error // ErrClosed or errBroken: why this rank can do no more

	// C reads and writes these while a call lasts.
	env  C.l2l_envelope
	wake uint32

	// The flag that a cancelled context sets, and the context, by its Done channel, that was last asked for it.
	done   <-chan struct{}
	flag   *uint32
	forget func() bool
}

// cInt can be named in tests, too.
type cInt = C.int

var _ Comm = (*world)(nil)

// World initialises MPI and returns the group of all ranks. It locks the calling goroutine to its OS thread, on which Close is to be called, too, and
// can be called once in a process. If MPI has fewer ranks than the launcher started tasks, it returns an error: started by the
// mpirun of another MPI library, each task would take itself for the whole run. A library that ends the program instead of
// starting, as Open MPI does without PMIx, has it say on its way out how it is to be started.
func World(opts ...Option) (Comm, error) {
	o := options{maxIdle: 1200 * time.Microsecond}
	for _, set := range opts {
		set(&o)
	}
	runtime.LockOSThread()
	library := Library()
	start := remedy(library, os.Getenv)
	lastWords := C.CString(fmt.Sprintf("mpi: World: MPI does not start, and ends the program: it is built with %q; start it %s\n", library, start))
	switch without, hopeless := withoutPMIx(library, os.Getenv); { // Open MPI would leave no time for last words
	case hopeless:
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("mpi: World: this program is built with %q, which needs PMIx: start it %s", library, start)
	case without && os.Getenv("PMI_RANK") == "0":
		fmt.Fprintf(os.Stderr, "mpi: World: if %q is built without Slurm's PMI, as it mostly is, it ends now; then start the program %s\n", library, start)
	}
	switch rc := C.l2l_init(C.int64_t(o.maxIdle), lastWords); rc {
	case C.MPI_SUCCESS:
	case C.L2L_INITIALIZED:
		runtime.UnlockOSThread()
		return nil, errors.New("mpi: World: MPI was initialised before in this process")
	case C.L2L_NO_THREADS:
		return nil, errors.New("mpi: World: this MPI library does not support programs with threads (MPI_THREAD_FUNNELED)")
	default:
		return nil, fmt.Errorf("mpi: World: MPI_Init_thread failed with code %d: this program is built with %q; start it %s", rc, library, start)
	}
	w := &world{rank: worldRank(), whole: true}
	if err := w.group("World", C.l2l_world(&w.comm, &w.fatal)); err != nil {
		return nil, err
	}
	if n, by := Launched(); w.size < n {
		err := fmt.Errorf("mpi: a launcher started %d tasks (%s=%d), but MPI sees only %d: this program is built with %q; start it %s",
			n, by, n, w.size, library, start)
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Library names the MPI library that the program is built with.
func Library() string {
	var text [C.MPI_MAX_LIBRARY_VERSION_STRING]C.char
	C.l2l_library(&text[0])
	name := C.GoString(&text[0]) // goes on with build details, after a comma or on more lines
	if end := strings.IndexAny(name, ",\n"); end >= 0 {
		name = name[:end]
	}
	return strings.Join(strings.Fields(name), " ")
}

func (w *world) oneThread() bool { return C.l2l_any_thread() == 0 }

func (w *world) Rank() int { return w.rank }

func (w *world) Size() int { return w.size }

func (w *world) Send(to, tag int, data []byte) error {
	if w.dead != nil {
		return w.dead
	}
	if err := checkSend(to, tag, len(data), w.size); err != nil {
		return err
	}
	return w.failure("Send", C.l2l_send(w.comm, C.int(to), w.place[to], C.int(tag), pointer(data), C.int(len(data))))
}

func (w *world) Probe(ctx context.Context, from, tag int) (Envelope, error) {
	if err := w.ready(ctx); err != nil {
		return Envelope{}, err
	}
	if err := checkRecv(from, tag, w.size); err != nil {
		return Envelope{}, err
	}
	rc := C.l2l_probe(w.comm, C.int(from), C.int(tag), &w.env, w.watch(ctx), (*C.uint32_t)(&w.wake))
	if rc == C.L2L_WOKEN {
		atomic.SwapUint32(&w.wake, 0)
		return Envelope{}, ErrWoken
	}
	if err := w.wait(ctx, "Probe", rc); err != nil {
		return Envelope{}, err
	}
	return w.envelope(), nil
}

func (w *world) Recv(ctx context.Context, from, tag int, buf []byte) ([]byte, Envelope, error) {
	if err := w.ready(ctx); err != nil {
		return nil, Envelope{}, err
	}
	if err := checkRecv(from, tag, w.size); err != nil {
		return nil, Envelope{}, err
	}
	rc := C.l2l_recv(w.comm, C.int(from), C.int(tag), pointer(buf), C.int64_t(cap(buf)), &w.env, w.watch(ctx))
	if rc == C.L2L_SHORT {
		buf = make([]byte, w.env.len)
		rc = C.l2l_take(pointer(buf), w.env.len)
	}
	if err := w.wait(ctx, "Recv", rc); err != nil {
		return nil, Envelope{}, err
	}
	return buf[:w.env.len], w.envelope(), nil
}

func (w *world) Wake() { raise(&w.wake) }

// asleep says that this process sleeps in C, and how to rouse it.
var asleep = (*uint32)(C.l2l_asleep())

// raise sets a flag that C looks at while it waits.
func raise(flag *uint32) {
	atomic.StoreUint32(flag, 1)
	if atomic.LoadUint32(asleep) != 0 {
		C.l2l_rouse()
	}
}

// group completes w, whose communicators op has made with the code rc.
func (w *world) group(op string, rc C.int) error {
	if err := w.failure(op, rc); err != nil {
		return err
	}
	w.gompi = newGompiComm(w.fatal)
	w.rank, w.size = w.gompi.rank(), w.gompi.size()
	w.place = make([]cInt, w.size)
	return w.failure(op, C.l2l_places(w.comm, C.int(w.size), &w.place[0]))
}

func (w *world) Close() error {
	if w.dead == ErrClosed {
		return nil
	}
	rc := C.l2l_leave(w.comm, w.fatal)
	if rc == C.L2L_THREAD || rc == C.L2L_BUSY || rc == C.L2L_FINALIZED {
		return w.failure("Close", rc)
	}
	errs := []error{w.failure("Close", rc)}
	if w.dead == nil { // a cancelled collective may still use its communicator
		errs = append(errs, w.failure("Close", C.l2l_free(w.comm, w.fatal)))
	}
	w.watch(context.Background())
	w.dead = ErrClosed
	if w.whole {
		errs = append(errs, w.failure("Close", C.l2l_finalize()))
		runtime.UnlockOSThread()
	}
	return errors.Join(errs...)
}

func (w *world) Abort(code int) { C.l2l_abort(C.int(code)) }

// ready returns why no call can start, if so.
func (w *world) ready(ctx context.Context) error {
	if w.dead != nil {
		return w.dead
	}
	return ctx.Err()
}

// watch returns the flag that is set when ctx ends, nil if it cannot end. It is kept for the next call, which mostly
// comes with the same ctx. Another ctx gets another flag: the one before may be set late.
func (w *world) watch(ctx context.Context) *C.uint32_t {
	if done := ctx.Done(); done != w.done {
		if w.forget != nil {
			w.forget()
		}
		w.done, w.flag, w.forget = done, nil, nil
		if done != nil {
			flag := new(uint32)
			w.flag = flag
			w.forget = context.AfterFunc(ctx, func() { raise(flag) })
		}
	}
	return (*C.uint32_t)(w.flag)
}

// wait translates what a function that waited has returned.
func (w *world) wait(ctx context.Context, op string, rc C.int) error {
	if rc == C.L2L_CANCELLED {
		return ctx.Err()
	}
	return w.failure(op, rc)
}

// failure translates what any function has returned.
func (w *world) failure(op string, rc C.int) error {
	switch rc {
	case C.MPI_SUCCESS:
		return nil
	case C.L2L_FINALIZED:
		return ErrClosed
	case C.L2L_THREAD:
		return fmt.Errorf("mpi: rank %d: %s from another thread than that of World", w.rank, op)
	case C.L2L_BUSY:
		return fmt.Errorf("mpi: rank %d: %s while another goroutine is in a call", w.rank, op)
	case C.L2L_NO_MEMORY:
		return fmt.Errorf("mpi: rank %d: %s: out of memory", w.rank, op)
	}
	var text [C.MPI_MAX_ERROR_STRING]C.char
	class := C.l2l_error(rc, &text[0])
	words := strings.Join(strings.Fields(C.GoString(&text[0])), " ") // in MPICH, several lines
	return fmt.Errorf("mpi: rank %d: %s: %s (class %d)", w.rank, op, words, class)
}

func (w *world) envelope() Envelope {
	return Envelope{From: int(w.env.from), Tag: int(w.env.tag), Len: int(w.env.len)}
}

// pointer returns where b's bytes are, nil for a nil slice. To the pointers of this type cgo's checks cost nothing.
func pointer(b []byte) *C.uchar { return (*C.uchar)(unsafe.SliceData(b)) }
