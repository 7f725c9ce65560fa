package figure

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// The most that is kept of a run: individuals of each kind, and coordinates of them all together.
const (
	maxSample      = 16384
	maxBest        = 1024
	maxCoordinates = 3 << 20
	maxRows        = 2000 // generations with the optimizer's figures, spans of a timeline
	maxReasons     = 40
)

// Data is what figures of a run are made of.
type Data struct {
	Run        *report.Run
	Goals      []Goal
	Parameters []Parameter
	Sessions   []Session

	Individuals int64   // whose evaluations have all ended
	Failed      int64   // of them
	Evaluations int64   // that have ended, repeated attempts included
	Seconds     float64 // that these took together
	Wasted      float64 // of them by evaluations that failed
	Elapsed     float64 // seconds that the sessions took together, without the time in between

	Sample   []Member // of the individuals that succeeded, drawn with the same probability, by ID
	Best     []Member // the best ones by Score, the best first; a front is there as far as it fits
	Front    []Member // with several goals, all that no other is better than, by ID
	Failures []Member // of those that failed, drawn with the same probability, by ID
	Reasons  []Reason // why evaluations failed, the most frequent first
	Others   int64    // failed evaluations with reasons that are not among these

	// Known is the best of each goal that the search was told of before it began; NaN where it was told of none.
	Known []float64

	// Improved are the individuals that were the best so far of the first goal, in their order, without their parameters.
	Improved []Member

	clock []moment // of the run, in its order, thinned where there are many
	skip  int64    // evaluations between moments, at least

	byEvaluation, byGeneration, bySeconds *course
	figures                               []report.Generation
	every                                 int // generation of figures that is kept
	entries                               []Member
	times                                 map[l2l.Ending]map[int]int64 // evaluations by the logarithm of their seconds
	slots                                 *busy
	limit                                 int // of kept individuals
	rng                                   *rand.Rand
	best                                  []float64 // of each goal so far
	order                                 []int     // of parameters, see matters
	weights                               []weight  // see importance
}

// Goal is what a run searches for: an objective, or the weighted sum of all.
type Goal struct {
	Name, Unit string
	Maximise   bool
}

// Text is the goal as an axis has it.
func (g Goal) axis() Axis { return Axis{Label: g.Name, Unit: g.Unit} }

// loss is a value as it is minimised, or back.
func (g Goal) loss(v float64) float64 {
	if g.Maximise {
		return -v
	}
	return v
}

// Parameter is a coordinate of the space, in the values that users see.
type Parameter struct {
	Label, Unit  string
	Kind         optimizee.Kind
	Log          bool
	Choices      []string // of a bool or a categorical
	Lower, Upper float64
}

func (p Parameter) axis() Axis {
	return Axis{Label: p.Label, Unit: p.Unit, Log: p.Log, Whole: p.Kind == optimizee.Int && !p.Log, Names: p.Choices}
}

// Member is an individual that is kept.
type Member struct {
	ID         int64
	Generation int
	At         int64     // evaluations that had ended by then
	X          []float64 // values of the parameters, or indexes of their choices
	Values     []float64 // of the goals; nil if it failed
	Score      float64   // smaller is better
	search     []float64 // the point as it was searched
}

// Session is a start of the program.
type Session struct {
	Begun       l2l.Begun
	Evaluations int64   // before it
	From        float64 // seconds of all sessions before it
	Ended       string  // why; "" where it has not said, as after a kill, or goes on
	End         int64   // Unix time in microseconds, of the last event
	Orders      []l2l.Ordered
}

// moment is how long the sessions had taken when so many evaluations had ended.
type moment struct {
	evaluations int64
	elapsed     float64 // seconds
}

// elapsedBy is how long the sessions had taken, in seconds, when so many evaluations had ended.
func (d *Data) elapsedBy(evaluations int64) float64 {
	n := sort.Search(len(d.clock), func(i int) bool { return d.clock[i].evaluations >= evaluations })
	switch {
	case len(d.clock) == 0:
		return 0
	case n == len(d.clock):
		return d.Elapsed
	case n == 0:
		return d.clock[0].elapsed
	}
	a, b := d.clock[n-1], d.clock[n]
	return a.elapsed + (b.elapsed-a.elapsed)*float64(evaluations-a.evaluations)/float64(b.evaluations-a.evaluations)
}

