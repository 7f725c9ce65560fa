package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/batch"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// leader is what rank 0 holds of a run.
type leader struct {
	*config.Plan
	now       *config.Plan // with what orders have changed; of whoever looks for them
	options   options
	dir       string // "" in memory
	effective string // configuration
	ranks     []hello
	levels    dispatch.Levels
	teams     dispatch.Teams // nil where each rank evaluates alone
	slots     []int          // by rank; of a team, its leader has one
	places    []placement
	search    *l2l.Search
	journal   *journal.Journal // nil in memory
	log       zerolog.Logger
	logFile   *os.File
	known     []optimizer.Solution     // what a new run begins with
	stop      atomic.Pointer[l2l.Stop] // the plan's rules, settled; an order may replace them while others read them
	job       batch.Job                // that the session is in; zero where it is in none
	left      time.Duration            // of the job, when the session began
	sessions  report.Sessions
	started   time.Time
	resumed   bool
}

// lead is the part of rank 0.
func lead(ctx context.Context, comm mpi.Comm, plan *config.Plan, list []Option) (result Result, err error) {
	inside, cancel := context.WithCancel(context.WithoutCancel(ctx)) // an exchange or an evaluation that ctx ended would leave the others waiting
	defer cancel()
	ranks, err := gather(inside, comm, newHello())
	if err != nil {
		return Result{}, err
	}
	var r *leader
	if err = sameBuild(ranks); err == nil {
		r, err = prepare(plan, optionsOf(list), ranks)
	}
	if err != nil {
		return Result{}, errors.Join(err, broadcast(inside, comm, briefing{Over: true, Usage: errors.Is(err, ErrUsage)}))
	}
	defer func() { err = errors.Join(err, r.close()) }()
	b := briefing{Config: r.effective, Dir: r.dir, Slots: r.slots, Places: r.places, Parallel: r.Execution.Parallel, Levels: r.Execution.Levels, Teams: r.teams}
	if err := broadcast(inside, comm, b); err != nil {
		return Result{}, err
	}

	e, err := r.evaluator(inside, comm)
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	troubles, err := gather(inside, comm, trouble)
	if err != nil {
		return Result{}, err
	}
	for rank, text := range troubles {
		if text != "" {
			err = fmt.Errorf("rank %d on %s: %s", rank, ranks[rank].Host, text)
			return Result{}, errors.Join(err, broadcast(inside, comm, false))
		}
	}
	if err := broadcast(inside, comm, true); err != nil {
		return Result{}, err
	}
	return r.run(ctx, e)
}

