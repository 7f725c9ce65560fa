// Package watch is a run seen while it goes on: a [Model] that takes in what the run writes as it grows, and pages of text over it, of any width
// and height. It needs nothing but the files, writes nothing, and never disturbs the run.
//
// How text comes on a terminal, and which keys there are, is not its business but for what they mean (see [Screen]).
package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// Model is a run as far as it is known. It is used from one goroutine.
type Model struct {
	dir      string
	follower *journal.Follower
	course   *report.Course
	status   report.Status
	live     *report.Live // nil where there is none, or the run does not go on
	written  time.Time    // when that was
	listed   int          // evaluations that it tells of
	now      time.Time
	log      tail
	lately   []report.UnderWay // what has ended last, for what is under way may be a little older than the events

	caughtUp bool      // all that was there has been read once
	inUse    bool      // the journal was, when that was asked for
	asked    time.Time // when that was
	trouble  string    // why the run cannot be read; "" where it can
	broken   error     // after which nothing more is read
	gone     bool      // the journal is not there any more
	damaged  time.Time // since when a frame has been damaged at the same place
	at       int64     // that place

	best     []*series // of each objective, by individuals
	each     []float64 // of each objective, the best so far
	rate     *series   // evaluations of the session, by its seconds
	busy     *series   // seconds of evaluations
	seconds  float64   // of all evaluations of the session
	figures  []figure
	points   points
	failures failures
	slots    map[slot]*work
	most     map[int]int // slots of each rank, as far as they have been heard of
}

// figure is the course of a figure of the optimizer, by generations.
type figure struct {
	name string
	last float64
	series
}

// Open opens the run in dir, which may have just begun. Refresh reads it.
func Open(dir string) (*Model, error) {
	if !journal.Exists(dir) {
		return nil, fmt.Errorf("%s %w", dir, report.ErrNoRun)
	}
	m := &Model{dir: dir}
	m.reset()
	return m, nil
}

// reset forgets the run.
func (m *Model) reset() {
	*m = Model{dir: m.dir, follower: journal.Follow(m.dir), course: report.NewCourse(), log: tail{file: filepath.Join(m.dir, "logs", "rank-0.jsonl")}}
	m.status = report.Status{Dir: m.dir, State: report.Running}
	m.session()
}

// session begins a session.
func (m *Model) session() {
	const width = 0.5 // seconds
	m.rate, m.busy, m.seconds = &series{width: width, sums: true}, &series{width: width, sums: true}, 0
	m.slots, m.most = map[slot]*work{}, map[int]int{}
}

// How often it is asked whether the journal of a run is in use, of which nothing is heard; and how long a frame has to be damaged until that is said:
// over a network, a part of a file may come late.
const (
	askEvery = 3 * time.Second
	damage   = 10 * time.Second
)

// Refresh takes in what the run has written, for at most about so long: more is true where there is more to read at once. now is the time that the
// pages are of.
func (m *Model) Refresh(now time.Time, most time.Duration) (more bool) {
	m.now = now
	live, written := report.ReadLive(m.dir) // before the events: of what is under way then they tell what has ended
	if live == nil || m.live == nil || !written.Equal(m.written) {
		if m.live, m.written = live, written; live != nil {
			m.listed = len(live.Longest)
		}
		for _, u := range m.lately {
			m.notUnderWay(u)
		}
	}
	if m.asked.IsZero() || now.Sub(m.asked) >= askEvery || !m.caughtUp {
		inUse, err := journal.InUse(m.dir) // before the events are read: a run that ends meanwhile has said why
		if err == nil {
			m.inUse, m.asked = inUse, now
		}
	}
	grown, more := m.read(now, most)
	if grown && m.caughtUp {
		m.inUse, m.asked = true, now // somebody has just written
	}
	m.caughtUp = m.caughtUp || !more
	if status, err := m.course.Status(m.dir, m.inUse, now); err == nil {
		m.status = status
	} else if m.trouble == "" {
		m.trouble = err.Error()
	}
	if m.status.State != report.Running || m.written.UnixMicro() < m.course.Begun.At {
		m.live = nil // it is that of a session that was killed
	}
	m.log.read()
	return more
}

