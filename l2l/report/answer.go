package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Answer is the point that a run has found, in the file result.json: what is used of a run. Where evaluations are noisy it need not be the best
// individual, whose fitness is lucky.
type Answer struct {
	From       string             `json:"from"` // recommended, fitted, best or elite: what the optimizer recommends, the minimum of a function fitted to what it was told, or an individual
	Why        string             `json:"why"`  // for people
	Basis      l2l.Basis          `json:"basis"`
	Individual *int64             `json:"individual"`     // null for a point that was recommended, and not told
	Told       map[string]float64 `json:"told,omitempty"` // its fitness as it was told
	Parameters codec.Section      `json:"parameters"`
	X          []float64          `json:"x"`                  // the point, exactly
	Measured   *Measured          `json:"measured,omitempty"` // by evaluations anew, with seeds of their own
	Test       *Measured          `json:"test,omitempty"`     // on instances that the search was never shown
}

// Measured is what a point was found to be worth. Numbers are by the names of objectives.
type Measured struct {
	Mean          map[string]float64    `json:"mean"`
	StandardError map[string]float64    `json:"standard_error,omitempty"`
	Interval      map[string][2]float64 `json:"interval,omitempty"` // of the mean
	Confidence    float64               `json:"confidence"`
	Fitnesses     int                   `json:"fitnesses"` // of which it is the mean
	Failed        int                   `json:"failed"`    // that failed, and are left out
	Evaluations   int64                 `json:"evaluations"`
	Instances     string                `json:"instances,omitempty"` // of a test
}

// NewAnswer is an answer with the names that space and objectives give.
func NewAnswer(space optimizee.Space, objectives []optimizee.Objective, a *l2l.Answer) (*Answer, error) {
	if a == nil {
		return nil, nil
	}
	params, err := space.Decode(a.X)
	if err != nil {
		return nil, err
	}
	out := &Answer{
		From: string(a.Origin), Why: WhyText(a), Basis: a.Basis, Parameters: params.Map(), X: a.X, Told: named(objectives, a.Fitness),
		Measured: newMeasured(objectives, a.Anew), Test: newMeasured(objectives, a.Test),
	}
	if a.Told >= 0 {
		out.Individual = &a.Told
	}
	return out, nil
}

// named are values by the names of the objectives; nil of none.
func named(objectives []optimizee.Objective, values []float64) map[string]float64 {
	if values == nil {
		return nil
	}
	out := map[string]float64{}
	for k, o := range objectives {
		out[o.Name] = values[k]
	}
	return out
}

func newMeasured(objectives []optimizee.Objective, m *l2l.Measured) *Measured {
	if m == nil {
		return nil
	}
	out := &Measured{
		Mean: named(objectives, m.Mean), Confidence: l2l.Confidence, Fitnesses: m.Count, Failed: m.Failed, Evaluations: m.Evaluations,
		Instances: m.Instances.String(), StandardError: named(objectives, m.Error),
	}
	if m.Low != nil {
		out.Interval = map[string][2]float64{}
		for k, o := range objectives {
			out.Interval[o.Name] = [2]float64{m.Low[k], m.High[k]}
		}
	}
	return out
}

// WhyText says why a point is the answer.
func WhyText(a *l2l.Answer) string {
	switch a.Basis {
	case l2l.Exact:
		return "it is the best individual, and nothing suggests that evaluations are noisy"
	case l2l.Finished:
		if a.Anew != nil && a.Anew.Count == 0 {
			return fmt.Sprintf("evaluations are noisy, and all by which it was evaluated anew failed: of %d finalists it is the best guess", a.Of)
		}
		if a.Of == 1 {
			return "evaluations are noisy, and it was the one point to be evaluated anew"
		}
		return fmt.Sprintf("evaluations are noisy, and of %d finalists, evaluated anew, it was the best", a.Of)
	case l2l.Cut:
		return fmt.Sprintf("evaluations are noisy, and of %d finalists it was ahead when the run was ended: that is less sure", a.Of)
	}
	return "evaluations are noisy, and nothing was evaluated anew before the run was ended: it is the best guess, and what was told of it is lucky"
}

