// Package report reads a run's directory, of a finished, a running or a crashed run, and makes tables of it. It needs nothing but the
// journal: what the parameters are called is in there.
package report

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// errEmpty is returned for a run whose journal has no first event.
var errEmpty = errors.New("report: nothing has happened in this run yet; its optimizees may still be starting")

// Row is one evaluation, with the individual that it was of.
type Row struct {
	l2l.Result
	Of l2l.Individual
}

// Rows calls each for every evaluation of the run in dir, attempts that failed included, in the order in which they ended. begun is the
// run's first event.
func Rows(dir string, each func(begun l2l.Begun, row Row) error) error {
	var begun *l2l.Begun
	type waiting struct {
		l2l.Individual
		missing int // evaluations that have not ended for good
	}
	open := map[int64]*waiting{}
	for e, err := range journal.Read(dir, 0) {
		if journal.IsTorn(err) {
			break // it is being written to, or was killed
		}
		if err != nil {
			return err
		}
		switch e := e.Event.(type) {
		case l2l.Begun:
			if begun == nil {
				begun = &e
			}
		case l2l.Asked:
			if begun == nil {
				return errEmpty
			}
			for _, ind := range e.Individuals {
				open[ind.ID] = &waiting{ind, begun.Rules.Evaluations()}
			}
		case l2l.Result:
			of := open[e.Individual]
			if begun == nil || of == nil {
				return fmt.Errorf("report: a result for individual %d, which was not asked", e.Individual)
			}
			if err := each(*begun, Row{e, of.Individual}); err != nil {
				return err
			}
			if e.Outcome == l2l.OK || e.Attempt >= begun.Rules.Retries {
				if of.missing--; of.missing == 0 {
					delete(open, e.Individual)
				}
			}
		}
	}
	if begun == nil {
		return errEmpty
	}
	return nil
}

// CSV writes the trajectory of the run in dir, one row per evaluation.
func CSV(w io.Writer, dir string) error {
	out := csv.NewWriter(w)
	header := false
	err := Rows(dir, func(begun l2l.Begun, row Row) error {
		if !header {
			header = true
			if err := out.Write(columns(begun)); err != nil {
				return err
			}
		}
		cells, err := cells(begun, row)
		if err != nil {
			return err
		}
		return out.Write(cells)
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// PosteriorCSV writes the posterior sample of the finished run in dir, one row per individual, in the order of their evaluations.
func PosteriorCSV(w io.Writer, dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		return fmt.Errorf("report: the posterior is told at a run's end: %w", err)
	}
	var result struct {
		Posterior []struct {
			Individual   int64
			Weight, Loss float64
		}
	}
	if err := json.Unmarshal(b, &result); err != nil {
		return fmt.Errorf("report: result.json: %w", err)
	}
	if len(result.Posterior) == 0 {
		return fmt.Errorf("report: the run in %s has no posterior: its optimizer searches for a point", dir)
	}
	at := map[int64]int{}
	for i, p := range result.Posterior {
		at[p.Individual] = i
	}
	out := csv.NewWriter(w)
	header := false
	err = Individuals(dir, func(begun l2l.Begun, told Told) error {
		if !header {
			header = true
			if err := out.Write(append([]string{"individual", "generation", "weight", "loss"}, begun.Space.Labels()...)); err != nil {
				return err
			}
		}
		i, ok := at[told.ID]
		if !ok {
			return nil
		}
		p := result.Posterior[i]
		params, err := begun.Space.Decode(told.X)
		if err != nil {
			return err
		}
		cells := []string{fmt.Sprint(told.ID), fmt.Sprint(told.Generation), number(p.Weight), number(p.Loss)}
		for _, v := range params.All() {
			cells = append(cells, texts(v)...)
		}
		return out.Write(cells)
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// number is a number with all its digits.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func columns(begun l2l.Begun) []string {
	cols := []string{"individual", "generation", "instance", "replicate", "seed", "attempt", "outcome", "seconds", "rank", "finished_unix_us"}
	for _, o := range begun.Rules.Objectives {
		cols = append(cols, "fitness_"+o.Name)
	}
	return append(append(cols, begun.Space.Labels()...), "reason")
}

func cells(begun l2l.Begun, row Row) ([]string, error) {
	cells := []string{
		fmt.Sprint(row.Individual), fmt.Sprint(row.Of.Generation), fmt.Sprint(row.Instance), fmt.Sprint(row.Replicate),
		fmt.Sprint(l2l.SeedOf(begun.Rules.Seed, row.Individual, row.Instance, row.Replicate)), fmt.Sprint(row.Attempt),
		row.Outcome.String(), number(row.Seconds), fmt.Sprint(row.Rank), fmt.Sprint(row.At),
	}
	for k := range begun.Rules.Objectives {
		cell := ""
		if k < len(row.Fitness) {
			cell = number(row.Fitness[k])
		}
		cells = append(cells, cell)
	}
	params, err := begun.Space.Decode(row.Of.X)
	if err != nil {
		return nil, err
	}
	for _, v := range params.All() {
		cells = append(cells, texts(v)...)
	}
	return append(cells, row.Reason), nil
}

// texts is a parameter's value, or values, as cells.
func texts(v optimizee.Value) []string {
	list := func(n int, at func(i int) any) []string {
		out := make([]string, n)
		for i := range out {
			switch x := at(i).(type) {
			case float64:
				out[i] = number(x)
			default:
				out[i] = fmt.Sprint(x)
			}
		}
		return out
	}
	switch x := v.Value.(type) {
	case []float64:
		return list(len(x), func(i int) any { return x[i] })
	case []int64:
		return list(len(x), func(i int) any { return x[i] })
	case []bool:
		return list(len(x), func(i int) any { return x[i] })
	case []string:
		return list(len(x), func(i int) any { return x[i] })
	}
	return list(1, func(int) any { return v.Value })
}

// Told is an individual with its fitness: its evaluations, all of which succeeded, combined by the rules of the run.
type Told struct {
	l2l.Individual
	Fitness []float64
}

// Individuals calls each for the individuals of the run in dir whose evaluations all succeeded. begun is the run's first event.
func Individuals(dir string, each func(begun l2l.Begun, told Told) error) error {
	open := map[int64][]l2l.Result{}
	return Rows(dir, func(begun l2l.Begun, row Row) error {
		if row.Outcome != l2l.OK {
			return nil
		}
		results := append(open[row.Individual], row.Result)
		if open[row.Individual] = results; len(results) < begun.Rules.Evaluations() {
			return nil
		}
		delete(open, row.Individual)
		slices.SortFunc(results, func(a, b l2l.Result) int { // sums depend on their order
			return cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Replicate, b.Replicate))
		})
		return each(begun, Told{row.Of, begun.Rules.Fitness(results)})
	})
}

// Best is the individual of the run in dir with the best fitness, by the weighted sum of its objectives.
func Best(dir string) (l2l.Individual, error) {
	var best *l2l.Individual
	var least float64
	err := Individuals(dir, func(begun l2l.Begun, told Told) error {
		loss := l2l.Loss(told.Fitness, begun.Rules.Objectives)
		if best == nil || loss < least || loss == least && told.ID < best.ID { // the first of equals, as the optimizer has it
			best, least = &told.Individual, loss
		}
		return nil
	})
	if err == nil && best == nil {
		err = fmt.Errorf("report: no individual of %s has been evaluated with success", dir)
	}
	if err != nil {
		return l2l.Individual{}, err
	}
	return *best, nil
}
