package app

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// progress shows how a run is getting on: a bar on a terminal, a line every few seconds elsewhere.
type progress struct {
	r       *theRun
	stop    l2l.Stop
	began   time.Time
	already int64 // evaluations before this process
	last    time.Time
	every   time.Duration
	bar     *progressbar.ProgressBar // nil where there is no terminal, or for quiet runs
}

const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 5 * time.Second
	barSteps  = 1000
)

func newProgress(r *theRun) *progress {
	p := &progress{r: r, stop: r.Stop, began: time.Now(), already: r.search.Evaluations(), last: time.Now(), every: lineEvery}
	if !r.options.quiet && term.IsTerminal(int(os.Stderr.Fd())) {
		p.every = barEvery
		p.bar = newBar(os.Stderr)
	}
	return p
}

func newBar(w io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions(barSteps,
		progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(24), progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "━", SaucerHead: "━", SaucerPadding: "─", BarStart: "", BarEnd: ""}),
	)
}

// observe is an l2l.Observer.
func (p *progress) observe(e l2l.Event, _ *l2l.Individual, s *l2l.Search) {
	now := time.Now()
	if _, ok := e.(l2l.Result); !ok || now.Sub(p.last) < p.every || p.r.options.quiet {
		return
	}
	p.last = now
	st, elapsed := s.Status(), now.Sub(p.began)
	done := p.done(st.Generation, s, elapsed)
	rate := float64(s.Evaluations()-p.already) / elapsed.Seconds()
	left := "?"
	if done > 0 && done < 1 {
		left = time.Duration(float64(elapsed) * (1 - done) / done).Round(time.Second).String()
	}
	failures, _ := s.Failures()
	if p.bar == nil {
		line := p.r.log.Info().Int("gen", st.Generation).Int64("evaluations", s.Evaluations())
		if b := s.Best(); b != nil {
			line = line.Str("best", p.r.fitness(b.Fitness))
		}
		if len(st.Front) > 0 {
			line = line.Int("front", len(st.Front))
		}
		if failures > 0 {
			line = line.Int64("failed", failures)
		}
		line.Str("per_second", fmt.Sprintf("%.3g", rate)).Str("eta", left).Msg("running")
		return
	}
	text := fmt.Sprintf("gen %d", st.Generation)
	if b := s.Best(); b != nil {
		text += "  best " + p.r.fitness(b.Fitness)
	}
	if len(st.Front) > 0 {
		text += fmt.Sprintf("  %d on the front", len(st.Front))
	}
	text += fmt.Sprintf("  %d evaluations, %.3g/s, ETA %s", s.Evaluations(), rate, left)
	if failures > 0 {
		text += fmt.Sprintf(", %d failed", failures)
	}
	p.bar.Describe(text)
	_ = p.bar.Set(int(done * barSteps)) // a terminal that cannot be written to is no reason to end a run
}

// done is the part of the run that is over: the largest of all rules that can tell.
func (p *progress) done(generation int, s *l2l.Search, elapsed time.Duration) float64 {
	part := 0.0
	if p.stop.Generations > 0 {
		part = max(part, float64(generation)/float64(p.stop.Generations))
	}
	if p.stop.Evaluations > 0 {
		part = max(part, float64(s.Evaluations())/float64(p.stop.Evaluations))
	}
	if p.stop.WallTime > 0 {
		part = max(part, elapsed.Seconds()/p.stop.WallTime.Seconds())
	}
	return min(part, 1)
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // see above
	}
}

// fitness is a fitness with the names and units of its objectives, on one line.
func (r *theRun) fitness(values []float64) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = strings.TrimSpace(fmt.Sprintf("%s %.6g %s", r.objectives[i].Name, v, r.objectives[i].Unit))
	}
	return strings.Join(parts, ", ")
}
