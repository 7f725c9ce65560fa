// Command simulate asks: how many slots does rank 0 keep busy, and with evaluations of what length? The coordinator and the scheduler are those of
// a run, the ranks and the time are simulated, and messages cost what the flags say: figures do not depend on the machine. There is no generation's
// end: for every result there is another evaluation, as in an asynchronous search.
//
//	go run ./bench/simulate [-slots 64,1024,16384,131072] [-times 1ms,10ms,100ms,1s,1m,1h] [-per-rank 1] [-message 2us …]
//	go run ./bench/simulate -measure 22 [-slots …]
//	go run ./bench/simulate -check [-ranks 2,4,8,16]
//
// With -measure an evaluation or a result costs what it costs this build's coordinator on this machine in messages of so many, in processor time, MPI left
// out: the median of several goes for each number of slots.
//
// With -check it does not predict: it runs goroutine ranks, whose evaluations sleep, and simulates the same, and prints both.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// settings of a simulation.
type settings struct {
	perRank int
	levels  int           // of ranks
	each    int           // evaluations of a slot
	ratio   float64       // of the run times' 95th to their 5th percentile
	dim     int           // coordinates of a point
	measure int           // results in a message by which the cost of an evaluation is measured; 0: it is given
	cost    dispatch.Cost // of messages
	search  time.Duration // that rank 0 spends on the search for each evaluation
}