// tick notes a moment.
func (d *Data) tick(evaluations int64) {
	if n := len(d.clock); n > 0 && evaluations < d.clock[n-1].evaluations+max(d.skip, 1) {
		return
	}
	d.clock = append(d.clock, moment{evaluations, d.Elapsed})
	if len(d.clock) < maxRows {
		return
	}
	half := d.clock[:0]
	for i := 0; i < len(d.clock); i += 2 {
		half = append(half, d.clock[i])
	}
	d.clock, d.skip = half, 2*max(d.skip, 1)
}

// Reason is why evaluations failed.
type Reason struct {
	Ending     l2l.Ending
	Text       string // as l2l.Pattern has it
	Count      int64
	Individual int64 // the first
}

// Gather reads a run, as far as it has been written, once.
func Gather(run *report.Run) (*Data, error) {
	rules := &run.Begun.Rules
	d := &Data{
		Run: run, Parameters: parametersOf(run.Begun.Space), every: 1, times: map[l2l.Ending]map[int]int64{}, slots: newBusy(),
		byEvaluation: newCourse(1, 1, 1), byGeneration: newCourse(1, 1, 0), bySeconds: newCourse(1e-6, 0, 0), rng: rand.New(rand.NewPCG(3, 4)),
	}
	if rules.Sum && len(rules.Objectives) > 1 {
		d.Goals = []Goal{{Name: "weighted sum of the objectives"}}
	} else {
		for _, o := range rules.Objectives {
			d.Goals = append(d.Goals, Goal{o.Name, o.Unit, o.Direction == optimizee.Maximise})
		}
	}
	for range d.Goals {
		d.best, d.Known = append(d.best, math.NaN()), append(d.Known, math.NaN())
	}
	d.limit = min(max(maxCoordinates/max(len(d.Parameters), 1), 64), maxSample)
	g := gathering{Data: d, reasons: map[Reason]*Reason{}}
	for s, err := range run.Steps() {
		if err == nil {
			err = g.take(s)
		}
		if err != nil {
			return nil, err
		}
	}
	g.end()
	return d, nil
}

func parametersOf(space optimizee.Space) []Parameter {
	var all []Parameter
	labels := space.Labels()
	for _, p := range space {
		of := Parameter{Unit: p.Unit, Kind: p.Kind, Log: p.Log, Lower: p.Lower, Upper: p.Upper}
		switch p.Kind {
		case optimizee.Bool:
			of.Choices = []string{"false", "true"}
		case optimizee.Categorical:
			for _, c := range p.Choices {
				of.Choices = append(of.Choices, fmt.Sprint(c))
			}
		}
		for range max(p.Size, 1) {
			of.Label = labels[len(all)]
			all = append(all, of)
		}
	}
	return all
}

// Generations are how many the optimizer has completed; 0 of runs of versions that did not record it.
func (d *Data) Generations() int {
	if n := len(d.figures); n > 0 {
		return d.figures[n-1].Generation
	}
	return 0
}

// Values are the parameters' values of a point that was searched: numbers, and indexes of choices.
func (d *Data) Values(x []float64) ([]float64, error) {
	m := Member{search: x}
	err := d.decode(&m)
	return m.X, err
}

// gathering is what is needed while a run is read.
type gathering struct {
	*Data
	reasons map[Reason]*Reason
	final   int64 // evaluations that ended for good
	good    int64 // individuals that succeeded
	last    report.Generation
	told    int // generations of which figures were told
}

func (g *gathering) take(s report.Step) error {
	switch e := s.Event.(type) {
	case l2l.Begun:
		g.begin(e)
	case l2l.Stopped:
		g.session().Ended = e.Reason
		g.at(e.At)
	case l2l.WarmStart:
		g.know(e)
	case l2l.Session:
		g.session().Begun.Session.Add(e)
	case l2l.Ordered:
		g.session().Orders = append(g.session().Orders, e)
		g.at(e.At)
	case l2l.Injected:
		g.session().Orders = append(g.session().Orders, e.Order())
		g.at(e.At)
	case l2l.Figures:
		g.figure(report.Generation{Generation: e.Generation, Evaluations: e.Evaluations, Names: e.Names, Figures: e.Values})
	}
	if s.Ended != nil {
		g.evaluation(s.Ended)
	}
	if s.Told != nil {
		return g.individual(s.Told)
	}
	return nil
}

