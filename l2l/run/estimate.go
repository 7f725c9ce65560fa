package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Estimate is about what a run is going to take. A zero field is not known.
type Estimate struct {
	Evaluations  int64 // at most, attempts that are tried again not counted; 0 where no rule of the plan limits them
	Generations  int64 // that these make, if those after a restart are no larger
	Generation   int64 // evaluations of one generation, as it is after the first ones; 0 for an optimizer that waits for none
	Journal      int64 // bytes of all evaluations, or of the first one, where their number is not known
	PerEach      int64 // bytes of the journal for one evaluation
	Memory       int64 // bytes that rank 0 takes, within a factor of three; the MPI library and the model apart
	Asynchronous bool  // the optimizer does not wait for the last results of a generation
	AtOnce       int64 // evaluations of an Asynchronous optimizer that can be under way on the slots, at most as many as these take; otherwise 0
}

// Slots is the number of slots on which evaluations would run if so many ranks, at least 1, ran the plan on this machine. Where ranks share evaluations
// they are teams, and there is an error if there is none.
func Slots(plan *config.Plan, ranks int) (int, error) {
	if k := plan.Execution.RanksPerEvaluation; k > 1 {
		return (ranks - 1) / k, usage(checkTeams(ranks, k))
	}
	here := newHello()
	most := len(here.CPUs) + 2 // more have a slot each
	few := min(ranks, most)
	each := slotsOf(slices.Repeat([]hello{here}, few), dispatch.NewLevels(few, 1), plan.Execution.Slots, plan.CPUs)
	workers := 0
	for rank, levels := 0, dispatch.NewLevels(ranks, plan.Execution.Levels); rank < ranks; rank++ {
		if !levels.Manages(rank) {
			workers++
		}
	}
	return each[len(each)-1] * workers, nil
}

// Up to where a search is tried to estimate it.
const (
	triedFor     = 100 * time.Millisecond // after which it ends with the generation, which takes at least tried
	triedLongest = time.Second
	tried        = 3   // generations
	triedMost    = 2e7 // coordinates of all individuals of a generation
)

// Estimated tries the beginning of the plan's search, with made-up results and without the model, and tells what the run would take if it went on so, on
// that many slots, at least 1. It takes some tenths of a second, and writes nothing. An optimizer that is a program is not started: then the numbers of
// evaluations are told alone. An execution.parallel that is auto is what it would become on the slots.
func Estimated(plan *config.Plan, slots int) (Estimate, error) {
	plan, err := plan.Settled(plan.Parallel(slots * plan.Execution.Together()))
	if err != nil {
		return Estimate{}, err
	}
	o, err := plan.NewOptimizer()
	if err != nil {
		return Estimate{}, err
	}
	_, recalls := o.(optimizer.Recaller)
	if c, ok := o.(interface{ Close() error }); ok {
		defer func() { _ = c.Close() }() // nothing was started
	}
	each := int64(plan.Evaluation.Evaluations())
	size := int64(plan.PopSize())
	var e Estimate
	_, e.Asynchronous = o.(optimizer.Asynchronous)
	most := (int64(slots)*int64(plan.Execution.Together()) + each - 1) / each
	if e.Asynchronous && !recalls && float64(most)*float64(plan.Space.Dim()) <= triedMost {
		first, err := o.Ask(int(most))
		if err != nil {
			return e, err
		}
		e.AtOnce = int64(len(first)) * each
	}
	if recalls || float64(size)*float64(plan.Space.Dim()) > triedMost {
		if !e.Asynchronous {
			e.Generation = size * each
		}
		e.limit(plan, 0, 0)
		return e, nil
	}
	return e, e.try(plan)
}

// limit works out how many evaluations and generations there are, of which so many have been.
func (e *Estimate) limit(plan *config.Plan, evaluations, generations int64) {
	const none = math.MaxInt64
	most := int64(none)
	if n := plan.Stop.Evaluations; n > 0 {
		most = n
	}
	if n := int64(plan.Stop.Generations); n > 0 && e.Generation > 0 {
		most = min(most, evaluations+max(n-generations, 0)*e.Generation)
	}
	if most == none {
		return
	}
	e.Evaluations = most
	if e.Generation > 0 {
		rules := plan.Rules()
		searched := most
		if plan.Sum {
			searched -= rules.Reserved(plan.Stop.Evaluations)
		}
		e.Generations = generations + max(searched-evaluations, 0)/e.Generation
	}
}

