package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

// link is what joins rank 0 to the others: a communicator with the time of day, or a simulation of both.
type link interface {
	now() time.Time
	send(rank, tag int, data []byte) error
	// receive takes the next message, as mpi.Comm.Recv does. It returns errLate when until has passed without one.
	receive(ctx context.Context, until time.Time, buf []byte) ([]byte, mpi.Envelope, error)
	close()
}

// errLate is the error of a receive that came to the end of its time.
var errLate = errors.New("dispatch: nothing was received in time")

// direct is a link by a communicator.
type direct struct {
	comm   mpi.Comm
	asking context.Context // that of the last receive
	period context.Context // asking, until a time
	until  time.Time
	cancel context.CancelFunc
}

func newDirect(comm mpi.Comm) *direct { return &direct{comm: comm, cancel: func() {}} }

func (l *direct) now() time.Time                        { return time.Now() }
func (l *direct) send(rank, tag int, data []byte) error { return l.comm.Send(rank, tag, data) }
func (l *direct) close()                                { l.cancel() }

func (l *direct) receive(ctx context.Context, until time.Time, buf []byte) ([]byte, mpi.Envelope, error) {
	if ctx != l.asking || !until.Equal(l.until) || l.period.Err() != nil { // most receives have the same end as the one before
		l.cancel()
		l.asking, l.until = ctx, until
		l.period, l.cancel = context.WithDeadline(ctx, until)
	}
	b, envelope, err := l.comm.Recv(l.period, mpi.Any, mpi.Any, buf)
	if err != nil && ctx.Err() == nil && l.period.Err() != nil {
		err = errLate
	}
	return b, envelope, err
}