func (g *gathering) session() *Session { return &g.Sessions[len(g.Sessions)-1] }

func (g *gathering) begin(e l2l.Begun) {
	from := 0.0
	if n := len(g.Sessions); n > 0 {
		from = g.Elapsed
	}
	g.Sessions = append(g.Sessions, Session{Begun: e, Evaluations: g.final, From: from, End: e.At})
}

// at notes that something has happened at a time, and returns how long the sessions had taken by then.
func (g *gathering) at(unix int64) float64 {
	s := g.session()
	s.End = max(s.End, unix)
	if s.Begun.At > 0 {
		g.Elapsed = s.From + float64(s.End-s.Begun.At)/1e6
	}
	return g.Elapsed
}

// know notes the best of what an optimizer was told of.
func (g *gathering) know(e l2l.WarmStart) {
	for _, s := range e.Solutions {
		if len(s.Loss) != len(g.Goals) {
			continue // a point without a result
		}
		for k, goal := range g.Goals {
			if !(s.Loss[k] >= goal.loss(g.Known[k])) {
				g.Known[k] = goal.loss(s.Loss[k])
			}
		}
	}
}

func (g *gathering) figure(row report.Generation) {
	g.last = row
	if g.told++; (g.told-1)%g.every != 0 {
		return
	}
	g.figures = append(g.figures, row)
	if len(g.figures) >= maxRows {
		half := g.figures[:0]
		for i := 0; i < len(g.figures); i += 2 {
			half = append(half, g.figures[i])
		}
		g.figures = half
		g.every *= 2
	}
}

func (g *gathering) evaluation(e *report.Evaluation) {
	g.Evaluations++
	if e.Final {
		g.final++
	}
	if e.Seconds > 0 {
		g.Seconds += e.Seconds
		if g.times[e.Ending] == nil {
			g.times[e.Ending] = map[int]int64{}
		}
		g.times[e.Ending][timeBin(e.Seconds)]++
	}
	if e.At > 0 {
		end := g.at(e.At)
		g.slots.add(e.Rank, e.Slot, max(end-e.Seconds, g.session().From), end, e.Ending == l2l.OK)
	}
	if e.Ending == l2l.OK {
		return
	}
	g.Wasted += e.Seconds
	key := Reason{Ending: e.Ending, Text: l2l.Pattern(e.Reason)}
	if r := g.reasons[key]; r != nil {
		r.Count++
	} else if len(g.reasons) < 10*maxReasons {
		g.reasons[key] = &Reason{key.Ending, key.Text, 1, e.Of.ID}
	} else {
		g.Others++
	}
}

func (g *gathering) individual(i *report.Individual) error {
	g.Individuals++
	m := Member{ID: i.ID, Generation: i.Generation, At: g.final, Score: math.Inf(1), search: i.X}
	rules := &g.Run.Begun.Rules
	loss := math.NaN()
	if !i.Failed() {
		loss = l2l.Loss(i.Fitness, rules.Objectives)
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) { // to an optimizer it has failed
		g.Failed++
		var err error
		g.Failures, err = g.draw(g.Failures, &m, g.Failed, min(g.limit, maxBest))
		return err
	}
	g.good++
	switch {
	case rules.Sum && len(rules.Objectives) > 1:
		m.Values = []float64{loss}
	default:
		m.Values = slices.Clone(i.Fitness)
	}
	m.Score = loss
	for k, goal := range g.Goals {
		if !(goal.loss(m.Values[k]) >= goal.loss(g.best[k])) {
			g.best[k] = m.Values[k]
			if k == 0 {
				g.Improved = append(g.Improved, Member{ID: m.ID, Generation: m.Generation, At: m.At, Values: m.Values, Score: loss})
			}
		}
	}
	g.tick(g.final)
	g.byEvaluation.add(float64(g.final-1), m.Values, g.best)
	g.byGeneration.add(float64(i.Generation), m.Values, g.best)
	g.bySeconds.add(g.Seconds, m.Values, g.best)
	var err error
	if g.Sample, err = g.draw(g.Sample, &m, g.good, g.limit); err != nil {
		return err
	}
	if len(g.Goals) > 1 {
		g.front(m)
	}
	return g.among(m)
}

