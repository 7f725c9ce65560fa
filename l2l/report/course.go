package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Course is how far a run has come, by its events one after the other. It needs no optimizer, and its size does not grow with the run, but for a
// front, which is kept as an optimizer keeps one. NewCourse makes one.
type Course struct {
	Begun       l2l.Begun    // of the last session
	Sessions    int          // starts of the program
	Stopped     *l2l.Stopped // where it is the last event
	Results     int64        // evaluations that have ended, attempts that are tried again included
	Evaluations int64        // that have ended for good
	Individuals int64        // whose evaluations have all ended
	Failures    int64        // of them
	Generation  int          // generations completed, as the last Figures or Asked has it
	Figures     []optimizer.Figure
	Phase       string       // as in Progress
	Paused      bool         // by an order
	Front       []Individual // of a run with several objectives that are not added up
	LastAt      int64        // Unix time in microseconds, of the last event that has one

	fold   *Fold
	rules  *l2l.Rules
	best   top
	plan   plan
	before struct { // the last session
		evaluations int64
		generation  int
	}
}

// plan is what a configuration says of how a run is named and ended.
type plan struct {
	Name string
	Stop struct {
		Generations int
		Evaluations int64
		WallTime    string `yaml:"wall_time"`
	}
}

// planOf reads an effective configuration. Of one of another version it may not know all.
func planOf(config string) (p plan) {
	defer func() { _ = recover() }() // the YAML parser's limits are not all checked
	_ = yaml.Unmarshal([]byte(config), &p)
	return p
}

// NewCourse makes the course of a run of which nothing is known yet.
func NewCourse() *Course { return &Course{best: top{n: 1}} }

// Take takes the next event in. An error says that the journal is not that of a run.
func (c *Course) Take(event l2l.Event) (Step, error) {
	if c.fold == nil {
		begun, ok := event.(l2l.Begun)
		if !ok {
			return Step{}, errors.New("report: the journal does not begin with a configuration")
		}
		c.rules = &begun.Rules
		c.fold = NewFold(c.rules)
	}
	s, err := c.fold.Step(event)
	if err != nil {
		return s, fmt.Errorf("report: the run %w", err)
	}
	c.Stopped = nil
	switch e := event.(type) {
	case l2l.Begun:
		c.Sessions++
		c.Begun, c.plan, c.LastAt = e, planOf(e.Config), max(c.LastAt, e.At)
		c.before.evaluations, c.before.generation = c.Evaluations, c.Generation
		c.Paused = false
	case l2l.Ordered:
		c.Paused, c.LastAt = paused(c.Paused, e), max(c.LastAt, e.At)
	case l2l.Injected:
		c.LastAt = max(c.LastAt, e.At)
	case l2l.Asked:
		c.Phase = ""
		if len(e.Individuals) > 0 { // which tells it in journals of the first version, that have no figures
			c.Generation = max(c.Generation, e.Individuals[0].Generation)
		}
	case l2l.Figures:
		c.Generation, c.Figures = e.Generation, c.Figures[:0]
		for i, name := range e.Names {
			c.Figures = append(c.Figures, optimizer.Figure{Name: name, Value: e.Values[i]})
		}
	case l2l.Finals:
		c.Phase = fmt.Sprintf("%s of the answer", e.Stage)
		if e.Stage == l2l.Race {
			left := slices.Compact(slices.Sorted(slices.Values(e.Of)))
			c.Phase = fmt.Sprintf("%s of %d finalists, %d left", e.Stage, len(c.fold.finalists), len(left))
		}
	case l2l.Result:
		c.Results++
		c.LastAt = max(c.LastAt, e.At)
	case l2l.Stopped:
		c.Stopped, c.LastAt = &e, max(c.LastAt, e.At)
	}
	if s.Ended != nil && s.Ended.Final {
		c.Evaluations++
	}
	if s.Told != nil {
		c.told(*s.Told)
	}
	if s.Injected != nil {
		c.best.take(*s.Injected, c.rules)
	}
	return s, nil
}

// told takes in an individual whose evaluations have all ended.
func (c *Course) told(i Individual) {
	c.Individuals++
	if i.Failed() {
		c.Failures++
		return
	}
	c.best.take(i, c.rules)
	if c.rules.Sum {
		return
	}
	i.Results = nil
	if c.Front = withMember(c.Front, i); len(c.Front) > 2*optimizer.MaxFront {
		c.thin()
	}
}

// thin leaves of a front what an optimizer keeps of one.
func (c *Course) thin() {
	all := make([]optimizer.Solution, len(c.Front))
	for i, f := range c.Front {
		all[i] = optimizer.Solution{ID: f.ID, Loss: f.Loss}
	}
	kept := map[int64]bool{}
	for _, s := range optimizer.Spread(all, optimizer.MaxFront) {
		kept[s.ID] = true
	}
	c.Front = slices.DeleteFunc(c.Front, func(i Individual) bool { return !kept[i.ID] })
}

