package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Result is how a run ended: the file result.json in its directory.
type Result struct {
	Name           string `json:"name"`
	StopReason     string `json:"stop_reason"`
	Generations    int    `json:"generations"`
	Individuals    int64  `json:"individuals"`
	Evaluations    int64  `json:"evaluations"`
	Failures       int64  `json:"failures"` // individuals that failed
	TrajectoryHash string `json:"trajectory_hash"`
	Best           *Best  `json:"best"` // as it was told; null if nothing succeeded, and where there is a front

	// Noisy says that evaluations are noisy, by the configuration or the optimizee, or as was found out: fitness as told, of the best individual and
	// of a front, is then better than it is.
	Noisy  bool    `json:"noisy,omitempty"`
	Answer *Answer `json:"answer,omitempty"` // what the run has found; null as best is

	// With several objectives that are not added up.
	Front       []Solution   `json:"front,omitempty"`     // in the order of the individuals
	FrontCut    string       `json:"front_cut,omitempty"` // where the optimizer may have given members up: how many it keeps, and where all are
	Hypervolume *Hypervolume `json:"hypervolume,omitempty"`

	Posterior []Weighted `json:"posterior,omitempty"` // where the optimizer samples one; from the smallest loss to the largest
	Restarts  *Restarts  `json:"restarts,omitempty"`  // where the optimizer has converged and begun again
	Warning   string     `json:"warning,omitempty"`   // why what the optimizer has found is not to be trusted
}

// Restarts are how often the optimizer has begun again, and why.
type Restarts struct {
	Count int       `json:"count"`
	Last  []Restart `json:"last"` // as many as the optimizer remembers, the earliest first
}

// Restart is one of them.
type Restart struct {
	Individuals int64  `json:"individuals"` // that had been evaluated by then
	Reason      string `json:"reason"`      // why the run of the search before it has ended
	PopSize     int    `json:"pop_size"`    // of the one that it begins
}

// Best is the best individual of a run.
type Best struct {
	Generation int `json:"generation"`
	Solution
	Units map[string]string `json:"units,omitempty"` // of parameters that have one
}

// Solution is an individual with all its names.
type Solution struct {
	Individual int64              `json:"individual"`
	Fitness    map[string]float64 `json:"fitness"`
	Parameters codec.Section      `json:"parameters"`
	X          []float64          `json:"x"` // the point that was searched, exactly
}

// Weighted is an individual of a posterior sample.
type Weighted struct {
	Individual int64         `json:"individual"`
	Weight     float64       `json:"weight"` // all add up to 1
	Loss       float64       `json:"loss"`   // what the optimizer minimises
	Parameters codec.Section `json:"parameters"`
	X          []float64     `json:"x"` // the point in the coordinates of the search; it may have been adjusted after its evaluation
}

// NewResult is the result of a run that ended so, with the names that space and objectives give.
func NewResult(name string, space optimizee.Space, objectives []optimizee.Objective, s l2l.Summary) (Result, error) {
	out := Result{
		Name: name, StopReason: s.Reason.String(), Generations: s.Generations, Individuals: s.Individuals, Evaluations: s.Evaluations,
		Failures: s.Failures, TrajectoryHash: s.TrajectoryHash, Warning: s.Warning,
	}
	out.Noisy = s.Noisy
	answer, err := NewAnswer(space, objectives, s.Answer)
	if err != nil {
		return out, err
	}
	out.Answer = answer
	solution := func(id int64, x, fitness []float64) (Solution, error) {
		params, err := space.Decode(x)
		if err != nil {
			return Solution{}, err
		}
		return Solution{Individual: id, Fitness: named(objectives, fitness), Parameters: params.Map(), X: x}, nil
	}
	for _, f := range s.Front {
		member, err := solution(f.ID, f.X, f.Fitness)
		if err != nil {
			return out, err
		}
		out.Front = append(out.Front, member)
	}
	if s.FrontCut {
		out.FrontCut = fmt.Sprintf("the optimizer keeps some %d, well spread, and may have given others up; all: l2l-mpi export RUN --table front", optimizer.MaxFront)
	}
	if n := s.Restarts.Count; n > 0 {
		out.Restarts = &Restarts{Count: n}
		for _, r := range s.Restarts.Last {
			out.Restarts.Last = append(out.Restarts.Last, Restart{r.Told, r.Reason, r.PopSize})
		}
	}
	out.Hypervolume = hypervolume(s.Front, objectives)
	for _, p := range s.Posterior {
		params, err := space.Decode(p.X)
		if err != nil {
			return out, err
		}
		out.Posterior = append(out.Posterior, Weighted{Individual: p.ID, Weight: p.Weight, Loss: p.Loss[0], Parameters: params.Map(), X: p.X})
	}
	if s.Best == nil {
		return out, nil
	}
	of := s.Best.Individual
	best, err := solution(of.ID, of.X, s.Best.Fitness)
	out.Best = &Best{Generation: of.Generation, Solution: best, Units: map[string]string{}}
	for _, p := range space {
		if p.Unit != "" {
			out.Best.Units[p.Name] = p.Unit
		}
	}
	return out, err
}

func resultFile(dir string) string { return filepath.Join(dir, "result.json") }

// Write writes the result to the run's directory.
func (r Result) Write(dir string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return journal.WriteFile(resultFile(dir), append(b, '\n'))
}

// ReadResult reads the result of the run in dir. A run that has not ended has none (fs.ErrNotExist); one that was resumed and goes on has that
// of its session before.
func ReadResult(dir string) (r Result, err error) {
	b, err := os.ReadFile(resultFile(dir))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		err = fmt.Errorf("report: %w", err)
	}
	return r, err
}

// Hypervolume measures a front: how much of the objectives' space it is better than. A point of reference says up to where. The objectives
// have none of their own, so it is taken from the front: a tenth of the front's range beyond its worst value in each objective. That of
// another run can be compared only if it is computed from the same reference, which is why it is told.
type Hypervolume struct {
	Value     float64            `json:"value"`
	Reference map[string]float64 `json:"reference"` // by objective
}

// maxHypervolumeObjectives is up to where the hypervolume of a front is computed in seconds.
const maxHypervolumeObjectives = 5

// hypervolume of a front; nil for one that has no extent in some objective, and for too many objectives.
func hypervolume(front []l2l.FrontMember, objectives []optimizee.Objective) *Hypervolume {
	if len(objectives) > maxHypervolumeObjectives {
		return nil
	}
	losses := make([][]float64, len(front))
	for i, f := range front {
		losses[i] = l2l.Losses(f.Fitness, objectives)
	}
	reference := make([]float64, len(objectives))
	for k := range reference {
		column := make([]float64, len(losses))
		for i, l := range losses {
			column[i] = l[k]
		}
		if len(column) == 0 || slices.Min(column) == slices.Max(column) {
			return nil
		}
		worst := slices.Max(column)
		reference[k] = worst + 0.1*(worst-slices.Min(column))
	}
	h := &Hypervolume{Value: optimizer.Hypervolume(losses, reference), Reference: map[string]float64{}}
	for k, v := range l2l.Losses(reference, objectives) { // back to the objectives' own signs
		h.Reference[objectives[k].Name] = v
	}
	return h
}
