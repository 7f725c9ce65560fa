package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// BenchmarkRankZero is what an evaluation and its result cost rank 0: its processor time for the dispatch, MPI left out, with as many evaluations under way
// as there are slots, and as many results in a message as relays send. It is measured twice, with what the other end does and without, and the difference
// is told.
func BenchmarkRankZero(b *testing.B) {
	for _, c := range []struct{ ranks, slots, each int }{{1024, 1, 1}, {1024, 128, 4}, {45, 2912, 22}, {45, 2912, 100}} {
		b.Run(fmt.Sprintf("ranks=%d/slots=%d/results=%d", c.ranks, c.slots, c.each), func(b *testing.B) {
			slots := make([]int, c.ranks+1)
			for rank := range slots[1:] {
				slots[rank+1] = c.slots
			}
			r, err := NewRehearsal(Policy{Schedule: Pull, Slots: slots, Relays: c.ranks < 100, Copies: true}, c.each)
			if err != nil {
				b.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(3, 4))
			es := make([]l2l.Evaluation, c.ranks*c.slots)
			points := make([]float64, 1<<14)
			for i := range points {
				points[i] = rng.NormFloat64()
			}
			next := 0
			fresh := func(n int) []l2l.Evaluation {
				for i := range es[:n] {
					at := next * 10 % (len(points) - 10)
					es[i] = l2l.Evaluation{Individual: int64(next), Seed: uint64(next), X: points[at : at+10]}
					next++
				}
				return es[:n]
			}
			submit := func(n int) {
				if err := r.Submit(fresh(n)); err != nil {
					b.Fatal(err)
				}
			}
			turn := func() int {
				rs, err := r.Next(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				submit(len(rs))
				return len(rs)
			}
			submit(len(es))
			for n := 0; n < 2*len(es); { // all have begun, and times are known
				n += turn()
			}
			b.ResetTimer()
			before := cpu()
			for done := 0; done < b.N; {
				done += turn()
			}
			all := cpu() - before
			before = cpu()
			for done := 0; done < b.N; {
				n, err := r.Answer(es)
				if err != nil {
					b.Fatal(err)
				}
				done += len(fresh(n))
			}
			others := cpu() - before
			b.ReportMetric(float64(all-others)/float64(b.N), "rank0-ns/op")
			b.ReportMetric(float64(all)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
