package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Progress is how far a run has come.
type Progress struct {
	Generation  int
	Phase       string // what follows the search: the race of finalists, the measurement of the winner, its test; "" before
	Evaluations int64
	Failures    int64  // individuals that failed
	Best        string // the best fitness so far; "" before the first success, and where there is a front
	Front       int    // individuals on the front
	Figures     []optimizer.Figure
	Restarts    optimizer.Restarts // of the search, which has converged and begun again
	PerSecond   float64            // evaluations of this session
	Done        float64            // the part of the run that is over, by the rule that will end it first, from 0 to 1; 0 where none can tell
	Left        time.Duration      // about how long it will go on; 0 where nothing is known
	UnderWay    int                // evaluations that have begun and not ended, as far as rank 0 knows
	Longest     time.Duration      // that one of them has been so
}

// watcher is somebody who is told of the progress now and then.
type watcher struct {
	every time.Duration  // the least time between two tellings
	show  func(Progress) // nil: the log
}

// silence is how long a watcher that wants to be told so often waits until it is told again of a run in which nothing has ended meanwhile.
func silence(every time.Duration) time.Duration { return max(10*every, time.Second) }

// always is how long it waits where something has ended.
func always(every time.Duration) time.Duration { return every }

// monitor tells watchers of the progress: when evaluations end, and, where they take long, in between, that the run lives.
type monitor struct {
	leader   *leader
	pulse    *pulse
	watchers []watcher
	began    time.Time
	already  int64 // evaluations of earlier sessions

	mu     sync.Mutex
	latest Progress
	at     time.Time   // when that was
	shown  []time.Time // by watcher
}

// watch begins to tell the run's watchers of its progress, which the observer sees. stop ends that.
func (r *leader) watch(p *pulse) (observe l2l.Observer, stop func()) {
	now := time.Now()
	m := &monitor{leader: r, pulse: p, watchers: slices.Clone(r.options.watchers), began: now, already: r.search.Evaluations(), at: now}
	for i := range m.watchers {
		if m.watchers[i].show == nil {
			m.watchers[i].show = r.logProgress
		}
		m.shown = append(m.shown, now)
	}
	m.latest = r.progress(0, m.already)
	over, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		tick := time.NewTicker(max(m.shortest(), glance))
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				m.tell(now, silence)
			case <-over:
				return
			}
		}
	}()
	return m.observe, func() {
		close(over)
		<-ended
	}
}

// glance is the least time between two looks at whether a run has been silent for too long.
const glance = 100 * time.Millisecond

// shortest is the least time between two tellings.
func (m *monitor) shortest() time.Duration {
	d := m.watchers[0].every
	for _, w := range m.watchers {
		d = min(d, w.every)
	}
	return d
}

// often is the rate of evaluations, in 1/s, up to which the progress is taken in after each.
const often = 100

func (m *monitor) observe(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
	if _, ok := e.(l2l.Result); !ok {
		return
	}
	now := time.Now()
	m.mu.Lock()
	if m.latest.PerSecond < often || now.Sub(m.at) >= m.shortest() {
		m.latest, m.at = m.leader.progress(now.Sub(m.began), m.already), now
	}
	m.mu.Unlock()
	m.tell(now, always)
}

// tell tells the watchers that have not been told for as long as they are to wait.
func (m *monitor) tell(now time.Time, wait func(every time.Duration) time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, w := range m.watchers {
		if now.Sub(m.shown[i]) < wait(w.every) {
			continue
		}
		m.shown[i] = now
		p := m.latest
		p.UnderWay, p.Longest = m.pulse.underWay(now)
		if p.Left > 0 {
			p.Left = max(p.Left-now.Sub(m.at), time.Second).Round(time.Second)
		}
		w.show(p)
	}
}

