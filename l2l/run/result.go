package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// finish writes down how the run ended.
func (r *leader) finish(begun l2l.Begun, s l2l.Summary) error {
	out, err := r.result(s)
	if err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(r.dir, workDir)) // unless something is in it
	return errors.Join(writeJSON(filepath.Join(r.dir, "result.json"), out), r.manifest(begun, &s))
}

// result is result.json.
type result struct {
	Name           string      `json:"name"`
	StopReason     string      `json:"stop_reason"`
	Generations    int         `json:"generations"`
	Individuals    int64       `json:"individuals"`
	Evaluations    int64       `json:"evaluations"`
	Failures       int64       `json:"failures"`
	TrajectoryHash string      `json:"trajectory_hash"`
	Best           *bestResult `json:"best"` // null if nothing succeeded, and where there is a front

	// With several objectives that are not added up.
	Front       []solution   `json:"front,omitempty"` // in the order of the individuals
	Hypervolume *hypervolume `json:"hypervolume,omitempty"`

	Posterior []weighted `json:"posterior,omitempty"` // where the optimizer samples one; from the smallest loss to the largest
}

type bestResult struct {
	Generation int `json:"generation"`
	solution
	Units map[string]string `json:"units,omitempty"`
}

// solution is an individual with all its names.
type solution struct {
	Individual int64              `json:"individual"`
	Fitness    map[string]float64 `json:"fitness"`
	Parameters map[string]any     `json:"parameters"`
	X          []float64          `json:"x"` // the point that was searched, exactly
}

// weighted is an individual of a posterior sample.
type weighted struct {
	Individual int64          `json:"individual"`
	Weight     float64        `json:"weight"` // all add up to 1
	Loss       float64        `json:"loss"`   // what the optimizer minimises
	Parameters map[string]any `json:"parameters"`
	X          []float64      `json:"x"` // the point that was searched, exactly
}

func (r *leader) result(s l2l.Summary) (result, error) {
	out := result{
		Name: r.Name, StopReason: s.Reason.String(), Generations: s.Generations, Individuals: s.Individuals, Evaluations: s.Evaluations,
		Failures: s.Failures, TrajectoryHash: s.TrajectoryHash,
	}
	for _, f := range s.Front {
		member, err := r.solution(f.ID, f.X, f.Fitness)
		if err != nil {
			return out, err
		}
		out.Front = append(out.Front, member)
	}
	out.Hypervolume = r.hypervolume(s.Front)
	for _, p := range s.Posterior {
		params, err := r.Space.Decode(p.X)
		if err != nil {
			return out, err
		}
		out.Posterior = append(out.Posterior, weighted{Individual: p.ID, Weight: p.Weight, Loss: p.Loss[0], Parameters: named(params), X: p.X})
	}
	if s.Best == nil {
		return out, nil
	}
	best, err := r.solution(s.Best.Individual.ID, s.Best.Individual.X, s.Best.Fitness)
	out.Best = &bestResult{Generation: s.Best.Individual.Generation, solution: best, Units: map[string]string{}}
	for _, p := range r.Space {
		if p.Unit != "" {
			out.Best.Units[p.Name] = p.Unit
		}
	}
	return out, err
}

func (r *leader) solution(id int64, x, fitness []float64) (solution, error) {
	out := solution{Individual: id, Fitness: map[string]float64{}, X: x}
	params, err := r.Space.Decode(x)
	if err != nil {
		return out, err
	}
	out.Parameters = named(params)
	for i, o := range r.Objectives {
		out.Fitness[o.Name] = fitness[i]
	}
	return out, nil
}

// named are parameters by their names.
func named(params optimizee.Params) map[string]any {
	values := map[string]any{}
	for _, v := range params.All() {
		values[v.Name] = v.Value
	}
	return values
}

// hypervolume measures a front: how much of the objectives' space it is better than. A point of reference says up to where. The objectives
// have none of their own, so it is taken from the front: a tenth of the front's range beyond its worst value in each objective. That of
// another run can be compared only if it is computed from the same reference, which is why it is told.
type hypervolume struct {
	Value     float64            `json:"value"`
	Reference map[string]float64 `json:"reference"` // by objective
}

// maxHypervolumeObjectives is up to where the hypervolume of a front is computed in seconds.
const maxHypervolumeObjectives = 5

// hypervolume of a front; nil for one that has no extent in some objective, and for too many objectives.
func (r *leader) hypervolume(front []l2l.Solution) *hypervolume {
	if len(r.Objectives) > maxHypervolumeObjectives {
		return nil
	}
	losses := make([][]float64, len(front))
	for i, f := range front {
		losses[i] = l2l.Losses(f.Fitness, r.Objectives)
	}
	reference := make([]float64, len(r.Objectives))
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
	h := &hypervolume{Value: optimizer.Hypervolume(losses, reference), Reference: map[string]float64{}}
	for k, v := range l2l.Losses(reference, r.Objectives) { // back to the objectives' own signs
		h.Reference[r.Objectives[k].Name] = v
	}
	return h
}
