// Command custom-team is a program whose optimizee is shared by a team of ranks: heat spreads along a rod, of which each rank of the team has a part, and
// one looks for the conductivities of its two halves that give the temperatures that were measured. It is every rank of a run:
// mpirun -n 5 ./rod --config examples/custom-team/run.yaml --set execution.ranks_per_evaluation=2
package main

import (
	"context"
	"fmt"
	"math"

	"github.com/meta-optimization/l2l-mpi/l2l/app"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// rod is the optimizee. Its tagged fields are its configuration.
type rod struct {
	Cells int `yaml:"cells" doc:"parts of the rod that have one temperature each" range:"[10, 1e6]"`
	Steps int `yaml:"steps" doc:"of time" range:"[1, 1e6]"`
}

// measured are temperatures in ten places along the rod, from the left end to the right one, after it was heated in the middle for a while.
var measured = [10]float64{0.0052, 0.0276, 0.0981, 0.2361, 0.3702, 0.3479, 0.1376, 0.0239, 0.0021, 0.0001}

func (r *rod) Space() optimizee.Space {
	return optimizee.Space{
		{Name: "left", Lower: 0.02, Upper: 0.5, Doc: "conductivity of the left half"},
		{Name: "right", Lower: 0.02, Upper: 0.5, Doc: "conductivity of the right half"},
	}
}

func (r *rod) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}}
}

// Share says what teams there may be, and that there may be any: it makes the rod an optimizee.Shared.
func (r *rod) Share(ranks int) error {
	if ranks > r.Cells {
		return fmt.Errorf("%d cells are too few for %d ranks", r.Cells, ranks)
	}
	return nil
}

// part is what a rank has of the rod: its cells, with one more on either side, which is the neighbour's.
type part struct {
	team     optimizee.Team
	from, to int       // cells
	heat     []float64 // by cell - from + 1
	flow     []float64 // into a cell, from its left
}

// Evaluate runs on all ranks of the team. The temperatures do not depend on how many these are, and rank 0 returns the fitness.
func (r *rod) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	p := part{team: e.Team}
	p.from, p.to = r.Cells*p.team.Rank()/p.team.Size(), r.Cells*(p.team.Rank()+1)/p.team.Size()
	n := p.to - p.from
	p.heat, p.flow = make([]float64, n+2), make([]float64, n+2)
	left, right := e.Float("left"), e.Float("right")
	for step := range r.Steps {
		if err := p.exchange(r.Cells); err != nil {
			return optimizee.Outcome{}, err
		}
		for i := 1; i <= n+1; i++ {
			k := left
			if p.from+i-1 > r.Cells/2 {
				k = right
			}
			p.flow[i] = k * (p.heat[i-1] - p.heat[i])
		}
		for i := 1; i <= n; i++ {
			p.heat[i] += p.flow[i] - p.flow[i+1]
			if p.from+i-1 == r.Cells/2 && step < r.Steps/2 {
				p.heat[i] += 4 / float64(r.Cells)
			}
		}
		if ctx.Err() != nil {
			return optimizee.Outcome{}, ctx.Err()
		}
	}
	return p.compare(r.Cells)
}

// exchange has the cells beyond both ends be those of the neighbours. The ends of the rod are kept at 0.
func (p *part) exchange(cells int) error {
	me, n := p.team.Rank(), p.to-p.from
	if p.from > 0 {
		if err := p.team.Send(me-1, p.heat[1:2]); err != nil {
			return err
		}
	}
	if p.to < cells {
		if err := p.team.Send(me+1, p.heat[n:n+1]); err != nil {
			return err
		}
		if err := p.team.Recv(me+1, p.heat[n+1:]); err != nil {
			return err
		}
	}
	if p.from > 0 {
		return p.team.Recv(me-1, p.heat[:1])
	}
	return nil
}

// compare collects the temperatures where they were measured, and returns how far they are from it.
func (p *part) compare(cells int) (optimizee.Outcome, error) {
	var here [len(measured)]float64
	for i := range here {
		if cell := cells * (2*i + 1) / (2 * len(here)); p.from <= cell && cell < p.to {
			here[i] = p.heat[cell-p.from+1]
		}
	}
	if err := p.team.Allreduce(here[:]); err != nil { // all ranks but one add 0
		return optimizee.Outcome{}, err
	}
	sum := 0.0
	for i, m := range measured {
		sum += (here[i] - m) * (here[i] - m)
	}
	return optimizee.Outcome{Fitness: []float64{math.Sqrt(sum / float64(len(measured)))}}, nil
}

func main() {
	app.Main(optimizee.Type{Name: "rod", Title: "Heat in a rod, shared by a team of ranks", New: func() optimizee.Optimizee { return &rod{Cells: 40, Steps: 100} }})
}
