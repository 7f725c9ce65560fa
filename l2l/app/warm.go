package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

type warmStart struct {
	Run         string           `yaml:"run" doc:"directory of an earlier run, also of another optimizer, whose individuals the optimizer begins with"`
	Best        int              `yaml:"best" doc:"how many of them, the best" range:"[1, inf)"`
	Individuals []map[string]any `yaml:"individuals" doc:"points to try first: values by the names of parameters; the others are in the middle of their ranges"`
}

// known is what the configuration says to begin with: points that are to be tried, then solutions of an earlier run.
func (p *plan) known() ([]optimizer.Solution, error) {
	var known []optimizer.Solution
	for i, values := range p.WarmStart.Individuals {
		x, err := p.change(p.middle(), values)
		if err != nil {
			return nil, fmt.Errorf("warm_start.individuals[%d]: %w", i, err)
		}
		known = append(known, optimizer.Solution{X: x})
	}
	if p.WarmStart.Run == "" {
		return known, nil
	}
	earlier, err := p.earlier(p.WarmStart.Run, p.WarmStart.Best)
	if err != nil {
		return nil, fmt.Errorf("warm_start.run: %w", err)
	}
	return append(known, earlier...), nil
}

// earlier are the n best individuals of an earlier run, as solutions of this one: parameters and objectives are found by their names. An
// individual that is outside this run's space is passed over.
func (p *plan) earlier(dir string, n int) ([]optimizer.Solution, error) {
	if !journal.Exists(dir) {
		return nil, fmt.Errorf("%s holds no run", dir)
	}
	type ranked struct {
		optimizer.Solution
		sum float64
	}
	var best []ranked
	seen := 0
	err := report.Individuals(dir, func(begun l2l.Begun, told report.Told) error {
		seen++
		fitness, err := p.fitnessOf(begun.Rules.Objectives, told.Fitness)
		if err != nil {
			return err
		}
		x, err := p.pointOf(begun.Space, told.X)
		if err != nil {
			return err
		}
		if x == nil {
			return nil
		}
		r := ranked{optimizer.Solution{X: x, Loss: l2l.Losses(fitness, p.objectives)}, l2l.Loss(fitness, p.objectives)}
		if p.sum {
			r.Loss = []float64{r.sum}
		}
		at, _ := slices.BinarySearchFunc(best, r, func(a, b ranked) int { return cmp.Compare(a.sum, b.sum) })
		if best = slices.Insert(best, at, r); len(best) > n {
			best = best[:n]
		}
		return nil
	})
	if err == nil && len(best) == 0 {
		err = fmt.Errorf("none of the %d individuals of %s is within the bounds of this run", seen, dir)
	}
	var out []optimizer.Solution
	for _, r := range best {
		out = append(out, r.Solution)
	}
	return out, err
}

// fitnessOf is the fitness of an earlier run in the order of this run's objectives.
func (p *plan) fitnessOf(objectives []optimizee.Objective, fitness []float64) ([]float64, error) {
	out := make([]float64, len(p.objectives))
	for k, o := range p.objectives {
		at := slices.IndexFunc(objectives, func(other optimizee.Objective) bool { return other.Name == o.Name && other.Direction == o.Direction })
		if at < 0 {
			return nil, fmt.Errorf("the earlier run has no objective %q to %s", o.Name, o.Direction)
		}
		out[k] = fitness[at]
	}
	return out, nil
}

// pointOf is a point of an earlier run in this run's space; nil if it is outside.
func (p *plan) pointOf(space optimizee.Space, x []float64) ([]float64, error) {
	params, err := space.Decode(x)
	if err != nil {
		return nil, err
	}
	values, had := map[string]any{}, map[string]bool{}
	for _, v := range params.All() {
		had[v.Name] = true
		if slices.ContainsFunc(p.space, func(q optimizee.Parameter) bool { return q.Name == v.Name }) {
			values[v.Name] = v.Value
		}
	}
	var missing []error
	for _, q := range p.space {
		if !had[q.Name] {
			missing = append(missing, fmt.Errorf("the earlier run has no parameter %q", q.Name))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	point, err := p.space.Encode(values)
	if err != nil {
		return nil, nil // out of bounds, or of another kind
	}
	return point, nil
}