// read takes in events.
func (m *Model) read(now time.Time, most time.Duration) (grown, more bool) {
	if m.broken != nil {
		return false, false
	}
	const look = 256 // events between two looks at the clock
	began, n := time.Now(), 0
	var err error
	for e, ferr := range m.follower.Events() {
		if err = ferr; err == nil {
			err = m.take(e.Event)
		}
		if err != nil {
			break
		}
		if n++; n%look == 0 && time.Since(began) > most {
			m.trouble = ""
			return true, true
		}
	}
	var version *journal.VersionError
	var harm *journal.Damage
	m.gone = errors.Is(err, fs.ErrNotExist)
	switch {
	case err == nil || journal.IsTorn(err):
		m.trouble = ""
	case errors.Is(err, journal.ErrReplaced):
		m.reset()
		m.now = now
		return false, true
	case errors.As(err, &harm):
		if m.at != harm.Offset || m.damaged.IsZero() {
			m.at, m.damaged = harm.Offset, now
		}
		if now.Sub(m.damaged) >= damage {
			m.trouble = err.Error()
		}
	case errors.As(err, &version), errors.Is(err, errNotARun):
		m.broken, m.trouble = err, err.Error()
	default:
		m.trouble = err.Error()
	}
	return n > 0, false
}

// errNotARun is what an error of take is.
var errNotARun = errors.New("it cannot be read on")

// take takes the next event in.
func (m *Model) take(event l2l.Event) error {
	s, err := m.course.Take(event)
	if err != nil {
		return fmt.Errorf("%w: %w", err, errNotARun)
	}
	switch e := event.(type) {
	case l2l.Begun:
		m.session()
		if m.best == nil {
			for range e.Rules.Objectives {
				m.best = append(m.best, &series{width: 1})
				m.each = append(m.each, math.NaN())
			}
			m.points.describe(e.Space)
		}
	case l2l.Figures:
		for i, name := range e.Names {
			m.figure(name, e.Generation, e.Values[i])
		}
	case l2l.Result:
		m.worked(e)
		u := report.UnderWay{Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt}
		m.notUnderWay(u)
		const most = 256
		if len(m.lately) < most {
			m.lately = append(m.lately, u)
		} else {
			m.lately[m.course.Results%most] = u
		}
	}
	if s.Told != nil {
		m.told(*s.Told)
	}
	if s.Ended != nil {
		if s.Ended.Final {
			m.rate.add(m.since(s.Ended.At), 1)
		}
		m.failures.take(*s.Ended)
	}
	return nil
}

// notUnderWay strikes out an evaluation that has ended, the seconds of which are 0.
func (m *Model) notUnderWay(ended report.UnderWay) {
	if m.live == nil {
		return
	}
	m.live.Longest = slices.DeleteFunc(m.live.Longest, func(u report.UnderWay) bool {
		u.Seconds = 0
		return u == ended
	})
}

// since is how many seconds after the beginning of the session a time is.
func (m *Model) since(at int64) float64 { return max(float64(at-m.course.Begun.At), 0) / 1e6 }

func (m *Model) figure(name string, generation int, v float64) {
	for i := range m.figures {
		if m.figures[i].name == name {
			m.figures[i].add(float64(generation-1), v)
			m.figures[i].last = v
			return
		}
	}
	f := figure{name: clean(name), last: v, series: series{width: 1}}
	f.add(float64(generation-1), v)
	m.figures = append(m.figures, f)
}

// told takes in an individual whose evaluations have all ended.
func (m *Model) told(i report.Individual) {
	m.points.take(i)
	rules := m.course.Rules()
	if best := m.course.Best(); best != nil && (rules.Sum || len(rules.Objectives) == 1) {
		copy(m.each, best.Fitness)
	} else if !i.Failed() {
		now, before := l2l.Losses(i.Fitness, rules.Objectives), l2l.Losses(m.each, rules.Objectives)
		for k := range m.each {
			if !(before[k] <= now[k]) && !math.IsNaN(now[k]) {
				m.each[k] = i.Fitness[k]
			}
		}
	}
	for k, v := range m.each {
		if !math.IsNaN(v) {
			m.best[k].add(float64(m.course.Individuals-1), v)
		}
	}
}

// Status is how the run stands.
func (m *Model) Status() report.Status { return m.status }

// Ended reports whether there is nothing more to see: the run has ended, in one way or another, and nobody has resumed it; or it cannot be read, see
// Trouble.
func (m *Model) Ended() bool {
	return m.caughtUp && (m.status.State != report.Running || m.gone || m.broken != nil)
}

// Trouble is why the run cannot be read; "" where it can.
func (m *Model) Trouble() string { return m.trouble }

// Progress is how far the run has come.
func (m *Model) Progress() report.Progress {
	return m.course.Progress(m.now, m.status.State, m.live, m.written)
}

// elapsed is how long the session has gone on, in seconds.
func (m *Model) elapsed() float64 { return m.course.Elapsed(m.now, m.status.State).Seconds() }

// read is how much of the journal has been, from 0 to 1.
func (m *Model) part() float64 {
	info, err := os.Stat(filepath.Join(m.dir, "journal", "events"))
	if err != nil || info.Size() == 0 {
		return 0
	}
	return min(float64(m.follower.Offset())/float64(info.Size()), 1)
}
