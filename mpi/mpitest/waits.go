package mpitest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

var waits = []Scenario{
	{"the end of its context ends Probe and Recv", cancelled},
	{"the end of its context ends a collective, after which Close still works", cancelledCollective},
	{"Wake ends the Probe that is waiting", wakeWaiting},
	{"Wake ends the next Probe that finds no message, once, and nothing else", wakeNext},
	{"messages are intact under a storm of garbage collections", gcStorm},
}

// soon is when a wait must have ended after the event that ends it: far beyond the back-off, as the machine may be
// busy with other ranks.
const soon = 5 * time.Second

// ends checks that call, which nothing but ctx can end, returns want soon.
func ends(ctx context.Context, what string, want error, call func(ctx context.Context) error) error {
	start := time.Now()
	if err := call(ctx); !errors.Is(err, want) {
		return fmt.Errorf("%s returned %w, want %v", what, err, want)
	}
	if d := time.Since(start); d > soon {
		return fmt.Errorf("%s returned after %v, want at most %v", what, d, soon)
	}
	return nil
}

func cancelled(ctx context.Context, c mpi.Comm) error {
	probe := func(ctx context.Context) error { _, err := c.Probe(ctx, mpi.Any, 1); return err }
	recv := func(ctx context.Context) error { _, _, err := c.Recv(ctx, prev(c), 1, nil); return err }
	for what, call := range map[string]func(context.Context) error{"Probe": probe, "Recv": recv} {
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		err := ends(short, what+" with a deadline", context.DeadlineExceeded, call)
		cancel()
		if err != nil {
			return err
		}
		if err := ends(short, what+" after the deadline", context.DeadlineExceeded, call); err != nil {
			return err
		}
		other, cancel := context.WithCancel(ctx)
		time.AfterFunc(20*time.Millisecond, cancel)
		if err := ends(other, what+" with a cancel", context.Canceled, call); err != nil {
			return err
		}
	}
	return usable(ctx, c)
}

func cancelledCollective(ctx context.Context, c mpi.Comm) error {
	calls := []struct {
		name string
		of   func(ctx context.Context, part mpi.Comm) error
	}{
		{"Barrier", func(ctx context.Context, part mpi.Comm) error { return part.Barrier(ctx) }},
	}
	for _, call := range calls {
		part, err := c.Split(ctx, 0, 0)
		if err != nil {
			return err
		}
		if part.Rank() != 0 { // so that the collective cannot end
			short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			err := ends(short, call.name, context.DeadlineExceeded, func(ctx context.Context) error { return call.of(ctx, part) })
			cancel()
			if err != nil {
				return err
			}
			if err := part.Send(0, 0, nil); err == nil {
				return fmt.Errorf("no error from Send after a cancelled %s", call.name)
			}
		}
		if err := errors.Join(part.Close(), usable(ctx, c)); err != nil {
			return err
		}
	}
	return nil
}

func wakeWaiting(ctx context.Context, c mpi.Comm) error {
	for range 5 {
		time.AfterFunc(5*time.Millisecond, c.Wake)
		probe := func(ctx context.Context) error { _, err := c.Probe(ctx, mpi.Any, 1); return err }
		if err := ends(ctx, "Probe", mpi.ErrWoken, probe); err != nil {
			return err
		}
	}
	return usable(ctx, c)
}

func wakeNext(ctx context.Context, c mpi.Comm) error {
	probe := func(ctx context.Context) error { _, err := c.Probe(ctx, c.Rank(), 1); return err }
	recv := func(ctx context.Context) error { _, _, err := c.Recv(ctx, c.Rank(), 1, nil); return err }
	short := func(call func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
		defer cancel()
		return call(ctx)
	}
	if err := c.Send(c.Rank(), 1, nil); err != nil {
		return err
	}
	if err := probe(ctx); err != nil {
		return err
	}
	c.Wake()
	c.Wake()
	if err := probe(ctx); err != nil {
		return fmt.Errorf("error %v from Probe of a message that is there, after Wake", err)
	}
	if err := recv(ctx); err != nil {
		return err
	}
	if err := short(recv); err != context.DeadlineExceeded {
		return fmt.Errorf("error %v from Recv after Wake, want it to wait on", err)
	}
	if err := c.Barrier(ctx); err != nil {
		return fmt.Errorf("error %v from Barrier after Wake", err)
	}
	if err := probe(ctx); err != mpi.ErrWoken {
		return fmt.Errorf("error %v from Probe after Wake, want ErrWoken", err)
	}
	if err := short(probe); err != context.DeadlineExceeded {
		return fmt.Errorf("error %v from the second Probe after Wake, want it to wait", err)
	}
	return usable(ctx, c)
}

func gcStorm(ctx context.Context, c mpi.Comm) error {
	stop := make(chan struct{})
	var storm sync.WaitGroup
	storm.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				runtime.GC()
			}
		}
	})
	defer storm.Wait()
	defer close(stop)
	for i := range 24 {
		n := []int{8, 300, 5000, 300000}[i%4]
		if err := c.Send(next(c), i, pattern(n, i)); err != nil {
			return err
		}
		if err := receive(ctx, c, prev(c), i, pattern(n, i)); err != nil {
			return err
		}
		data, err := c.Bcast(ctx, i%c.Size(), pattern(n, i))
		if err != nil {
			return err
		}
		if string(data) != string(pattern(n, i)) {
			return fmt.Errorf("message %d came by Bcast as %s", i, brief(data))
		}
		if _, err := c.Gatherv(ctx, 0, data); err != nil {
			return err
		}
	}
	return nil
}
