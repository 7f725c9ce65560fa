package run

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// known is what the configuration says to begin with: points that are to be tried, then solutions of an earlier run.
func known(p *config.Plan) ([]optimizer.Solution, error) {
	var points []optimizer.Solution
	given, err := p.Individuals()
	if err != nil {
		return nil, err
	}
	for _, x := range given {
		points = append(points, optimizer.Solution{X: x})
	}
	if p.WarmStart.Run == "" {
		return points, nil
	}
	solutions, err := earlier(p, p.WarmStart.Run, p.WarmStart.Best)
	if err != nil {
		return nil, fmt.Errorf("warm_start.run: %w", err)
	}
	return append(points, solutions...), nil
}

// earlier are the n best of an earlier run, its answer and its best individuals, as solutions of this one: parameters and objectives are found by their names.
// What is outside this run's space is passed over. Where evaluations were noisy, no individual is taken to be better than the answer, which was
// evaluated anew.
func earlier(p *config.Plan, dir string, n int) ([]optimizer.Solution, error) {
	run, err := report.Open(dir, p.Kinds.Search)
	if err != nil {
		return nil, err
	}
	type ranked struct {
		optimizer.Solution
		batch int // mini-batch; later ones come first, as fitnesses of different ones say nothing of each other
		sum   float64
	}
	var best []ranked
	rules, seen := p.Rules(), 0
	for i, err := range run.Individuals() {
		if err != nil {
			return nil, err
		}
		if i.Failed() {
			continue
		}
		seen++
		fitness, err := fitnessOf(p, run.Begun.Rules.Objectives, i.Fitness)
		if err != nil {
			return nil, err
		}
		x, err := pointOf(p, run.Begun.Space, i.X)
		if err != nil {
			return nil, err
		}
		if x == nil {
			continue
		}
		r := ranked{
			optimizer.Solution{ID: i.ID, X: x, Loss: rules.Loss(fitness)}, run.Begun.Rules.Batch(i.Individual), l2l.Loss(fitness, p.Objectives),
		}
		at, _ := slices.BinarySearchFunc(best, r, func(a, b ranked) int {
			return cmp.Or(cmp.Compare(b.batch, a.batch), cmp.Compare(a.sum, b.sum), cmp.Compare(a.ID, b.ID))
		})
		if best = slices.Insert(best, at, r); len(best) > n {
			best = best[:n]
		}
	}
	if len(best) == 0 {
		return nil, fmt.Errorf("none of the %d individuals of %s is within the bounds of this run", seen, dir)
	}
	out := make([]optimizer.Solution, len(best))
	for i, r := range best {
		out[i] = optimizer.Solution{X: r.X, Loss: r.Loss}
	}
	out, err = answered(p, run, out)
	return out[:min(n, len(out))], err
}

// answered are known solutions of a run with its answer before them, if evaluations were noisy. A loss that was told and is less than the answer's is
// luck, and becomes the answer's; an answer that was not evaluated anew has none, and is proposed first.
func answered(p *config.Plan, run *report.Run, known []optimizer.Solution) ([]optimizer.Solution, error) {
	answer, err := run.Answer()
	if err != nil || answer.Basis == l2l.Exact {
		return known, err
	}
	x, err := pointOf(p, run.Begun.Space, answer.X)
	if err != nil || x == nil {
		return known, err
	}
	solution := optimizer.Solution{X: x}
	if found := answer.Fitness(run.Begun.Rules.Objectives); found != nil && answer.Measured != nil {
		fitness, err := fitnessOf(p, run.Begun.Rules.Objectives, found)
		if err != nil {
			return nil, err
		}
		rules := p.Rules()
		solution.Loss = rules.Loss(fitness)
		for _, k := range known {
			for i := range k.Loss {
				k.Loss[i] = max(k.Loss[i], solution.Loss[i])
			}
		}
	}
	known = slices.DeleteFunc(known, func(k optimizer.Solution) bool { return slices.Equal(k.X, x) })
	return append([]optimizer.Solution{solution}, known...), nil
}

// fitnessOf is the fitness of an earlier run in the order of this run's objectives.
func fitnessOf(p *config.Plan, objectives []optimizee.Objective, fitness []float64) ([]float64, error) {
	out := make([]float64, len(p.Objectives))
	for k, o := range p.Objectives {
		at := slices.IndexFunc(objectives, func(other optimizee.Objective) bool { return other.Name == o.Name && other.Direction == o.Direction })
		if at < 0 {
			return nil, fmt.Errorf("the earlier run has no objective %q to %s", o.Name, o.Direction)
		}
		out[k] = fitness[at]
	}
	return out, nil
}

// pointOf is a point of an earlier run in this run's space; nil if it is outside.
func pointOf(p *config.Plan, space optimizee.Space, x []float64) ([]float64, error) {
	params, err := space.Decode(x)
	if err != nil {
		return nil, err
	}
	had, values := params.Map(), map[string]any{}
	var missing []error
	for _, q := range p.Space {
		v, ok := had[q.Name]
		if !ok {
			missing = append(missing, fmt.Errorf("the earlier run has no parameter %q", q.Name))
		}
		values[q.Name] = v
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	point, err := p.Space.Encode(values)
	if err != nil {
		return nil, nil // out of bounds, or of another kind
	}
	return point, nil
}