// prepare opens the run's directory. Nothing is written before all that can be checked has been.
func prepare(plan *config.Plan, o options, ranks []hello) (r *leader, err error) {
	levels := dispatch.NewLevels(len(ranks), plan.Execution.Levels)
	r = &leader{
		options: o, ranks: ranks, levels: levels, slots: slotsOf(ranks, levels, plan.Execution.Slots, plan.CPUs), started: time.Now(),
		log: zerolog.New(zerolog.SyncWriter(o.log)).Level(o.level).With().Timestamp().Logger(),
	}
	k := plan.Execution.RanksPerEvaluation
	switch {
	case k > 1:
		if r.teams, err = teamsOf(ranks, k); err != nil {
			return nil, usage(err)
		}
		r.levels, r.slots = dispatch.NewLevels(len(ranks), 1), r.teams.Slots(len(ranks))
	case plan.Execution.Slots == 0:
		r.slots = withGPUs(ranks, r.slots, plan.Execution.GPUsPerSlot)
	}
	if r.places, err = placements(ranks, r.seats(), plan.Execution.GPUsPerSlot); err != nil {
		return nil, usage(err)
	}
	r.dir = place(plan, o)
	if plan, r.known, err = checked(plan, o, r.dir); err != nil {
		return nil, usage(err)
	}
	if plan, err = plan.Settled(plan.Parallel(room(plan, r.slots))); err != nil {
		return nil, usage(err)
	}
	if r.search, err = plan.NewSearch(); err != nil {
		return nil, err
	}
	if r.dir == "" && !o.memory {
		if r.dir, err = newDirectory(plan.Name); err != nil {
			return nil, err
		}
	}
	r.Plan = plan.In(r.dir)
	r.now = r.Plan
	effective, err := r.Effective()
	if err != nil {
		return nil, err
	}
	r.effective = string(effective)
	if o.memory {
		return r, nil
	}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// close closes the search, the journal and the log.
func (r *leader) close() error {
	errs := []error{r.search.Close()}
	if r.journal != nil {
		errs = append(errs, r.journal.Close())
	}
	if r.logFile != nil {
		errs = append(errs, r.logFile.Close())
	}
	return errors.Join(errs...)
}

// evaluator is what runs evaluations, and can be held, told other limits of time, and closed.
type evaluator interface {
	l2l.Evaluator
	l2l.Holder
	Limit(dispatch.Limits) error
	Close() error
}

// evaluator makes what runs the evaluations.
func (r *leader) evaluator(ctx context.Context, comm mpi.Comm) (evaluator, error) {
	if comm.Size() > 1 {
		p := policy(r.Plan, r.levels.Slots(0, r.slots))
		p.Relays = r.levels.Relays(1)
		c, err := dispatch.NewCoordinator(comm, p)
		if err == nil {
			c.Log = r.log
		}
		return c, err
	}
	opts, err := dispatchOptions(r.Plan, 0, r.slots[0], 1)
	if err != nil {
		return nil, err
	}
	opts.Place = func(slot int) optimizee.Place { return r.places[0].place(r.ranks[0], 0, slot, r.Execution.GPUsPerSlot) }
	return dispatch.NewSolo(ctx, opts)
}

// policy is how evaluations are spread over ranks with these slots.
func policy(p *config.Plan, slots []int) dispatch.Policy {
	return dispatch.Policy{
		Schedule: dispatch.Schedule(p.Execution.Schedule), Slots: slots, Batch: batchOf(p), Copies: p.Execution.Copies == "auto" && !p.Once,
	}
}

// batchOf is the number of evaluations that a slot hands over at a time, as package dispatch wants it.
func batchOf(p *config.Plan) int {
	switch {
	case p.Execution.Batch != config.AutoBatch:
		return p.Execution.Batch
	case p.Batches:
		return dispatch.AutoBatch
	}
	return 1
}

// newServer is another rank's side.
func newServer(ctx context.Context, comm mpi.Comm, p *config.Plan, own hello, b briefing) (server, error) {
	rank := comm.Rank()
	if b.Teams != nil {
		return newTeammate(ctx, comm, p, own, b)
	}
	levels := dispatch.NewLevels(comm.Size(), b.Levels)
	if levels.Relays(rank) {
		return dispatch.NewRelay(comm, policy(p, levels.Slots(rank, b.Slots)))
	}
	opts, err := dispatchOptions(p, rank, b.Slots[rank], len(b.Slots))
	if err != nil {
		return nil, err
	}
	opts.Place = func(slot int) optimizee.Place { return b.Places[rank].place(own, rank, slot, p.Execution.GPUsPerSlot) }
	return dispatch.NewWorker(ctx, comm, levels[rank], opts)
}

// dispatchOptions say how a rank evaluates that has so many slots, in a run of so many ranks.
func dispatchOptions(p *config.Plan, rank, slots, ranks int) (o dispatch.Options, err error) {
	workers := max(ranks-1, 1)
	o = dispatch.Options{
		Make: p.NewOptimizee, Slots: slots, Batch: batchOf(p), Timeout: p.Execution.Timeout, PrepareTimeout: p.Execution.StartTimeout,
		KeepFailed: (p.Output.KeepFailed + workers - 1) / workers,
	}
	if p.Output.Dir == "" {
		return o, nil
	}
	dir, err := filepath.Abs(p.Output.Dir)
	o.Dir = filepath.Join(dir, workDir)
	if limit := p.Output.LogLimit; limit > 0 {
		o.Transcript = func(slot int) dispatch.Transcript {
			return dispatch.NewTranscript(filepath.Join(dir, slotLogFile(rank, slot)), limit)
		}
	}
	return o, err
}

// OpenSlot opens a slot like those of a run of the plan, to evaluate by hand; the caller closes it. dir is where evaluations have directories of
// their own, which stay there; "" means that they have none. What their programs print is written to stdout and stderr as well, if they are not nil, and
// took is told where their time goes, if it is not nil and the optimizee says so.
func OpenSlot(
	ctx context.Context, plan *config.Plan, dir string, stdout, stderr io.Writer, took func(optimizee.Part, time.Duration),
) (*dispatch.Slot, error) {
	opts, err := dispatchOptions(plan.In(""), 0, 1, 1)
	if err != nil {
		return nil, err
	}
	opts.Dir, opts.KeepFailed, opts.KeepAll = dir, 1, true
	if stdout != nil && stderr != nil {
		opts.Transcript = func(int) dispatch.Transcript { return dispatch.Live(stdout, stderr) }
	}
	if took != nil {
		opts.Make = func() (optimizee.Optimizee, error) {
			o, err := plan.NewOptimizee()
			if timed, ok := o.(optimizee.Timed); ok {
				timed.TimeTo(took)
			}
			return o, err
		}
	}
	return dispatch.OpenSlot(ctx, opts)
}

// run runs the loop and writes down how it ended.
func (r *leader) run(ctx context.Context, e evaluator) (Result, error) {
	r.findJob(ctx)
	begun := r.begun()
	before := Counts{r.search.Status().Generation, r.search.Evaluations(), r.search.Individuals()}
	loop := &l2l.Loop{
		Search: r.search, Evaluator: e, Stop: *r.stop.Load(), Space: r.Space, Record: r.Output.Record, WarmStart: r.known,
		Observers: slices.Clone(r.options.observers),
	}
	loop.MaxFailures, loop.Hopeless = r.Execution.Failures()
	if r.journal != nil {
		record := &annals{Journal: r.journal, sessions: &r.sessions}
		loop.Recorder = record
		if err := record.Record(begun); err != nil {
			return Result{}, errors.Join(err, e.Close())
		}
		var stop func()
		record.found, stop = r.inquire()
		defer stop()
		loop.Orders = &l2l.Orders{}
		defer r.listen(loop.Orders, e)()
		if err := r.manifest(begun, nil); err != nil {
			return Result{}, errors.Join(err, e.Close())
		}
	}
	failures := &failureLog{dir: r.dir, space: r.Space, log: r.log, kinds: map[string]*failureKind{}}
	use := &use{slots: begun.Slots, began: r.started, starting: time.Since(r.started)}
	loop.Observers = append(loop.Observers, failures.observe, r.logRestarts(), r.logIdle(), use.observe)
	var observed []func() // what ends with the loop
	if len(r.options.watchers) > 0 || r.Output.Metrics != "" || r.journal != nil {
		p := newPulse(e)
		loop.Evaluator = p
		tell := func(begin func(*pulse) (l2l.Observer, func())) {
			observe, stop := begin(p)
			loop.Observers, observed = append(loop.Observers, observe), append(observed, stop)
		}
		if len(r.options.watchers) > 0 {
			tell(r.watch)
		}
		if r.Output.Metrics != "" {
			tell(r.serveMetrics)
		}
		if r.journal != nil {
			observed = append(observed, r.live(p))
		}
	}
	r.log.Info().Str("dir", r.dir).Str("mpi", mpi.Library()).Int("ranks", len(r.ranks)).Int("slots", begun.Slots).
		Int("parallel", r.Execution.Parallel).
		Str("optimizee", r.Optimizee.Name).Str("optimizer", r.Optimizer.Name).Bool("resumed", r.resumed).Msg("begun")
	r.tellPlaces()
	r.tellTeams()
	for _, remark := range r.Remarks() {
		r.log.Info().Msg(remark)
	}
	if len(r.Objectives) > 1 {
		r.tellObjectives()
	}

	summary, err := loop.Run(ctx)
	for _, stop := range observed {
		stop()
	}
	if summary.Warning != "" {
		r.log.Warn().Str("reason", summary.Warning).Msg("what the optimizer has found is not to be trusted yet")
	}
	result := Result{Summary: summary, Dir: r.dir, Resumed: r.resumed, Before: before, Reasons: failures.all()}
	ended := time.Now()
	if err == nil && r.journal != nil {
		if err = r.journal.CheckpointNow(r.search.Snapshot); errors.Is(err, optimizer.ErrNoState) {
			err = nil // a resumed run replays all
		}
	}
	err = errors.Join(err, e.Close())
	if r.dir != "" {
		result.Logs, _ = fs.Glob(os.DirFS(r.dir), slotLogs) // the pattern is in order
	}
	var wasted time.Duration
	if c, ok := e.(*dispatch.Coordinator); ok { // which knows of its relays now, too
		result.Lost, result.Again, wasted = c.Lost(), c.Again(), c.Wasted(ended)
		result.Copies.Made, result.Copies.Won = c.Copies()
	}
	result.Use = use.at(ended, wasted)
	if err == nil && r.journal != nil {
		err = r.finish(begun, result)
	}
	result.Elapsed = time.Since(r.started)
	return result, err
}

// finish writes down how the run ended.
func (r *leader) finish(begun l2l.Begun, result Result) error {
	written, err := report.NewResult(r.Name, r.Space, r.Objectives, result.Summary)
	if err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(r.dir, workDir)) // unless something is in it
	return errors.Join(written.Write(r.dir), r.manifest(begun, &result))
}

