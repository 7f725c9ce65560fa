// Command spmd checks the MPI of this machine: started by mpirun or srun on any number of ranks, each a process on one
// machine, it runs the conformance suite of package mpi.
//
//	go run ./mpi/mpienv mpicc go build -tags mpi -o spmd ./mpi/mpitest/spmd
//	mpirun -n 4 ./spmd
//
// It exits with 0 if every promise was kept. With an argument it ends in one of the other ways below, for tests.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/mpi/mpitest"
)

func main() {
	c, err := mpi.World()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer func() { // never Close here: it would wait for the other ranks and keep the panic to itself
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "rank %d: panic: %v\n", c.Rank(), p)
			c.Abort(3)
		}
	}()
	end, known := map[string]func(c mpi.Comm) error{
		"": suite, "panic": panics, "abort": abortsElsewhere, "cancel": cancels, "idle": idles,
	}[argument()]
	if !known {
		panic("unknown argument " + argument())
	}
	if err := mpi.Unlocked(c, func() error { return end(c) }); err != nil {
		fmt.Fprintf(os.Stderr, "rank %d: %v\n", c.Rank(), err)
		c.Abort(1)
	}
	if err := c.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "rank %d: %v\n", c.Rank(), err)
		os.Exit(1)
	}
}

func argument() string {
	if len(os.Args) < 2 {
		return ""
	}
	return os.Args[1]
}

// suite runs all scenarios. They may take as long as eight ranks on two cores do that wait for each other with their
// time slices.
func suite(c mpi.Comm) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	scenarios := mpitest.Scenarios()
	if mpi.Library() != "none (goroutines)" {
		scenarios = append(scenarios, mpitest.Scenario{
			Name: "a call during another one is an error, and so is Close on another thread, and the group stays usable", Run: twoAtOnce,
		})
	}
	begin := time.Now()
	for _, s := range scenarios {
		start := time.Now()
		if err := s.Run(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		if err := c.Barrier(ctx); err != nil {
			return fmt.Errorf("after %s: %w", s.Name, err)
		}
		if c.Rank() == 0 {
			fmt.Printf("%8.3f s  %s\n", time.Since(start).Seconds(), s.Name)
		}
	}
	if c.Rank() == 0 {
		fmt.Printf("%8.3f s  all %d on %d ranks: %s\n", time.Since(begin).Seconds(), len(scenarios), c.Size(), mpi.Library())
	}
	return nil
}

// twoAtOnce is a promise of World alone. Where the MPI library wants one thread, the call from another goroutine is the one that fails.
func twoAtOnce(ctx context.Context, c mpi.Comm) error {
	const waits, sent = 1, 2
	waiting, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() {
		_, err := c.Probe(waiting, c.Rank(), waits)
		ended <- err
	}()
	n := 0
	for len(ended) == 0 && c.Send(c.Rank(), sent, nil) == nil { // until the other goroutine waits, or has failed
		n++
		time.Sleep(time.Millisecond)
	}
	alone := len(ended) > 0
	end()
	if err := <-ended; err == nil || !alone && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the Probe of another goroutine: %v", err)
	}
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	if err := <-closed; err == nil {
		return errors.New("there was no error of Close on another thread than that of World")
	}
	for range n {
		if _, _, err := c.Recv(ctx, c.Rank(), sent, nil); err != nil {
			return err
		}
	}
	return c.Barrier(ctx)
}

// panics on the last rank while the others wait for it.
func panics(c mpi.Comm) error {
	if c.Rank() == c.Size()-1 {
		panic("this is the text of the panic")
	}
	return c.Barrier(context.Background())
}

// abortsElsewhere aborts from another goroutine than the one that waits.
func abortsElsewhere(c mpi.Comm) error {
	if c.Rank() == 0 {
		time.AfterFunc(100*time.Millisecond, func() { c.Abort(5) })
	}
	_, _, err := c.Recv(context.Background(), mpi.Any, 0, nil)
	return err
}

// cancels gives up collectives and messages half-way on all ranks, and leaves it to Close to end in order.
func cancels(c mpi.Comm) error {
	if err := c.Send((c.Rank()+1)%c.Size(), 0, make([]byte, 1<<22)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if c.Rank() == 0 {
		_, err := c.Probe(ctx, 0, 1)
		return wantDeadline(err)
	}
	_, err := c.Bcast(ctx, 0, nil)
	return wantDeadline(err)
}

func wantDeadline(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("returned %v, want %w", err, context.DeadlineExceeded)
}

// idles has all ranks wait for 5 s, or as many as a second argument says. Rank 0 prints what part of a core the busiest of them used, how often
// the most restless of them slept in a second, and how long the first message after that was on its way to each, in the median and at most.
func idles(c mpi.Comm) error {
	length := 5 * time.Second
	if len(os.Args) > 2 {
		var err error
		if length, err = time.ParseDuration(os.Args[2]); err != nil {
			return err
		}
	}
	ctx := context.Background()
	if err := c.Barrier(ctx); err != nil {
		return err
	}
	before, sleeps, began := processorTime(), slept(), time.Now()
	late := 0.0
	if c.Rank() == 0 {
		wait, cancel := context.WithTimeout(ctx, length)
		defer cancel()
		if _, _, err := c.Recv(wait, mpi.Any, 0, nil); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("got %v, want the end of the context", err)
		}
		for rank := 1; rank < c.Size(); rank++ {
			if err := c.Send(rank, 1, binary.LittleEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))); err != nil {
				return err
			}
		}
	} else {
		sent, _, err := c.Recv(ctx, 0, 1, nil)
		if err != nil {
			return err
		}
		late = float64(time.Now().UnixNano() - int64(binary.LittleEndian.Uint64(sent)))
	}
	elapsed := time.Since(began).Seconds()
	used, rate := (processorTime()-before).Seconds()/elapsed, float64(slept()-sleeps)/elapsed
	parts, err := c.Gatherv(ctx, 0, fmt.Appendf(nil, "%v %v %v", used, rate, late))
	if err != nil || c.Rank() > 0 {
		return err
	}
	most, restless, waits := 0.0, 0.0, make([]float64, 0, len(parts))
	for rank, part := range parts {
		if _, err := fmt.Sscan(string(part), &used, &rate, &late); err != nil {
			return err
		}
		most, restless = max(most, used), max(restless, rate)
		if rank > 0 {
			waits = append(waits, late)
		}
	}
	slices.Sort(waits)
	fmt.Printf("%.3f %% of a core; %.0f sleeps a second; first message after %.3f ms, at most %.3f ms\n", 100*most, restless, waits[len(waits)/2]/1e6, waits[len(waits)-1]/1e6)
	return nil
}

// slept is how often the threads of this process have gone to sleep so far.
func slept() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // which cannot fail
	return u.Nvcsw
}

// processorTime is what this process has used of processors so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // which cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
