// Command balance asks: how busy are the slots of a search by generations, where evaluations take different times, and what do longest first and
// second copies add? The coordinator and the scheduler are those of a run, the slots and the time are simulated: figures do not depend on the machine.
//
//	go run ./bench/balance [-slots 8] [-each 1,2,8] [-generations 200] [-seeds 5]
//
// Busy is the useful part of the slots' time. "bound" is what list scheduling reaches that gives the next free slot the next individual, without
// any messages, and "best" is the longest first by their true times. Where a slot is slower than the others, these two know and leave it out.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
)

// dim is the number of coordinates of the points.
const dim = 10

// load is a kind of run times.
type load struct {
	name string
	// seconds is the time of an evaluation in a slot that is not slow; about 1. u is a number from 0 to 1 that is drawn for the evaluation.
	seconds func(x []float64, u float64) float64
	slow    float64 // how much slower slot 0 is; 0: it is not
}

// spread is the standard deviation of the logarithm of times whose 95th percentile is ten times their 5th.
var spread = math.Log(10) / 2 / 1.6449

var loads = []load{
	{"constant", func([]float64, float64) float64 { return 1 }, 0},
	{"log-normal 10:1 by the point", byPoint, 0},
	{"the same, with a bend", bent, 0},
	{"log-normal 10:1 by chance", byChance, 0},
	{"Pareto 1.5 by chance", pareto, 0},
	{"constant, a slot 20 times slower", func([]float64, float64) float64 { return 1 }, 20},
	{"log-normal 10:1 by the point, a slot 20 times slower", byPoint, 20},
	{"log-normal 10:1 by chance, a slot 20 times slower", byChance, 20},
}

// byPoint is a log-normal function of a point whose coordinates are normally distributed.
func byPoint(x []float64, _ float64) float64 {
	sum, norm := 0.0, 0.0
	for j, v := range x {
		w := 1 / float64(1+j)
		sum += w * v
		norm += w * w
	}
	return math.Exp(spread * sum / math.Sqrt(norm))
}

// bent is longer for points whose first two coordinates are large, whatever their sign.
func bent(x []float64, u float64) float64 {
	return byPoint(x, u) * math.Exp(0.2*spread*(x[0]*x[0]+x[0]*x[1]))
}

func byChance(_ []float64, u float64) float64 {
	return math.Exp(spread * math.Sqrt2 * math.Erfinv(2*u-1))
}

func pareto(_ []float64, u float64) float64 { return math.Pow(1-u, -1/1.5) / 3 }

// settings of a simulation.
type settings struct {
	slots, generations, seeds int
}

// way is how evaluations are given out.
type way struct {
	name          string
	longest       bool
	copies        bool
	interruptible bool
}

var ways = []way{
	{"plain", false, false, false}, {"longest first", true, false, false}, {"copies", false, true, true}, {"both", true, true, true},
	{"both, uninterruptible", true, true, false},
}

func main() {
	var s settings
	flag.IntVar(&s.slots, "slots", 8, "slots, one on each rank")
	flag.IntVar(&s.generations, "generations", 200, "generations of a search")
	flag.IntVar(&s.seeds, "seeds", 5, "searches, of which the mean is shown")
	each := flag.String("each", "1,2,8", "individuals of a generation per slot")
	flag.Parse()
	if err := run(s, strings.Split(*each, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "bench/balance:", err)
		os.Exit(1)
	}
}