func main() {
	var s settings
	slots := flag.String("slots", "64,1024,16384,131072", "numbers of slots")
	times := flag.String("times", "1ms,10ms,100ms,1s,1m,1h", "medians of the run times")
	ranks := flag.String("ranks", "2,4,8,16", "numbers of ranks, with -check")
	check := flag.Bool("check", false, "compare with goroutine ranks")
	flag.IntVar(&s.perRank, "per-rank", 1, "slots of each rank")
	flag.IntVar(&s.each, "each", 40, "evaluations for each slot")
	flag.IntVar(&s.levels, "levels", 0, "1, 2, or 0: by the number of ranks")
	flag.IntVar(&s.dim, "dim", 10, "coordinates of a point")
	flag.Float64Var(&s.ratio, "ratio", 10, "95th percentile of the log-normal run times over their 5th; 1: all are equal")
	flag.DurationVar(&s.cost.Message, "message", 2*time.Microsecond, "that a message costs rank 0")
	flag.DurationVar(&s.cost.Evaluation, "evaluation", 500*time.Nanosecond, "that an evaluation, or a result, in a message costs rank 0")
	flag.DurationVar(&s.cost.Latency, "latency", 5*time.Microsecond, "of a message")
	flag.DurationVar(&s.search, "search", 2*time.Microsecond, "that the search and the journal cost rank 0 for each evaluation")
	flag.IntVar(&s.measure, "measure", 0, "measure what an evaluation costs this build on this machine, in messages of so many results")
	flag.Parse()
	command := strings.Join(append([]string{"go run ./bench/simulate"}, os.Args[1:]...), " ")
	fmt.Printf("%s\n%s, %d cores, %s\n", command, time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.Version())
	err := errors.New("-ratio, -per-rank, -each, -dim: want numbers from 1 on, and -measure from 0")
	switch {
	case s.ratio < 1 || s.perRank < 1 || s.each < 1 || s.dim < 1 || s.measure < 0:
	case *check:
		err = s.check(strings.Split(*ranks, ","))
	default:
		err = s.predict(strings.Split(*slots, ","), strings.Split(*times, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/simulate:", err)
		os.Exit(1)
	}
}

// predict prints a table.
func (s settings) predict(slots, times []string) error {
	fmt.Printf("busy slots in %%, and in brackets the part of its time that rank 0 works; run times %g:1 about the median, %d slots on each rank\n", s.ratio, s.perRank)
	given := s.cost.Evaluation.String()
	if s.measure > 0 {
		given = "what is measured"
	}
	fmt.Printf("rank 0: %v for a message, %v for each evaluation or result in it, %v for the search; latency %v\n\n", s.cost.Message, given, s.search, s.cost.Latency)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := []string{"slots"}
	if s.measure > 0 {
		head = append(head, "measured")
	}
	fmt.Fprintln(t, strings.Join(append(head, times...), "\t")+"\t")
	for _, word := range slots {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n%s.perRank != 0 {
			return fmt.Errorf("-slots: %q, want multiples of -per-rank", word)
		}
		cells := []string{word}
		if s.measure > 0 {
			if s.cost.Evaluation, err = s.measured(n); err != nil {
				return err
			}
			cells = append(cells, s.cost.Evaluation.String())
		}
		for _, text := range times {
			median, err := time.ParseDuration(text)
			if err != nil || median <= 0 {
				return fmt.Errorf("-times: %q, want a time such as 10ms", text)
			}
			busy, works, err := s.steady(n, median)
			if err != nil {
				return err
			}
			cells = append(cells, fmt.Sprintf("%.1f (%.0f)", 100*busy, 100*works))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t")+"\t")
	}
	return t.Flush()
}

// seconds is the time of an evaluation.
func (s settings) seconds(median time.Duration, individual int64) float64 {
	sigma := math.Log(s.ratio) / 2 / 1.6449 // 1.6449: the 95th percentile of N(0, 1)
	return median.Seconds() * math.Exp(sigma*rand.New(rand.NewPCG(uint64(individual), 1)).NormFloat64())
}

// measured is what an evaluation, or a result, costs rank 0 with so many slots.
func (s settings) measured(slots int) (time.Duration, error) {
	const evaluations, goes = 500_000, 5
	own := slices.Repeat([]int{s.perRank}, slots/s.perRank+1)
	levels := dispatch.NewLevels(len(own), s.levels)
	r, err := dispatch.NewRehearsal(dispatch.Policy{
		Schedule: dispatch.Pull, Slots: levels.Slots(0, own), Relays: levels.Relays(1), Copies: true,
	}, s.measure, s.dim)
	if err != nil {
		return 0, err
	}
	median := func(run func(n int) error) (_ time.Duration, err error) {
		times := make([]time.Duration, goes)
		for i := range times {
			before := processor()
			err = cmp.Or(err, run(evaluations))
			times[i] = processor() - before
		}
		slices.Sort(times)
		return times[goes/2], err
	}
	all, err := median(r.Run)
	if err != nil {
		return 0, err
	}
	alone, err := median(r.RunAlone)
	return (all - alone) / (2 * evaluations), err
}

// processor is the processor time of this process.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // which cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// simulation is one with so many slots on ranks, by their numbers.
func (s settings) simulation(slots []int, median time.Duration) (*dispatch.Simulated, error) {
	return dispatch.Simulation{
		Levels: dispatch.NewLevels(len(slots), s.levels),
		Policy: dispatch.Policy{Schedule: dispatch.Pull, Slots: slots, Copies: true},
		Seconds: func(_, _ int, call []l2l.Evaluation) float64 {
			return s.seconds(median, call[0].Individual)
		},
		Cost: s.cost,
	}.Start()
}

// steady is how busy slots are once all have begun, and how much of its time rank 0 works then.
func (s settings) steady(n int, median time.Duration) (busy, works float64, err error) {
	sim, err := s.simulation(slices.Repeat([]int{s.perRank}, n/s.perRank+1), median)
	if err != nil {
		return 0, 0, err
	}
	var from, fromBusy, fromWorks time.Duration
	ended := 0
	err = s.continuous(sim, n*s.each, func(results int) {
		sim.Spend(time.Duration(results) * s.search)
		if before := ended; before < n && before+results >= n {
			from, fromBusy, fromWorks = sim.Elapsed(), sim.Busy(), sim.Overhead()
		}
		ended += results
	}, false)
	took := sim.Elapsed() - from
	spent := sim.Overhead() - fromWorks + time.Duration(ended-n)*s.search
	return float64(sim.Busy()-fromBusy) / float64(n) / float64(took), min(float64(spent)/float64(took), 1), err
}

// continuous has an evaluator evaluate so many points, with another one for each that has ended, until all have been submitted, or to their end.
func (s settings) continuous(e l2l.Evaluator, count int, ended func(results int), toTheEnd bool) error {
	x := make([]float64, s.dim)
	submitted, under := 0, 0
	for {
		if room := min(e.Capacity()-under, count-submitted); room > 0 {
			es := make([]l2l.Evaluation, room)
			for i := range es {
				es[i] = l2l.Evaluation{Individual: int64(submitted + i), X: x}
			}
			submitted, under = submitted+room, under+room
			if err := e.Submit(es); err != nil {
				return err
			}
		}
		if under == 0 || submitted == count && !toTheEnd {
			return nil
		}
		rs, err := e.Next(context.Background())
		if err != nil {
			return err
		}
		under -= len(rs)
		ended(len(rs))
	}
}

// sleeper is a model whose evaluations sleep.
type sleeper struct{ s settings }

const median = 100 * time.Millisecond // of its run times: so long that it matters little how fast the machine is

func (sleeper) Space() optimizee.Space {
	return optimizee.Space{{Name: "x", Lower: 0, Upper: 1e9}}
}

func (sleeper) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "y", Direction: optimizee.Minimise}}
}

