// Command dispatch asks: how many evaluations per second do the two schedules bring to ranks and back, and how many does the same
// pattern, written by hand in C, on the same MPI? It builds both programs, runs them in turn, and prints them beside each other.
//
//	go run ./bench/dispatch [-mpi WRAPPER:LAUNCHER]… [-ranks 2,4] [-dims 10,1000] [-seconds 1] [-repeat 3]
//
// Run it in the root of the repository.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	mpis := flag.String("mpi", "mpicc.openmpi:mpirun.openmpi,mpicc.mpich:mpirun.mpich", "MPIs, each `WRAPPER:LAUNCHER`, separated by commas")
	ranks := flag.String("ranks", "2,4", "numbers of ranks")
	dims := flag.String("dims", "10,1000", "dimensions")
	seconds := flag.Float64("seconds", 1, "of each measurement")
	repeat := flag.Int("repeat", 3, "measurements, of which the median is shown")
	flag.Parse()
	if err := run(strings.Split(*mpis, ","), numbers(*ranks), numbers(*dims), *seconds, *repeat); err != nil {
		fmt.Fprintln(os.Stderr, "bench/dispatch:", err)
		os.Exit(1)
	}
}

func numbers(list string) []int {
	var ns []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench/dispatch:", err)
			os.Exit(2)
		}
		ns = append(ns, n)
	}
	return ns
}

func run(mpis []string, ranks, dims []int, seconds float64, repeat int) error {
	dir, err := os.MkdirTemp("", "bench-dispatch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%s, %s, %d CPUs, %s\n", strings.Join(os.Args[1:], " "), time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.Version())
	fmt.Printf("evaluations per second, null function, rounds of 4096, median of %d runs of %g s\n", repeat, seconds)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "MPI\tranks\tdims\tschedule\tl2l-mpi\tC\tratio\twhole loop\t")
	for _, m := range mpis {
		mpicc, mpirun, _ := strings.Cut(m, ":")
		ours, theirs := filepath.Join(dir, "ranks-"+mpicc), filepath.Join(dir, "baseline-"+mpicc)
		if err := build("mpi/mpienv.sh", mpicc, "go", "build", "-tags", "mpi", "-o", ours, "./bench/dispatch/ranks"); err != nil {
			return err
		}
		if err := build(mpicc, "-O2", "-o", theirs, "bench/dispatch/baseline/baseline.c"); err != nil {
			return err
		}
		for _, n := range ranks {
			for _, d := range dims {
				for _, schedule := range []string{"collective", "pull"} {
					var a, b, c []float64
					for range repeat { // in turn, so that both see the same machine
						for _, one := range []struct {
							program, mode string
							into          *[]float64
						}{{ours, schedule, &a}, {theirs, schedule, &b}, {ours, "loop", &c}} {
							if one.mode == "loop" && schedule == "collective" {
								continue
							}
							rate, err := measure(mpicc, mpirun, n, one.program, one.mode, d, seconds)
							if err != nil {
								return err
							}
							*one.into = append(*one.into, rate)
						}
					}
					loop := ""
					if len(c) > 0 {
						loop = fmt.Sprintf("%.0f", median(c))
					}
					fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%.0f\t%.0f\t%.2f\t%s\t\n", mpirun, n, d, schedule, median(a), median(b), median(a)/median(b),
						loop)
				}
			}
		}
	}
	return t.Flush()
}

func build(argv ...string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w\n%s", argv, err, out)
	}
	return nil
}

func measure(mpicc, mpirun string, n int, program, mode string, dims int, seconds float64) (float64, error) {
	argv := []string{mpirun}
	if exec.Command(mpicc, "--showme:version").Run() == nil { // Open MPI
		argv = append(argv, "--oversubscribe")
		if os.Getuid() == 0 {
			argv = append(argv, "--allow-run-as-root")
		}
	}
	argv = append(argv, "-n", strconv.Itoa(n), program, mode, strconv.Itoa(dims), "4096", fmt.Sprint(seconds))
	cmd := exec.Command(argv[0], argv[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", argv, err, &stderr)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
