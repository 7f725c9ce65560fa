package run

import (
	"fmt"
	"strings"
	"time"

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
	PerSecond   float64       // evaluations of this session
	Done        float64       // the part of the run that is over, by the rule that will end it first, from 0 to 1; 0 where none can tell
	Left        time.Duration // about how long it will go on; 0 where nothing is known
}

// watcher is somebody who is told of the progress now and then.
type watcher struct {
	every time.Duration
	show  func(Progress) // nil: the log
}

// watch is a watcher as an observer.
func (r *leader) watch(w watcher) l2l.Observer {
	if w.show == nil {
		w.show = r.logProgress
	}
	began, last, already := time.Now(), time.Now(), r.search.Evaluations()
	return func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
		if _, ok := e.(l2l.Result); !ok {
			return
		}
		now := time.Now()
		if now.Sub(last) < w.every {
			return
		}
		last = now
		w.show(r.progress(now.Sub(began), already))
	}
}

// progress is how far the run has come in this session, which began with so many evaluations.
func (r *leader) progress(elapsed time.Duration, already int64) Progress {
	status := r.search.Status()
	p := Progress{Generation: status.Generation, Evaluations: r.search.Evaluations(), Front: len(status.Front), Figures: status.Figures}
	p.Failures, _ = r.search.Failures()
	if stage, left, of := r.search.Stage(); stage == l2l.Race {
		p.Phase = fmt.Sprintf("%s of %d finalists, %d left", stage, of, left)
	} else if stage != "" {
		p.Phase = fmt.Sprintf("%s of the answer", stage)
	}
	if b := r.search.Best(); b != nil {
		p.Best = report.FitnessText(r.Objectives, b.Fitness)
	}
	p.PerSecond = float64(p.Evaluations-already) / elapsed.Seconds()
	part := func(done, whole float64) {
		if whole > 0 {
			p.Done = min(max(p.Done, done/whole), 1)
		}
	}
	stop := r.Stop
	part(float64(p.Generation), float64(stop.Generations))
	part(float64(p.Evaluations), float64(stop.Evaluations))
	part(elapsed.Seconds(), stop.WallTime.Seconds())
	if p.Done > 0 && p.Done < 1 {
		p.Left = time.Duration(float64(elapsed) * (1 - p.Done) / p.Done).Round(time.Second)
	}
	return p
}

// String is the progress as a line for people.
func (p Progress) String() string {
	text := fmt.Sprintf("gen %d", p.Generation)
	if p.Phase != "" {
		text += "  " + p.Phase
	}
	if p.Best != "" {
		text += "  best " + p.Best
	}
	if p.Front > 0 {
		text += fmt.Sprintf("  %d on the front", p.Front)
	}
	if len(p.Figures) > 0 {
		text += "  " + p.figures()
	}
	text += fmt.Sprintf("  %d evaluations, %.3g/s, ETA %s", p.Evaluations, p.PerSecond, p.ETA())
	if p.Failures > 0 {
		text += fmt.Sprintf(", %d failed", p.Failures)
	}
	return text
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

// ETA is the time that is left, as people read it.
func (p Progress) ETA() string {
	if p.Done == 0 || p.Done == 1 {
		return "?"
	}
	return p.Left.String()
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
	if p.Failures > 0 {
		line = line.Int64("failed", p.Failures)
	}
	line.Str("per_second", fmt.Sprintf("%.3g", p.PerSecond)).Str("eta", p.ETA()).Msg("running")
}