// progress is how far the run has come in this session, which began with so many evaluations.
func (r *leader) progress(elapsed time.Duration, already int64) Progress {
	status := r.search.Status()
	p := Progress{Generation: status.Generation, Evaluations: r.search.Evaluations(), Front: len(status.Front), Figures: slices.Clone(status.Figures),
		Restarts: status.Restarts}
	p.Failures, _ = r.search.Failures()
	if stage, left, of := r.search.Stage(); stage == l2l.Race {
		p.Phase = fmt.Sprintf("%s of %d finalists, %d left", stage, of, left)
	} else if stage != "" {
		p.Phase = fmt.Sprintf("%s of the answer", stage)
	}
	if b := r.search.Best(); b != nil {
		p.Best = report.FitnessText(r.Objectives, b.Fitness)
	}
	if elapsed > 0 {
		p.PerSecond = float64(p.Evaluations-already) / elapsed.Seconds()
	}
	part := func(done, whole float64) {
		if whole > 0 {
			p.Done = min(max(p.Done, done/whole), 1)
		}
	}
	stop := r.stop
	part(float64(p.Generation), float64(stop.Generations))
	part(float64(p.Evaluations), float64(stop.Evaluations))
	part(elapsed.Seconds(), stop.WallTime.Seconds())
	if p.Done > 0 && p.Done < 1 {
		p.Left = time.Duration(float64(elapsed) * (1 - p.Done) / p.Done).Round(time.Second)
	}
	return p
}

// String is the progress as a line for people.
func (p Progress) String() string { return p.Line(0) }

// slow is how long an evaluation is under way until the progress says how many are.
const slow = 2 * time.Second

// Line is the progress as a line for people of at most so many columns, for which it leaves out what says least; 0 is no limit.
func (p Progress) Line(columns int) string {
	type part struct {
		text string
		rank int // those with the largest are left out first
	}
	parts := []part{{fmt.Sprintf("gen %d", p.Generation), 4}}
	add := func(shown bool, rank int, format string, args ...any) {
		if shown {
			parts = append(parts, part{fmt.Sprintf(format, args...), rank})
		}
	}
	add(p.Phase != "", 1, "%s", p.Phase)
	add(p.Best != "", 1, "best %s", p.Best)
	add(p.Front > 0, 1, "%d on the front", p.Front)
	add(len(p.Figures) > 0, 8, "%s", p.figures())
	add(p.Restarts.Count > 0, 6, "%s", p.restarts())
	add(true, 0, "%s", report.Count(p.Evaluations, "evaluation"))
	add(p.Failures > 0, 3, "%d failed", p.Failures)
	add(true, 7, "%s", rate(p.PerSecond))
	add(p.Longest >= slow, 2, "%d under way, the longest %v", p.UnderWay, p.Longest.Round(time.Second))
	add(true, 5, "ETA %s", p.ETA())
	const between = "  "
	for {
		texts := make([]string, len(parts))
		for i, part := range parts {
			texts[i] = part.text
		}
		line := strings.Join(texts, between)
		if columns <= 0 || utf8.RuneCountInString(line) <= columns {
			return line
		}
		if len(parts) == 1 {
			return string([]rune(line)[:columns])
		}
		least := 0
		for i, part := range parts {
			if part.rank > parts[least].rank {
				least = i
			}
		}
		parts = slices.Delete(parts, least, least+1)
	}
}

// rate is a number of evaluations in a time that gives a number people can read.
func rate(perSecond float64) string {
	switch {
	case perSecond > 0 && perSecond < 0.01:
		return fmt.Sprintf("%.3g/h", perSecond*3600)
	case perSecond > 0 && perSecond < 1:
		return fmt.Sprintf("%.3g/min", perSecond*60)
	}
	return fmt.Sprintf("%.3g/s", perSecond)
}

// shownFigures is how many of an optimizer's figures the progress shows: the first ones say most.
const shownFigures = 2

// figures are the first of the optimizer's figures, as text.
func (p Progress) figures() string {
	var parts []string
	for _, f := range p.Figures[:min(len(p.Figures), shownFigures)] {
		parts = append(parts, fmt.Sprintf("%s %.3g", f.Name, f.Value))
	}
	return strings.Join(parts, ", ")
}

// restarts are how often the search has begun again, and the rule that was the last reason.
func (p Progress) restarts() string {
	text := report.Count(int64(p.Restarts.Count), "restart")
	if n := len(p.Restarts.Last); n > 0 {
		rule, _, _ := strings.Cut(p.Restarts.Last[n-1].Reason, ":")
		text += " (" + rule + ")"
	}
	return text
}

// ETA is the time that is left, as people read it.
func (p Progress) ETA() string {
	if p.Done == 0 || p.Done == 1 {
		return "?"
	}
	return p.Left.String()
}