// try runs the search until enough of it is known.
func (e *Estimate) try(plan *config.Plan) error {
	search, err := plan.NewSearch()
	if err != nil {
		return err
	}
	defer search.Close()
	effective, err := plan.Effective()
	if err != nil {
		return err
	}
	ctx, enough := context.WithCancel(context.Background())
	defer enough()
	r := &leader{Plan: plan, effective: string(effective), ranks: []hello{newHello()}, slots: []int{1}, search: search, started: time.Now()}
	made := &made{plan: plan, search: search, enough: enough, began: time.Now(), rank: 1, host: r.ranks[0].Host}
	loop := &l2l.Loop{
		Search: search, Evaluator: made, Recorder: made, Space: plan.Space, Record: plan.Output.Record,
		Stop: l2l.Stop{Generations: plan.Stop.Generations, Evaluations: plan.Stop.Evaluations},
	}
	once, err := journal.Size(r.begun())
	if err != nil {
		return err
	}
	sizes := map[int]int64{} // evaluations by generation
	loop.Observers = append(loop.Observers, func(event l2l.Event, of *l2l.Individual, _ *l2l.Search) {
		if _, ok := event.(l2l.Result); ok && of != nil {
			sizes[of.Generation]++
		}
	})
	summary, err := loop.Run(ctx)
	if err != nil {
		return err
	}
	first, begun := min(summary.Generations, tried), int64(0)
	for i := range first {
		begun += sizes[i]
	}
	if !e.Asynchronous {
		e.Generation = sizes[max(first-1, 0)]
	}
	e.limit(plan, begun, int64(first))
	e.PerEach = made.bytes / max(summary.Evaluations, 1)
	e.Journal = once + made.bytes*max(e.Evaluations, 1)/max(summary.Evaluations, 1)
	if _, err := search.Snapshot(); err != nil && !errors.Is(err, optimizer.ErrNoState) { // checkpoints are what takes most, where there are many parameters
		return err
	}
	e.Memory = peakMemory()
	if rule := summary.Reason.Rule; rule == l2l.Evaluations || rule == l2l.Generations { // all of it was tried
		e.Evaluations, e.Generations, e.Journal = summary.Evaluations, int64(summary.Generations), once+made.bytes
	}
	return nil
}

// made evaluates by a formula, at once, and counts what a journal would hold.
type made struct {
	plan   *config.Plan
	search *l2l.Search
	queue  []l2l.Evaluation
	enough func()
	began  time.Time
	rank   int
	host   string
	bytes  int64
}

// Capacity implements l2l.Evaluator.
func (*made) Capacity() int { return 16 }

// Submit implements l2l.Evaluator.
func (m *made) Submit(es []l2l.Evaluation) error {
	m.queue = append(m.queue, es...)
	return nil
}

// Next implements l2l.Evaluator: the fitness is the better the nearer a point is to one between middle and lower bounds.
func (m *made) Next(context.Context) ([]l2l.Result, error) {
	coords := m.plan.Space.Coordinates()
	results := make([]l2l.Result, len(m.queue))
	for k, e := range m.queue {
		sum := 0.0
		for i, c := range coords {
			d := 0.3
			if width := c.Upper - c.Lower; !math.IsInf(width, 0) {
				d = (e.X[i]-c.Lower)/width - 0.3
			}
			sum += d * d
		}
		r := l2l.Result{
			Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt, Seconds: 0.1 + sum, Rank: m.rank, Host: m.host,
			At: m.began.UnixMicro(),
		}
		for i, o := range m.plan.Objectives {
			f := sum + float64(i)*e.X[0] // compromises
			if o.Direction == optimizee.Maximise {
				f = -f
			}
			r.Fitness = append(r.Fitness, f)
		}
		for i := range m.plan.Outputs {
			r.Outputs = append(r.Outputs, e.X[i%len(e.X)]+float64(i))
			r.Targets = append(r.Targets, float64(i))
		}
		results[k] = r
	}
	m.queue = nil
	took := time.Since(m.began)
	if m.search.Status().Generation >= tried && took > triedFor || took > triedLongest {
		m.enough()
	}
	return results, nil
}

// Record implements l2l.Recorder.
func (m *made) Record(e l2l.Event) error {
	size, err := journal.Size(e)
	m.bytes += size
	return err
}

// Checkpoint implements l2l.Recorder.
func (*made) Checkpoint(func() ([]byte, error)) error { return nil }

// peakMemory is the most memory that this process has taken, in bytes; 0 where the system does not tell.
func peakMemory() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kB int64
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kB); err == nil {
			break
		}
	}
	return kB << 10
}

// Idle is the part of the time of so many slots, from 0 to 1, in which they have nothing to do while a generation's last evaluations are under way, if
// all calls of up to a batch of evaluations take equally long; rounds is how many calls each slot has in a generation. Of an Asynchronous optimizer,
// whose rounds are 0, it is the part of the slots for which there is no evaluation. Slots share what does not fill all their calls.
func (e Estimate) Idle(slots, batch int64) (idle float64, rounds int64) {
	if e.AtOnce > 0 {
		return 1 - float64(min(e.AtOnce, slots))/float64(slots), 0
	}
	if e.Generation == 0 {
		return 0, 0
	}
	full := slots * batch // evaluations of a round
	rounds = (e.Generation + full - 1) / full
	last := e.Generation - (rounds-1)*full
	return float64(slots-min(last, slots)) / float64(rounds*slots), rounds
}