// begun is the event that opens the run, or goes on with it.
func (r *leader) begun() l2l.Begun {
	begun := l2l.Begun{
		Config: r.effective, Rules: r.search.Rules(), Version: Version(), Algorithm: r.Optimizer.Name, Search: r.Optimizer.Version(), Space: r.Space,
		At: r.started.UnixMicro(),
		Session: l2l.Session{
			Command: r.options.command, MPI: mpi.Library(), Go: runtime.Version(), Job: r.job.ID, Account: r.job.Account, Modules: modules(),
		},
	}
	begun.Session.Dir, _ = os.Getwd() // unknown where it was removed
	for _, h := range r.ranks {
		begun.Hosts = append(begun.Hosts, h.Host)
	}
	begun.Slots = total(r.slots)
	return begun
}

// total is the number of slots of all ranks together; rank 0 has none, unless it is alone.
func total(slots []int) (sum int) {
	for rank, n := range slots {
		if rank > 0 || len(slots) == 1 {
			sum += n
		}
	}
	return sum
}

// room is the number of evaluations that ranks with these slots can have under way.
func room(plan *config.Plan, slots []int) int { return total(slots) * plan.Execution.Together() }

// tellObjectives says what becomes of several objectives.
func (r *leader) tellObjectives() {
	var names []string
	for _, o := range r.Objectives {
		name := o.Name
		if r.Sum {
			name = fmt.Sprintf("%g × %s", cmp.Or(o.Weight, 1), o.Name)
		}
		names = append(names, name)
	}
	line := r.log.Info().Strs("objectives", names)
	if r.Sum {
		line.Msg("the optimizer takes one objective: it searches for the best weighted sum")
	} else {
		line.Msg("the optimizer takes all objectives: it searches for a front of best compromises")
	}
}
