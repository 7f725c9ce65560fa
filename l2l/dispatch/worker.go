package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

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
		switch envelope.Tag {
		case tagTasks, tagBlock:
			es, err := decodeTasks(buf)
			if err != nil {
				return err
			}
			w.pool.submit(es)
			switch {
			case envelope.Tag == tagBlock:
				w.pool.await(len(es), roundPatience)
			case len(es) == 1 && w.pool.quick():
				w.pool.await(1, quickPatience)
			}
		case tagDrop:
			es, err := decodeTasks(buf)
			if err != nil {
				return err
			}
			w.pool.drop(es)
		case tagPing:
			if err := w.comm.Send(w.chief, tagPong, nil); err != nil {
				return err
			}
		case tagLimits:
			var l Limits
			if err := codec.Unmarshal(buf, &l); err != nil {
				return fmt.Errorf("dispatch: limits: %w", err)
			}
			w.pool.limit(l)
		case tagStop:
			return w.comm.Send(w.chief, tagBye, nil)
		default:
			return fmt.Errorf("dispatch: a message of kind %d, which this version does not know", envelope.Tag)
		}
	}
}

func (w *Worker) sendResults() error {
	rs := w.pool.take()
	if len(rs) == 0 {
		return nil
	}
	var err error
	if w.out, err = appendResults(w.out[:0], rs); err != nil {
		return err
	}
	w.pool.giveBack(rs)
	return w.comm.Send(w.chief, tagResults, w.out)
}
