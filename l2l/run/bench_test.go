package run_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// BenchmarkRun is a whole run, with its journal, on two goroutine ranks: what an evaluation that takes no time costs all of them together. Its cpu-ns/op
// are the time of the processors, which depends less than ns/op on what else the machine does.
func BenchmarkRun(b *testing.B) {
	for _, bench := range []struct {
		optimizer string
		dim       int
	}{{"random", 10}, {"genetic", 10}, {"cmaes", 10}, {"cmaes_async", 10}, {"random", 1000}} {
		b.Run(fmt.Sprintf("%s/%d", bench.optimizer, bench.dim), func(b *testing.B) {
			text := fmt.Sprintf("seed: 1\noptimizee: {type: function, name: \"null\", dim: %d}\noptimizer: {type: %s, pop_size: 4096}\nstop: {evaluations: %d}\n",
				bench.dim, bench.optimizer, b.N)
			p, err := config.Parse("run.yaml", []byte(text), kinds)
			if err != nil {
				b.Fatal(err)
			}
			p = p.In(filepath.Join(b.TempDir(), "run"))
			b.ReportAllocs()
			b.ResetTimer()
			before := used()
			for rank, err := range everywhere(2, func(comm mpi.Comm) error {
				_, err := run.Run(b.Context(), comm, p)
				return err
			}) {
				if err != nil {
					b.Fatalf("rank %d: %v", rank, err)
				}
			}
			b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// used is the processor time of this process.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
