package mpi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/mpi/mpitest"
)

// onLocal runs f on n ranks and returns the error of each. The first error aborts the others, which may wait for that
// rank.
func onLocal(n int, f func(c mpi.Comm) error) []error {
	errs := make([]error, n)
	var ranks sync.WaitGroup
	for i, c := range mpi.Local(n) {
		ranks.Go(func() {
			if errs[i] = f(c); errs[i] != nil {
				c.Abort(1)
			}
		})
	}
	ranks.Wait()
	return errs
}

func TestLocalKeepsThePromisesOfComm(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 8} {
		t.Run(fmt.Sprint("n=", n), func(t *testing.T) {
			for _, s := range mpitest.Scenarios() {
				t.Run(s.Name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
					defer cancel()
					for rank, err := range onLocal(n, func(c mpi.Comm) error { return s.Run(ctx, c) }) {
						if err != nil && !errors.As(err, new(mpi.AbortError)) {
							t.Errorf("rank %d: %v", rank, err)
						}
					}
				})
			}
		})
	}
}

func TestAbortOfOneLocalRankEndsTheWaitsOfAll(t *testing.T) {
	waits := []func(c mpi.Comm) error{
		func(c mpi.Comm) error { time.Sleep(10 * time.Millisecond); c.Abort(7); return nil },
		func(c mpi.Comm) error { _, _, err := c.Recv(t.Context(), mpi.Any, mpi.Any, nil); return err },
		func(c mpi.Comm) error { _, err := c.Probe(t.Context(), mpi.Any, mpi.Any); return err },
		func(c mpi.Comm) error { return c.Barrier(t.Context()) },
		func(c mpi.Comm) error { _, err := c.Bcast(t.Context(), 0, nil); return err },
	}
	errs := onLocal(len(waits), func(c mpi.Comm) error {
		err := waits[c.Rank()](c)
		if later := c.Send(0, 0, nil); c.Rank() != 0 && !errors.Is(later, mpi.AbortError{Code: 7}) {
			t.Errorf("rank %d: Send after Abort returned %v", c.Rank(), later)
		}
		return err
	})
	for rank, err := range errs[1:] {
		if !errors.Is(err, mpi.AbortError{Code: 7}) {
			t.Errorf("rank %d returned %v, want AbortError{7}", rank+1, err)
		}
	}
}

func TestAbortOfAPartEndsTheWhole(t *testing.T) {
	errs := onLocal(2, func(c mpi.Comm) error {
		part, err := c.Split(t.Context(), c.Rank(), 0)
		if err != nil {
			return err
		}
		if c.Rank() == 0 {
			part.Abort(3)
			return nil
		}
		return c.Barrier(t.Context())
	})
	if !errors.Is(errs[1], mpi.AbortError{Code: 3}) {
		t.Errorf("Barrier returned %v, want AbortError{3}", errs[1])
	}
}

func TestLocalRanksInDifferentCollectivesAreToldSo(t *testing.T) {
	errs := onLocal(2, func(c mpi.Comm) error {
		if c.Rank() == 0 {
			return c.Barrier(t.Context())
		}
		return c.Allreduce(t.Context(), mpi.Max, nil)
	})
	for rank, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "Barrier") || !strings.Contains(err.Error(), "Allreduce") {
			t.Errorf("rank %d: %v, want an error that names both calls", rank, err)
		}
	}
}

func TestSixtyFourLocalRanksAreFast(t *testing.T) {
	start := used(t)
	errs := onLocal(64, func(c mpi.Comm) error {
		for i := range 200 {
			if c.Rank() == 0 {
				for range c.Size() - 1 {
					_, env, err := c.Recv(t.Context(), mpi.Any, i, nil)
					if err != nil {
						return err
					}
					if err := c.Send(env.From, i, []byte("reply")); err != nil {
						return err
					}
				}
			} else {
				if err := c.Send(0, i, []byte("request")); err != nil {
					return err
				}
				if _, _, err := c.Recv(t.Context(), 0, i, nil); err != nil {
					return err
				}
			}
			if err := c.Allreduce(t.Context(), mpi.Sum, make([]float64, 100)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if d := used(t) - start; d > 10*time.Second {
		t.Errorf("25,200 messages and 200 reductions took %v of the processors, want well below a second", d)
	}
}

// used is the time of processors that this process has used.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
