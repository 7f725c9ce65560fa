// Package mpitest holds every implementation of [mpi.Comm] to the words of that interface. The same scenarios run over
// goroutines in go test, and over real MPI in the program mpitest/spmd, which also tells a user whether the MPI of a
// machine keeps its promises.
package mpitest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Scenario is one promise of mpi.Comm.
type Scenario struct {
	// Name is the promise, a sentence.
	Name string
	// Run checks it. All ranks of a group, of any size, call Run together. Afterwards the group is as it was before:
	// usable, and without messages on their way. If Run fails on one rank, it may never return on the others.
	Run func(ctx context.Context, c mpi.Comm) error
}

// Scenarios returns all promises.
func Scenarios() []Scenario {
	return slices.Concat(messages, collectives, splits, waits)
}

// pattern returns n bytes that depend on seed. Its period, 251, is a prime: no shift by a power of two goes unseen.
func pattern(n, seed int) []byte {
	b := make([]byte, n)
	for i := range min(n, 251) {
		b[i] = byte(i + seed*31)
	}
	for done := 251; done < n; done *= 2 {
		copy(b[done:], b[:done])
	}
	return b
}

// next and prev are the neighbours of this rank on a ring; with one rank, itself.
func next(c mpi.Comm) int { return (c.Rank() + 1) % c.Size() }

func prev(c mpi.Comm) int { return (c.Rank() + c.Size() - 1) % c.Size() }

// receive takes a message and compares it.
func receive(ctx context.Context, c mpi.Comm, from, tag int, want []byte) error {
	got, env, err := c.Recv(ctx, from, tag, nil)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("from %d tag %d: received %s, want %s", from, tag, brief(got), brief(want))
	}
	if w := (mpi.Envelope{From: from, Tag: tag, Len: len(want)}); env != w {
		return fmt.Errorf("envelope is %+v, want %+v", env, w)
	}
	return nil
}

func brief(b []byte) string { return fmt.Sprintf("%d bytes % x...", len(b), b[:min(len(b), 8)]) }

// usable checks that c still works after something went wrong on it.
func usable(ctx context.Context, c mpi.Comm) error {
	want := pattern(10, c.Rank())
	if err := c.Send(next(c), 99, want); err != nil {
		return err
	}
	if err := receive(ctx, c, prev(c), 99, pattern(10, prev(c))); err != nil {
		return err
	}
	return c.Barrier(ctx)
}
