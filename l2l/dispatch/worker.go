package dispatch

import (
	"context"
	"errors"
	"fmt"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Worker is a rank that evaluates.
type Worker struct {
	comm mpi.Comm
	pool *pool
}

// NewWorker makes the optimizees of this rank's slots. It does not communicate, so an error can be told to rank 0 by the caller.
func NewWorker(ctx context.Context, comm mpi.Comm, opts Options) (*Worker, error) {
	p, err := newPool(ctx, comm.Rank(), opts, comm.Wake)
	if err != nil {
		return nil, err
	}
	return &Worker{comm: comm, pool: p}, nil
}

// Serve evaluates what rank 0 sends, until it says that the run is over.
func (w *Worker) Serve(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, w.pool.close()) }()
	for {
		command, err := w.comm.Bcast(ctx, 0, nil)
		if err != nil {
			return err
		}
		if len(command) == 0 {
			return errors.New("dispatch: an empty command")
		}
		switch command[0] {
		case commandPull:
			over, err := w.pull(ctx)
			if err != nil || over {
				return err
			}
		case commandRound:
			if err := w.round(ctx); err != nil {
				return err
			}
		case commandStop:
			return nil
		default:
			return fmt.Errorf("dispatch: a command %d, which this version does not know", command[0])
		}
	}
}

// pull serves messages until rank 0 ends the schedule, or the run, in which case over is true.
func (w *Worker) pull(ctx context.Context) (over bool, err error) {
	var buf []byte
	for {
		if err := w.sendResults(); err != nil {
			return false, err
		}
		envelope, err := w.comm.Probe(ctx, 0, mpi.Any)
		if errors.Is(err, mpi.ErrWoken) {
			continue // there are results
		}
		if err != nil {
			return false, err
		}
		buf, _, err = w.comm.Recv(ctx, 0, envelope.Tag, buf)
		if err != nil {
			return false, err
		}
		switch envelope.Tag {
		case tagTasks:
			es, err := decodeTasks(buf)
			if err != nil {
				return false, err
			}
			w.pool.submit(es)
		case tagEnd:
			return false, nil
		case tagStop:
			return true, w.comm.Send(0, tagBye, nil)
		}
	}
}

func (w *Worker) sendResults() error {
	rs := w.pool.take()
	if len(rs) == 0 {
		return nil
	}
	b, err := encodeResults(rs)
	if err != nil {
		return err
	}
	return w.comm.Send(0, tagResults, b)
}

// round evaluates this rank's block of a collective round.
func (w *Worker) round(ctx context.Context) error {
	tasks, err := w.comm.Scatterv(ctx, 0, nil)
	if err != nil {
		return err
	}
	es, err := decodeTasks(tasks)
	if err != nil {
		return err
	}
	rs, err := w.pool.evaluateAll(es)
	if err != nil {
		return err
	}
	b, err := encodeResults(rs)
	if err != nil {
		return err
	}
	_, err = w.comm.Gatherv(ctx, 0, b)
	return err
}
