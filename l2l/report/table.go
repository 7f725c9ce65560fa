package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// Table is a table of a run, for a writer of some format. A cell has the type that its column says, or is nil, where there is nothing to say. A row is
// valid until the next one. Rows are read from the journal as they are asked for: a table of any length takes little memory.
type Table struct {
	Columns []Column
	Rows    iter.Seq2[[]any, error]
}

// TableKind is a table that a run has.
type TableKind struct {
	Name string
	Doc  string // what its rows are
	make func(*Run) (Table, error)
}

// Tables lists the tables that a run has.
func Tables() []TableKind {
	return []TableKind{
		{"evaluations", "in the order in which they ended", (*Run).evaluations},
		{"individuals", "the individuals whose evaluations have all ended, with their fitness", (*Run).individuals},
		{"generations", "a row after each generation: how many are completed, the best fitness so far, what the optimizer says of itself", (*Run).generations},
		{"front", "with several objectives, the individuals that no other is better than", (*Run).front},
		{"posterior", "of a run that has ended, the individuals of the posterior sample with their weights", (*Run).posterior},
		{"measurements", "what the model measured beside its objectives, by evaluation", (*Run).measurements},
		{"failures", "the evaluations that failed, with their reasons", (*Run).failures},
		{"injected", "the individuals that somebody has injected beside the search, with their fitness", (*Run).injected},
	}
}

// Table is the table of a kind. No two of its columns have the same name.
func (r *Run) Table(kind TableKind) (Table, error) {
	t, err := kind.make(r)
	t.Columns = distinct(t.Columns)
	return t, err
}