// logRestarts returns an observer that logs each restart of the search. It looks once per generation.
func (r *leader) logRestarts() l2l.Observer {
	seen := r.search.Status().Restarts.Count // of earlier sessions
	return func(e l2l.Event, _ *l2l.Individual, s *l2l.Search) {
		if _, ok := e.(l2l.Figures); !ok {
			return
		}
		restarts := s.Status().Restarts
		for _, next := range restarts.Since(seen) {
			r.log.Info().Int64("individuals", next.Told).Str("reason", next.Reason).Int("pop_size", next.PopSize).Msg("the search begins again")
		}
		seen = restarts.Count
	}
}

// logIdle tells, once, of slots most of which the search has no use for.
func (r *leader) logIdle() l2l.Observer {
	told := false
	return func(e l2l.Event, _ *l2l.Individual, s *l2l.Search) {
		asked, ok := e.(l2l.Asked)
		if told || !ok {
			return
		}
		told = true
		if slots, used := total(r.slots), len(asked.Individuals)*s.PerIndividual(); 2*used <= slots {
			r.log.Info().Int("slots", slots).Int("used", used).Msg("half of the slots or more idle, as the search proposes no more at a time: a larger population, " +
				"restarts: parallel of cmaes, replicates or instances would use them")
		}
	}
}

func (r *leader) logProgress(p Progress) {
	line := r.log.Info().Int("gen", p.Generation)
	if p.Phase != "" {
		line = line.Str("phase", p.Phase)
	}
	line = line.Int64("evaluations", p.Evaluations)
	if p.Best != "" {
		line = line.Str("best", p.Best)
	}
	if p.Front > 0 {
		line = line.Int("front", p.Front)
	}
	if len(p.Figures) > 0 {
		line = line.Str("figures", p.figures())
	}
	if p.Restarts.Count > 0 {
		line = line.Int("restarts", p.Restarts.Count)
	}
	if p.Failures > 0 {
		line = line.Int64("failed", p.Failures)
	}
	if p.Longest >= slow {
		line = line.Int("under_way", p.UnderWay).Str("longest", p.Longest.Round(time.Second).String())
	}
	line.Str("rate", rate(p.PerSecond)).Str("eta", p.ETA()).Msg("running")
}

// pulse is an evaluator that knows what is under way, as far as rank 0 can: as many of what was submitted as there is room for, from the first on.
type pulse struct {
	evaluator

	mu      sync.Mutex
	room    int
	all     map[attempt]*beat // submitted, and not ended
	waiting []*beat           // in the order in which they were submitted; some may have ended
	begun   map[*beat]time.Time
}

// attempt identifies what was submitted.
type attempt struct {
	individual                   int64
	instance, replicate, attempt int
}

// beat is one of them.
type beat struct{ ended bool }

func newPulse(e evaluator) *pulse {
	return &pulse{evaluator: e, all: map[attempt]*beat{}, begun: map[*beat]time.Time{}}
}

// Submit implements l2l.Evaluator.
func (p *pulse) Submit(es []l2l.Evaluation) error {
	p.mu.Lock()
	p.room = p.Capacity()
	for _, e := range es {
		b := &beat{}
		p.all[attempt{e.Individual, e.Instance, e.Replicate, e.Attempt}] = b
		p.waiting = append(p.waiting, b)
	}
	p.begin(time.Now())
	p.mu.Unlock()
	return p.evaluator.Submit(es)
}

// Next implements l2l.Evaluator.
func (p *pulse) Next(ctx context.Context) ([]l2l.Result, error) {
	rs, err := p.evaluator.Next(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rs {
		key := attempt{r.Individual, r.Instance, r.Replicate, r.Attempt}
		if b := p.all[key]; b != nil {
			b.ended = true
			delete(p.all, key)
			delete(p.begun, b)
		}
	}
	p.begin(time.Now())
	return rs, err
}

// begin has what waits begin where there is room. p.mu is held.
func (p *pulse) begin(now time.Time) {
	for len(p.begun) < p.room && len(p.waiting) > 0 {
		if b := p.waiting[0]; !b.ended {
			p.begun[b] = now
		}
		p.waiting = p.waiting[1:]
	}
}

// underWay is how many evaluations have begun and not ended, and for how long one of them has.
func (p *pulse) underWay(now time.Time) (n int, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, began := range p.begun {
		longest = max(longest, now.Sub(began))
	}
	return len(p.begun), longest
}