func run(s settings, each []string) error {
	fmt.Printf("%s\n%s, %d cores, %s; time is simulated\n", strings.Join(append([]string{"go run ./bench/balance"}, os.Args[1:]...), " "), time.Now().Format(time.DateOnly),
		runtime.NumCPU(), runtime.Version())
	fmt.Printf("%d slots, generations %d, searches %d; busy slots in %%, and copies made and won per 1000 evaluations\n\n", s.slots, s.generations, s.seeds)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	head := []string{"run times", "each", "bound", "best"}
	for _, w := range ways {
		head = append(head, w.name)
	}
	fmt.Fprintln(t, strings.Join(append(head, "made", "won"), "\t"))
	for _, l := range loads {
		for _, word := range each {
			n, err := strconv.Atoi(word)
			if err != nil || n < 1 {
				return fmt.Errorf("-each: %q, want whole numbers from 1 on", word)
			}
			cells := []string{l.name, word}
			var sums [2]float64
			for seed := range s.seeds {
				bound, best := s.bounds(l, n, uint64(seed))
				sums[0] += bound / float64(s.seeds)
				sums[1] += best / float64(s.seeds)
			}
			cells = append(cells, percent(sums[0]), percent(sums[1]))
			var made, won int
			for _, w := range ways {
				sum := 0.0
				made, won = 0, 0
				for seed := range s.seeds {
					o, err := s.search(l, w, n, uint64(seed))
					if err != nil {
						return err
					}
					sum += o.busy / float64(s.seeds)
					made, won = made+o.made, won+o.won
				}
				cells = append(cells, percent(sum))
			}
			per := 1000 / float64(s.generations*s.seeds*n*s.slots)
			fmt.Fprintln(t, strings.Join(append(cells, fmt.Sprintf("%.1f", float64(made)*per), fmt.Sprintf("%.1f", float64(won)*per)), "\t"))
		}
	}
	return t.Flush()
}

func percent(part float64) string { return fmt.Sprintf("%.1f", 100*part) }

// generation draws the evaluations of a generation, with the chance of each.
func (s settings) generation(rng *rand.Rand, first int64, n int) (es []l2l.Evaluation, chance map[int64]float64) {
	chance = map[int64]float64{}
	for i := range n * s.slots {
		e := l2l.Evaluation{Individual: first + int64(i), X: make([]float64, dim)}
		for j := range e.X {
			e.X[j] = rng.NormFloat64()
		}
		chance[e.Individual] = rng.Float64()
		es = append(es, e)
	}
	return es, chance
}

// outcome is what a search came to.
type outcome struct {
	busy      float64 // part of the slots' time
	made, won int     // copies
}

// search simulates a search.
func (s settings) search(l load, w way, n int, seed uint64) (o outcome, err error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	chance := map[int64]float64{}
	sim, err := dispatch.Simulation{
		Policy: dispatch.Policy{
			Schedule: dispatch.Pull, Slots: slices.Repeat([]int{1}, s.slots+1), Copies: w.copies, InOrder: !w.longest,
		},
		Seconds: func(rank, _ int, call []l2l.Evaluation) float64 {
			seconds := l.seconds(call[0].X, chance[call[0].Individual])
			if rank == 1 && l.slow > 0 {
				seconds *= l.slow
			}
			return seconds
		},
		Interruptible: w.interruptible,
	}.Start()
	if err != nil {
		return o, err
	}
	total := 0.0
	for g := range s.generations {
		es, more := s.generation(rng, int64(g*n*s.slots), n)
		for id, u := range more {
			chance[id] = u
		}
		for _, e := range es {
			total += l.seconds(e.X, chance[e.Individual])
		}
		if err := sim.Submit(es); err != nil {
			return o, err
		}
		for left := len(es); left > 0; {
			rs, err := sim.Next(context.Background())
			if err != nil {
				return o, err
			}
			left -= len(rs)
		}
	}
	o.busy = total / (float64(s.slots) * sim.Elapsed().Seconds())
	o.made, o.won = sim.Copies()
	return o, nil
}

// bounds are how busy the slots are with list scheduling: in the order of the individuals, and the longest first.
func (s settings) bounds(l load, n int, seed uint64) (bound, best float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	slots := s.slots
	if l.slow > 0 {
		slots--
	}
	var total, inOrder, longest float64
	for g := range s.generations {
		es, chance := s.generation(rng, int64(g*n*s.slots), n)
		var times []float64
		for _, e := range es {
			times = append(times, l.seconds(e.X, chance[e.Individual]))
			total += times[len(times)-1]
		}
		inOrder += list(times, slots)
		slices.Sort(times)
		slices.Reverse(times)
		longest += list(times, slots)
	}
	all := float64(s.slots)
	return total / (all * inOrder), total / (all * longest)
}

// list is the time that slots take for tasks, of which the next free slot gets the next.
func list(times []float64, slots int) float64 {
	ends := make([]float64, slots)
	for _, t := range times {
		i := slices.Index(ends, slices.Min(ends))
		ends[i] += t
	}
	return slices.Max(ends)
}