func (m sleeper) Evaluate(_ context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	time.Sleep(time.Duration(m.s.seconds(median, int64(e.Seed)) * float64(time.Second)))
	return optimizee.Outcome{Fitness: []float64{0}}, nil
}

// check compares simulations with goroutine ranks.
func (s settings) check(ranks []string) error {
	fmt.Printf("seconds for %d evaluations per rank, sleeping %v, run times %g:1\n\n", 5*s.each, median, s.ratio)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ranks\tgenerations of\tgoroutines\tsimulated\tratio\t")
	for _, word := range ranks {
		n, err := strconv.Atoi(word)
		if err != nil || n < 2 {
			return fmt.Errorf("-ranks: %q, want whole numbers from 2 on", word)
		}
		slots := slices.Repeat([]int{s.perRank}, n)
		for _, size := range []int{4 * (n - 1) * s.perRank, (n - 1) * s.perRank} {
			took, err := s.real(slots, size)
			if err != nil {
				return err
			}
			sim, err := s.simulation(slots, median)
			if err == nil {
				err = s.generations(sim, size, s.each*5*(n-1))
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(t, "%d\t%d\t%.3f\t%.3f\t%.3f\t\n", n, size, took.Seconds(), sim.Elapsed().Seconds(), took.Seconds()/sim.Elapsed().Seconds())
		}
	}
	return t.Flush()
}

// generations has an evaluator evaluate so many points in generations.
func (s settings) generations(e l2l.Evaluator, size, count int) error {
	for first := 0; first < count; first += size {
		es := make([]l2l.Evaluation, size)
		for i := range es {
			es[i] = l2l.Evaluation{Individual: int64(first + i), Seed: uint64(first + i), X: []float64{0}}
		}
		if err := e.Submit(es); err != nil {
			return err
		}
		for left := size; left > 0; {
			rs, err := e.Next(context.Background())
			if err != nil {
				return err
			}
			left -= len(rs)
		}
	}
	return nil
}

// real is the time of goroutine ranks with so many slots each, for the same number of evaluations of each rank.
func (s settings) real(slots []int, size int) (took time.Duration, err error) {
	ctx := context.Background()
	comms := mpi.Local(len(slots))
	var wg sync.WaitGroup
	errs := make([]error, len(slots))
	for rank := 1; rank < len(slots); rank++ {
		wg.Go(func() {
			w, err := dispatch.NewWorker(ctx, comms[rank], 0, dispatch.Options{
				Slots: slots[rank], Make: func() (optimizee.Optimizee, error) { return sleeper{s}, nil },
			})
			if err == nil {
				err = w.Serve(ctx)
			}
			errs[rank] = err
		})
	}
	c, err := dispatch.NewCoordinator(comms[0], dispatch.Policy{Schedule: dispatch.Pull, Slots: slots, Copies: true})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	err = s.generations(c, size, s.each*5*(len(slots)-1))
	took = time.Since(began)
	err = errors.Join(err, c.Close())
	wg.Wait()
	return took, errors.Join(append(errs, err)...)
}
