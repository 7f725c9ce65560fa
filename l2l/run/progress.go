package run

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// Progress is how far a run has come.
type Progress = report.Progress

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
	already  Counts // of earlier sessions

	mu     sync.Mutex
	latest Progress
	at     time.Time   // when that was
	shown  []time.Time // by watcher
}

// watch begins to tell the run's watchers of its progress, which the observer sees. stop ends that.
func (r *leader) watch(p *pulse) (observe l2l.Observer, stop func()) {
	now := time.Now()
	m := &monitor{leader: r, pulse: p, watchers: slices.Clone(r.options.watchers), began: now, at: now,
		already: Counts{Generations: r.search.Status().Generation, Evaluations: r.search.Evaluations()}}
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

// progress is how far the run has come in this session, which began with so much.
func (r *leader) progress(elapsed time.Duration, already Counts) Progress {
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
		p.PerSecond = float64(p.Evaluations-already.Evaluations) / elapsed.Seconds()
	}
	p.Estimate(elapsed,
		report.Limit{Before: float64(already.Generations), Now: float64(p.Generation), Whole: float64(r.stop.Load().Generations)},
		report.Limit{Before: float64(already.Evaluations), Now: float64(p.Evaluations), Whole: float64(r.stop.Load().Evaluations)},
		report.Limit{Now: elapsed.Seconds(), Whole: r.stop.Load().WallTime.Seconds()},
	)
	return p
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
			r.log.Info().Int("slots", slots).Int("used", used).Str(r.Optimizer.Name, r.Optimizer.Parallelism).
				Msg("half of the slots or more idle, as the search proposes no more at a time: a larger population, " +
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
		line = line.Str("figures", p.FiguresText())
	}
	if p.Restarts.Count > 0 {
		line = line.Int("restarts", p.Restarts.Count)
	}
	if p.Failures > 0 {
		line = line.Int64("failed", p.Failures)
	}
	if p.Longest >= report.Slow {
		line = line.Int("under_way", p.UnderWay).Str("longest", report.DurationText(p.Longest))
	}
	line.Str("rate", report.Rate(p.PerSecond)).Str("eta", p.ETA()).Msg("running")
}
