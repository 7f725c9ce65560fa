package dispatch

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// BenchmarkRankZero is what an evaluation and its result cost rank 0: its processor time for the dispatch, MPI left out, with as many evaluations under way
// as there are slots, and as many results in a message as relays send. It is measured twice, with what the other end does and without, and the difference
// is told.
func BenchmarkRankZero(b *testing.B) {
	for _, c := range []struct{ ranks, slots, each int }{{1024, 1, 1}, {1024, 128, 4}, {45, 2912, 22}, {25, 5243, 40}} {
		b.Run(fmt.Sprintf("ranks=%d/slots=%d/results=%d", c.ranks, c.slots, c.each), func(b *testing.B) {
			slots := make([]int, c.ranks+1)
			for rank := range slots[1:] {
				slots[rank+1] = c.slots
			}
			r, err := NewRehearsal(Policy{Schedule: Pull, Slots: slots, Relays: c.ranks < 100, Copies: true}, c.each, 10)
			if err != nil {
				b.Fatal(err)
			}
			took := func(run func(n int) error) float64 {
				before := cpu()
				if err := run(b.N); err != nil {
					b.Fatal(err)
				}
				return float64(cpu()-before) / float64(b.N)
			}
			b.ResetTimer()
			all := took(r.Run)
			b.StopTimer()
			b.ReportMetric(all-took(r.RunAlone), "rank0-ns/op")
			b.ReportMetric(all, "cpu-ns/op")
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