// draw keeps a member of a sample of at most limit, n being the number of candidates with it (Vitter 1985, algorithm R).
func (g *gathering) draw(sample []Member, m *Member, n int64, limit int) ([]Member, error) {
	at := int64(len(sample))
	if len(sample) >= limit {
		if at = g.rng.Int64N(n); at >= int64(limit) {
			return sample, nil
		}
	}
	if err := g.decode(m); err != nil {
		return sample, err
	}
	if int(at) == len(sample) {
		return append(sample, *m), nil
	}
	sample[at] = *m
	return sample, nil
}

// decode gives a member its values.
func (d *Data) decode(m *Member) error {
	if m.X != nil {
		return nil
	}
	params, err := d.Run.Begun.Space.Decode(m.search)
	if err != nil {
		return fmt.Errorf("individual %d: %w", m.ID, err)
	}
	m.X = make([]float64, len(d.Parameters))
	for k, v := range params.Flat() {
		switch v := v.(type) {
		case float64:
			m.X[k] = v
		case int64:
			m.X[k] = float64(v)
		}
		if n := len(d.Parameters[k].Choices); n > 0 {
			m.X[k] = min(max(math.Round(m.search[k]), 0), float64(n-1))
		}
	}
	m.search = nil // it is as large
	return nil
}

// among keeps a member if it is among the best.
func (g *gathering) among(m Member) error {
	limit := min(g.limit, maxBest)
	if len(g.Best) >= limit && !(m.Score < g.Best[limit-1].Score) {
		return nil
	}
	if err := g.decode(&m); err != nil {
		return err
	}
	if g.Best = append(g.Best, m); len(g.Best) >= limit+limit/4 || len(g.Best) == limit {
		g.sortBest()
	}
	return nil
}

func (g *gathering) sortBest() {
	slices.SortFunc(g.Best, func(a, b Member) int { return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.ID, b.ID)) })
	if limit := min(g.limit, maxBest); len(g.Best) > limit {
		g.Best = g.Best[:limit:limit]
	}
}

// losses are the values of the goals as they are minimised.
func (d *Data) losses(m Member) []float64 {
	out := make([]float64, len(d.Goals))
	for k, goal := range d.Goals {
		out[k] = goal.loss(m.Values[k])
	}
	return out
}

// front takes a member into the front, if no other is better.
func (g *gathering) front(m Member) {
	loss := g.losses(m)
	for _, f := range g.Front {
		of := g.losses(f)
		if optimizer.Dominates(of, loss) || slices.Equal(of, loss) {
			return
		}
	}
	g.Front = slices.DeleteFunc(g.Front, func(f Member) bool { return optimizer.Dominates(loss, g.losses(f)) })
	m.search = slices.Clone(m.search)
	g.Front = append(g.Front, m)
	g.entries = append(g.entries, Member{At: m.At, Values: m.Values})
}

func (g *gathering) end() {
	g.sortBest()
	byID := func(a, b Member) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(g.Sample, byID)
	slices.SortFunc(g.Failures, byID)
	slices.SortFunc(g.Front, byID)
	for i := range g.Front {
		if len(g.Front)*len(g.Parameters) <= maxCoordinates {
			_ = g.decode(&g.Front[i]) // it was decoded by others before
		}
	}
	if n := len(g.figures); n > 0 && g.figures[n-1].Generation != g.last.Generation {
		g.figures = append(g.figures, g.last)
	}
	for _, r := range g.reasons {
		g.Reasons = append(g.Reasons, *r)
	}
	slices.SortFunc(g.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Ending, b.Ending))
	})
	if len(g.Reasons) > maxReasons {
		for _, r := range g.Reasons[maxReasons:] {
			g.Others += r.Count
		}
		g.Reasons = g.Reasons[:maxReasons]
	}
}