// UntoldText says what a finalist is that is no individual.
func UntoldText(origin l2l.Origin) string {
	if origin == l2l.Fitted {
		return "the minimum of a quadratic function that was fitted to what the optimizer was told"
	}
	return "a point that the optimizer recommends"
}

// WriteAnswer writes the answer of a noisy search, or one that was tested, as a table for people.
func WriteAnswer(w io.Writer, space optimizee.Space, objectives []optimizee.Objective, a *l2l.Answer) error {
	point := UntoldText(a.Origin)
	if a.Told >= 0 {
		point = fmt.Sprintf("individual %d", a.Told)
	}
	fmt.Fprintf(w, "answer: %s; %s\n", point, WhyText(a))
	if err := WriteIndividual(w, space, objectives, a.X, nil); err != nil {
		return err
	}
	for _, m := range []*l2l.Measured{a.Anew, a.Test} {
		if m == nil {
			continue
		}
		where := "evaluated anew"
		if m.Instances != nil {
			where = "on instances " + m.Instances.String() + ", which the search was not shown"
		}
		fmt.Fprintf(w, "  %s: %s\n", where, MeasuredText(objectives, m))
	}
	return nil
}

// MeasuredText is what a point was found to be worth, on one line.
func MeasuredText(objectives []optimizee.Objective, m *l2l.Measured) string {
	if m.Count == 0 {
		return fmt.Sprintf("all of %d evaluations failed", m.Evaluations)
	}
	parts := make([]string, len(objectives))
	for k, o := range objectives {
		parts[k] = withUnit(o.Name+" "+valueText(m.Mean[k]), o.Unit)
		if m.Error != nil {
			parts[k] = withUnit(fmt.Sprintf("%s %s ± %.2g", o.Name, valueText(m.Mean[k]), m.Error[k]), o.Unit) +
				fmt.Sprintf(" (%g %%: %s to %s)", 100*l2l.Confidence, valueText(m.Low[k]), valueText(m.High[k]))
		}
	}
	text := strings.Join(parts, ", ") + fmt.Sprintf("; mean of %d", m.Count)
	if m.Failed > 0 {
		text += fmt.Sprintf(", %d failed", m.Failed)
	}
	return text
}

// Answer is the point that the run has found: that of its result, where it has ended and has one, and else, as in runs of earlier versions and in
// those that go on, the best individual.
func (r *Run) Answer() (Answer, error) {
	told := top{n: 1}
	var evaluations int64
	ended := false
	for s, err := range r.Steps() {
		if err != nil {
			return Answer{}, err
		}
		_, ended = s.Event.(l2l.Stopped)
		for _, i := range []*Individual{s.Told, s.Injected} {
			if i != nil {
				told.take(*i, &r.Begun.Rules)
			}
		}
		if s.Ended != nil && s.Ended.Final {
			evaluations++
		}
	}
	if len(told.best) == 0 {
		return Answer{}, fmt.Errorf("report: no individual of %s has been evaluated with success", r.Dir)
	}
	result, err := ReadResult(r.Dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return Answer{}, err
	case err == nil && ended && result.Answer != nil && result.Evaluations == evaluations: // it is of the last session
		return *result.Answer, nil
	}
	b := told.best[0]
	best := &l2l.Answer{Finalist: l2l.Finalist{Origin: l2l.BestTold, Told: b.ID, X: b.X}, Fitness: b.Fitness, Basis: l2l.Exact}
	if r.Begun.Rules.Noisy() {
		best.Basis = l2l.Untested
	}
	answer, err := NewAnswer(r.Begun.Space, r.Begun.Rules.Objectives, best)
	if err != nil {
		return Answer{}, err
	}
	return *answer, nil
}

// Fitness is what the answer was found to be worth, objective by objective, as well as that is known; nil where it is not.
func (a Answer) Fitness(objectives []optimizee.Objective) []float64 {
	from := a.Told
	if a.Measured != nil && a.Measured.Mean != nil {
		from = a.Measured.Mean
	}
	var out []float64
	for _, o := range objectives {
		v, ok := from[o.Name]
		if !ok || math.IsNaN(v) {
			return nil
		}
		out = append(out, v)
	}
	return out
}
