// Command memory asks: how large do the processes of a run become, and does rank 0 grow with the number of evaluations? It runs a search of a function
// that takes no time, with the journal on, and prints the resident size of rank 0 while it goes on, and that of every rank at the end.
//
//	go run ./mpi/mpienv mpicc go build -tags mpi -o memory ./bench/memory && mpirun -n 4 ./memory [-evaluations 10000000] [-json FILE]
//
// The first tenth is a warm-up. A line fitted to the sizes after it tells the growth, in bytes for each evaluation.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/bench/internal/lines"
	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

func main() {
	evaluations := flag.Int64("evaluations", 10_000_000, "of the search")
	algorithm := flag.String("optimizer", "random", "its type")
	population := flag.Int("pop_size", 4096, "of the optimizer")
	dim := flag.Int("dim", 10, "coordinates of a point")
	file := flag.String("json", "", "`file` that JSON lines are appended to")
	flag.Parse()
	comm, err := mpi.World()
	if err == nil {
		err = errors.Join(measure(comm, *evaluations, *algorithm, *population, *dim, *file), comm.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/memory:", err)
		os.Exit(1)
	}
}

// steps is the number of looks at rank 0.
const steps = 20

func measure(comm mpi.Comm, evaluations int64, algorithm string, population, dim int, file string) error {
	ctx := context.Background()
	text := fmt.Sprintf("seed: 1\noptimizee: {type: function, name: \"null\", dim: %d}\noptimizer: {type: %s, pop_size: %d}\n"+
		"stop: {evaluations: %d}\nexecution: {slots: 1}\noutput: {record: digest}\n", dim, algorithm, population, evaluations)
	plan, err := config.Parse("bench/memory", []byte(text), config.Kinds{Optimizees: []optimizee.Type{functions.Type}, Optimizers: catalogue.All()})
	if err != nil {
		return err
	}
	dir := ""
	if comm.Rank() == 0 {
		if dir, err = os.MkdirTemp("", "bench-memory-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	b, err := comm.Bcast(ctx, 0, []byte(dir))
	if err != nil {
		return err
	}
	var sizes, at []float64
	look := func(e l2l.Event, _ *l2l.Individual, s *l2l.Search) {
		if n := s.Evaluations(); n*steps >= evaluations*int64(len(at)+1) {
			sizes, at = append(sizes, float64(resident("VmRSS"))), append(at, float64(n))
		}
	}
	result, err := run.Run(ctx, comm, plan.In(filepath.Join(string(b), "run")), run.Observe(look))
	if err != nil {
		return err
	}
	most := binary.LittleEndian.AppendUint64(nil, uint64(resident("VmHWM")))
	all, err := comm.Gatherv(ctx, 0, most)
	if err != nil || comm.Rank() > 0 {
		return err
	}
	var ranks []float64
	for _, b := range all {
		ranks = append(ranks, float64(binary.LittleEndian.Uint64(b))/(1<<20))
	}
	return tell(comm.Size(), result, at, sizes, ranks, file)
}

func tell(size int, result run.Result, at, sizes, ranks []float64, file string) error {
	fmt.Printf("%d ranks, %s, %d evaluations in %v, %.0f a second\n", size, mpi.Library(), result.Evaluations, result.Elapsed.Round(1e6),
		float64(result.Evaluations)/result.Elapsed.Seconds())
	fmt.Println("evaluations  rank 0, MB")
	for i := range at {
		fmt.Printf("%11.0f  %10.1f\n", at[i], sizes[i]/(1<<20))
	}
	first := (len(at) + 9) / 10
	growth := 0.0
	if len(at)-first > 2 {
		_, growth = stat.LinearRegression(at[first:], sizes[first:], nil, false)
	}
	fmt.Printf("after the first tenth rank 0 grows by %.3f bytes for each evaluation\n", growth)
	fmt.Printf("the most that each rank had, in MB: %.1f\n", ranks)
	build, _ := debug.ReadBuildInfo()
	w, err := lines.Open(file, fmt.Sprintf("mpirun -n %d ./memory %s", size, strings.Join(os.Args[1:], " ")),
		map[string]string{"mpi": mpi.Library(), "program": build.Main.Version})
	if err != nil {
		return err
	}
	return errors.Join(w.Write(map[string]any{
		"ranks": size, "evaluations": result.Evaluations, "rank0_mb": mega(sizes), "at": at, "growth_bytes": growth, "most_mb": ranks,
	}), w.Close())
}

func mega(bytes []float64) (mb []float64) {
	for _, b := range bytes {
		mb = append(mb, b/(1<<20))
	}
	return mb
}

// resident is a size of this process that Linux tells, in bytes; 0 where there is no Linux.
func resident(name string) (size int64) {
	b, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			fmt.Sscan(rest, &size)
		}
	}
	return size << 10
}
