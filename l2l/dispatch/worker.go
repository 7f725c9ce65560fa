package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Worker is a rank that evaluates.
type Worker struct {
	comm  mpi.Comm
	chief int // the rank that it works for
	pool  *pool
	out   []byte // a buffer of messages
}

// NewWorker makes the optimizees of this rank's slots, which work for rank chief: rank 0, or a relay. It does not communicate, so an error can be told to
// rank 0 by the caller.
func NewWorker(ctx context.Context, comm mpi.Comm, chief int, opts Options) (*Worker, error) {
	p, err := newPool(ctx, comm.Rank(), opts, comm.Wake)
	if err != nil {
		return nil, err
	}
	return &Worker{comm: comm, chief: chief, pool: p}, nil
}

// Close gives up the slots of a worker that has nothing to serve. Serve does so itself when it ends.
func (w *Worker) Close() error { return w.pool.close() }

// roundPatience is how long a worker waits for a block to be whole before it sends the results that it has: so long it hears nothing.
const roundPatience = time.Second

// quickPatience is how long a worker waits for the result of a single evaluation that should take much less.
const quickPatience = time.Millisecond

// Serve evaluates what the chief sends, until it says that the run is over.
func (w *Worker) Serve(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, w.pool.close()) }()
	var buf []byte
	for {
		if err := w.sendResults(); err != nil {
			return err
		}
		envelope, err := w.comm.Probe(ctx, w.chief, mpi.Any)
		if errors.Is(err, mpi.ErrWoken) {
			continue // there are results
		}
		if err != nil {
			return err
		}
		buf, _, err = w.comm.Recv(ctx, w.chief, envelope.Tag, buf)
		if err != nil {
			return err
		}
		if over, err := w.take(envelope.Tag, buf); over || err != nil {
			return err
		}
	}
}

// take takes in a message of the chief. It reports whether the run is over.
func (w *Worker) take(tag int, b []byte) (over bool, err error) {
	switch tag {
	case tagTasks, tagBlock:
		es, err := decodeTasks(b)
		if err != nil {
			return false, err
		}
		w.pool.submit(es)
		switch {
		case tag == tagBlock:
			w.pool.await(len(es), roundPatience)
		case len(es) == 1 && w.pool.quick():
			w.pool.await(1, quickPatience)
		}
	case tagDrop:
		es, err := decodeTasks(b)
		if err != nil {
			return false, err
		}
		w.pool.drop(es)
	case tagPing:
		return false, w.comm.Send(w.chief, tagPong, nil)
	case tagLimits:
		var l Limits
		if err := codec.Unmarshal(b, &l); err != nil {
			return false, fmt.Errorf("dispatch: limits: %w", err)
		}
		w.pool.limit(l)
	case tagBatch:
		var n int
		if err := codec.Unmarshal(b, &n); err != nil {
			return false, fmt.Errorf("dispatch: the size of calls: %w", err)
		}
		w.pool.together(n)
	case tagStop:
		return true, w.comm.Send(w.chief, tagBye, nil)
	default:
		return false, fmt.Errorf("dispatch: a message of kind %d, which this version does not know", tag)
	}
	return false, nil
}

func (w *Worker) sendResults() error {
	rs := w.pool.take()
	if len(rs) == 0 {
		return nil
	}
	err := w.send(rs)
	w.pool.giveBack(rs)
	return err
}

// send gives results to the chief.
func (w *Worker) send(rs []l2l.Result) (err error) {
	if w.out, err = appendResults(w.out[:0], rs); err != nil {
		return err
	}
	return w.comm.Send(w.chief, tagResults, w.out)
}