// Name is the run's.
func (c *Course) Name() string { return c.plan.Name }

// Rules are those by which results become a fitness; nil before the first event.
func (c *Course) Rules() *l2l.Rules { return c.rules }

// Best is the best individual so far, as [Run.Best] has it; nil before the first success.
func (c *Course) Best() *Individual {
	if len(c.best.best) == 0 {
		return nil
	}
	return &c.best.best[0]
}

// Host is the host of rank 0; "" where it is not known.
func (c *Course) Host() string {
	if len(c.Begun.Hosts) == 0 {
		return ""
	}
	return c.Begun.Hosts[0]
}

// Elapsed is how long the last session has gone on, or went on, at a time.
func (c *Course) Elapsed(now time.Time, state State) time.Duration {
	if c.Sessions == 0 {
		return 0
	}
	if state != Running {
		now = time.UnixMicro(c.LastAt)
	}
	return max(now.Sub(time.UnixMicro(c.Begun.At)), 0)
}

// Limits are the rules that end the run once something is large enough, by what they are called in a configuration, for a session that has gone on
// for so long. live may be nil.
func (c *Course) Limits(elapsed time.Duration, live *Live) map[string]Limit {
	limits := map[string]Limit{
		"generations": {Before: float64(c.before.generation), Now: float64(c.Generation), Whole: float64(c.plan.Stop.Generations)},
		"evaluations": {Before: float64(c.before.evaluations), Now: float64(c.Evaluations), Whole: float64(c.plan.Stop.Evaluations)},
	}
	wall, _ := time.ParseDuration(c.plan.Stop.WallTime) // else it is the job's, and rank 0 knows
	if live != nil && live.WallTime > 0 {
		wall = time.Duration(live.WallTime * float64(time.Second))
	}
	limits["wall_time"] = Limit{Now: elapsed.Seconds(), Whole: wall.Seconds()}
	return limits
}

// Progress is how far the run has come at a time at which it stands so. live may be nil, and written is when it was.
func (c *Course) Progress(now time.Time, state State, live *Live, written time.Time) Progress {
	p := Progress{
		Generation: c.Generation, Phase: c.Phase, Evaluations: c.Evaluations, Failures: c.Failures, Front: len(c.Front), Figures: c.Figures,
	}
	if b := c.Best(); b != nil && len(c.Front) == 0 {
		p.Best = FitnessText(c.rules.Objectives, b.Fitness)
	}
	elapsed := c.Elapsed(now, state)
	if elapsed > 0 {
		p.PerSecond = float64(c.Evaluations-c.before.evaluations) / elapsed.Seconds()
	}
	limits := c.Limits(elapsed, live)
	p.Estimate(elapsed, limits["generations"], limits["evaluations"], limits["wall_time"])
	switch state {
	case Running:
		if live != nil {
			p.UnderWay = live.UnderWay
			if len(live.Longest) > 0 {
				p.Longest = time.Duration(live.Longest[0].Seconds*float64(time.Second)) + max(now.Sub(written), 0)
			}
		}
	case Finished, Failed:
		p.Done, p.Left = 1, 0
	default:
		p.Left = 0
	}
	return p
}

// Status is how the run in dir stands, as [ReadStatus] has it. inUse says whether its journal was in use before the last events were read.
func (c *Course) Status(dir string, inUse bool, now time.Time) (Status, error) {
	s := Status{
		Dir: dir, Name: c.plan.Name, Host: c.Host(), Evaluations: c.Results, Sessions: c.Sessions, Generations: c.Generation, Individuals: c.Individuals,
		Failures: c.Failures, Front: len(c.Front),
	}
	if c.Sessions > 0 {
		s.Begun = time.UnixMicro(c.Begun.At)
	}
	live, err := s.stand(c, inUse, now)
	if err != nil {
		return s, err
	}
	p := c.Progress(now, s.State, live, now)
	s.PerSecond, s.Done, s.Left = p.PerSecond, p.Done, p.Left.Seconds()
	if b := c.Best(); b != nil && c.rules.Sum {
		s.Best = named(c.rules.Objectives, b.Fitness)
		s.best = FitnessText(c.rules.Objectives, b.Fitness)
	}
	return s, nil
}

// paused reports whether a run pauses after an order, which did so before it or not.
func paused(before bool, o l2l.Ordered) bool {
	switch o.Order {
	case "pause":
		return true
	case "resume", "stop":
		return false
	}
	return before
}

// ended is the state of a run that has said why it ended.
func ended(e l2l.Stopped) State {
	rule := e.Rule
	if rule == "" { // the first version had the text alone
		text, _, _ := strings.Cut(e.Reason, ":")
		rule = l2l.StopRule(text)
	}
	switch reason := (l2l.StopReason{Rule: rule}); {
	case rule == l2l.ByOrder:
		return Stopped
	case reason.Resumable():
		return Interrupted
	case reason.Failed():
		return Failed
	}
	return Finished
}