// WriteCSV writes the table as comma-separated values with a line of names first. Numbers have all their digits.
func (t Table) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.Names()); err != nil {
		return err
	}
	texts := make([]string, len(t.Columns))
	for row, err := range t.Rows {
		if err != nil {
			out.Flush()
			return errors.Join(err, out.Error())
		}
		for i, cell := range row {
			texts[i] = CellText(cell)
		}
		if err := out.Write(texts); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func cellText(cell any) string {
	switch x := cell.(type) {
	case nil:
		return ""
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case int64:
		return strconv.FormatInt(x, 10)
	}
	return fmt.Sprint(cell)
}

// appendFitness appends a cell for each objective; nil for one without a value.
func (r *Run) appendFitness(row []any, fitness []float64) []any {
	for k := range r.Begun.Rules.Objectives {
		if k < len(fitness) {
			row = append(row, fitness[k])
		} else {
			row = append(row, nil)
		}
	}
	return row
}

// appendPoint appends a cell for each coordinate.
func (r *Run) appendPoint(row []any, x []float64) ([]any, error) {
	params, err := r.Begun.Space.Decode(x)
	if err != nil {
		return nil, err
	}
	return append(row, params.Flat()...), nil
}

// rows makes cells of typed rows; one whose cells are nil is left out.
func rows[T any](of iter.Seq2[T, error], cells func(row []any, of T) ([]any, error)) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		var row []any
		for t, err := range of {
			row = row[:0]
			if err == nil {
				row, err = cells(row, t)
			}
			if err == nil && len(row) == 0 {
				continue
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func (r *Run) evaluations() (Table, error) {
	columns := slices.Concat(plainColumns(Integer, "individual", "generation", "instance", "replicate"), plainColumns(Unsigned, "seed"),
		plainColumns(Integer, "attempt"), plainColumns(Text, "outcome"), []Column{{Name: "seconds", Type: Number, Unit: "s"}},
		plainColumns(Integer, "rank"), []Column{{Name: "finished_unix_us", Type: Integer, Unit: "us"}}, r.objectiveColumns("fitness_"), r.pointColumns(),
		plainColumns(Text, "reason"))
	return Table{columns, rows(r.Evaluations(), func(row []any, e Evaluation) ([]any, error) {
		row = append(row, e.Individual, int64(e.Of.Generation), int64(e.Instance), int64(e.Replicate), e.Seed, int64(e.Attempt), e.Ending.String(),
			e.Seconds, int64(e.Rank), e.At)
		row, err := r.appendPoint(r.appendFitness(row, e.Fitness), e.Of.X)
		return append(row, l2l.Headline(e.Reason)), err
	})}, nil
}

func (r *Run) failures() (Table, error) {
	t, err := r.evaluations()
	at := slices.Index(t.Names(), "outcome")
	t.Rows = filtered(t.Rows, func(row []any) bool { return row[at] != l2l.OK.String() })
	return t, err
}

func (r *Run) measurements() (Table, error) {
	names := r.Begun.Measurements
	if len(names) == 0 {
		return Table{}, fmt.Errorf("report: the run in %s has no measurements: its optimizee returns nothing beside its objectives", r.Dir)
	}
	columns := append(plainColumns(Integer, "individual", "generation", "instance", "replicate", "attempt"), plainColumns(Number, names...)...)
	return Table{columns, rows(r.Evaluations(), func(row []any, e Evaluation) ([]any, error) {
		if len(e.Measurements) == 0 {
			return nil, nil
		}
		row = append(row, e.Individual, int64(e.Of.Generation), int64(e.Instance), int64(e.Replicate), int64(e.Attempt))
		for k := range names {
			if k < len(e.Measurements) {
				row = append(row, e.Measurements[k])
			} else {
				row = append(row, nil)
			}
		}
		return row, nil
	})}, nil
}

func (r *Run) individuals() (Table, error) { return r.tableOf(r.Individuals()) }

// injected is the table of the injected individuals whose evaluations have all ended.
func (r *Run) injected() (Table, error) {
	individuals := func(yield func(Individual, error) bool) {
		for s, err := range r.Steps() {
			switch {
			case err != nil:
				yield(Individual{}, err)
				return
			case s.Injected != nil && !yield(*s.Injected, nil):
				return
			}
		}
	}
	for _, err := range individuals {
		if err != nil {
			return Table{}, err
		}
		return r.tableOf(individuals)
	}
	return Table{}, fmt.Errorf("report: nobody has injected individuals into the run in %s, or they are being evaluated", r.Dir)
}

func (r *Run) tableOf(individuals iter.Seq2[Individual, error]) (Table, error) {
	columns := slices.Concat(plainColumns(Integer, "individual", "generation"), plainColumns(Text, "outcome"), r.objectiveColumns("fitness_"), r.pointColumns())
	return Table{columns, rows(individuals, func(row []any, i Individual) ([]any, error) {
		outcome := l2l.OK
		for _, e := range i.Results {
			if e.Ending != l2l.OK {
				outcome = e.Ending
				break
			}
		}
		row = append(row, i.ID, int64(i.Generation), outcome.String())
		return r.appendPoint(r.appendFitness(row, i.Fitness), i.X)
	})}, nil
}

func (r *Run) generations() (Table, error) {
	var names []string
	for g, err := range r.Generations() {
		if err != nil {
			return Table{}, err
		}
		for _, name := range g.Names {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	columns := slices.Concat(plainColumns(Integer, "generation", "evaluations"), r.objectiveColumns("best_"), plainColumns(Number, names...))
	return Table{columns, rows(r.Generations(), func(row []any, g Generation) ([]any, error) {
		row = r.appendFitness(append(row, int64(g.Generation), g.Evaluations), g.Best)
		for _, name := range names {
			if at := slices.Index(g.Names, name); at >= 0 {
				row = append(row, g.Figures[at])
			} else {
				row = append(row, nil)
			}
		}
		return row, nil
	})}, nil
}

func (r *Run) front() (Table, error) {
	columns := slices.Concat(plainColumns(Integer, "individual", "generation"), r.objectiveColumns("fitness_"), r.pointColumns())
	front, err := r.Front()
	if err != nil {
		return Table{}, err
	}
	members := func(yield func(Individual, error) bool) {
		for _, i := range front {
			if !yield(i, nil) {
				return
			}
		}
	}
	return Table{columns, rows(members, func(row []any, i Individual) ([]any, error) {
		return r.appendPoint(r.appendFitness(append(row, i.ID, int64(i.Generation)), i.Fitness), i.X)
	})}, nil
}

func (r *Run) posterior() (Table, error) {
	result, err := ReadResult(r.Dir)
	if err != nil {
		return Table{}, fmt.Errorf("a posterior is told at a run's end: %w", err)
	}
	if len(result.Posterior) == 0 {
		return Table{}, fmt.Errorf("report: the run in %s has no posterior: its optimizer searches for a point", r.Dir)
	}
	at := map[int64]Weighted{}
	for _, p := range result.Posterior {
		at[p.Individual] = p
	}
	columns := slices.Concat(plainColumns(Integer, "individual", "generation"), plainColumns(Number, "weight", "loss"), r.pointColumns())
	return Table{columns, rows(r.Individuals(), func(row []any, i Individual) ([]any, error) {
		p, ok := at[i.ID]
		if !ok {
			return nil, nil
		}
		return r.appendPoint(append(row, i.ID, int64(i.Generation), p.Weight, p.Loss), i.X)
	})}, nil
}
