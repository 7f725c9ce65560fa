package export

import (
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// point are the numbers of a generation.
type point struct {
	step    int   // generations completed
	at      int64 // when the last evaluation had ended, Unix time in microseconds
	numbers []number
}

// number is a number by its name; those that are not known are left out.
type number struct {
	name  string
	value float64
}

// generation is what a generation's individuals were worth.
type generation struct {
	fitness [][]float64 // by objective
	failed  int
	at      int64
}

// series are the generations of a run: the best fitness so far, the median of those that succeeded, how many failed, and the optimizer's figures. The
// individuals' fitness is held in memory, eight bytes for each objective.
func series(r *report.Run) (points []point, last int64, err error) {
	objectives := r.Begun.Rules.Objectives
	all := map[int]*generation{}
	last = r.Begun.At
	for s, err := range r.Steps() {
		if err != nil {
			return nil, 0, err
		}
		if stopped, ok := s.Event.(l2l.Stopped); ok {
			last = max(last, stopped.At)
		}
		if s.Ended != nil {
			last = max(last, s.Ended.At)
		}
		if s.Told == nil {
			continue
		}
		g := all[s.Told.Generation]
		if g == nil {
			g = &generation{fitness: make([][]float64, len(objectives))}
			all[s.Told.Generation] = g
		}
		g.at = max(g.at, last)
		if s.Told.Failed() {
			g.failed++
		}
		for k, f := range s.Told.Fitness {
			g.fitness[k] = append(g.fitness[k], f)
		}
	}
	at := r.Begun.At
	for row, err := range r.Generations() {
		if err != nil {
			return nil, 0, err
		}
		p := point{step: row.Generation}
		add := func(name string, value float64) {
			if !math.IsNaN(value) && !math.IsInf(value, 0) {
				p.numbers = append(p.numbers, number{name, value})
			}
		}
		for k, o := range objectives {
			if k < len(row.Best) {
				add("best/"+o.Name, row.Best[k])
			}
		}
		if g := all[row.Generation-1]; g != nil { // the one that it completes
			for k, o := range objectives {
				if len(g.fitness[k]) > 0 {
					add("median/"+o.Name, median(g.fitness[k]))
				}
			}
			add("failed", float64(g.failed))
			at = max(at, g.at)
		}
		p.at = at
		add("evaluations", float64(row.Evaluations))
		for k, name := range row.Names {
			add("optimizer/"+name, row.Figures[k])
		}
		points = append(points, p)
	}
	return points, last, nil
}

// median sorts the values.
func median(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
