package report

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Column is a column of a table.
type Column struct {
	Name      string
	Type      Type                // of a cell, or of its elements where it is a list
	Unit      string              // "" where it has none
	Direction optimizee.Direction // of a fitness; 0 of all else
	Vector    string              // the parameter of which it is one element; "" where it is none
	Size      int                 // the number of elements of each cell; 0 where a cell is one value
}

// Type is the Go type that the cells of a column have which are not nil.
type Type int

// The types.
const (
	Integer  Type = iota // int64
	Unsigned             // uint64
	Number               // float64
	Flag                 // bool
	Text                 // string
	Mixed                // several of them: the choices of a categorical parameter that are of different types
)

// typeOf is the type of a parameter's values.
func typeOf(p optimizee.Parameter) Type {
	switch p.Kind {
	case optimizee.Int:
		return Integer
	case optimizee.Bool:
		return Flag
	case optimizee.Float:
		return Number
	}
	kinds := map[Type]bool{}
	last := Mixed
	for i := range p.Choices {
		of := optimizee.Space{{Name: "choice", Kind: optimizee.Categorical, Choices: p.Choices}}
		params, err := of.Decode([]float64{float64(i)})
		if err != nil {
			return Mixed
		}
		switch params.Flat()[0].(type) {
		case int64:
			last = Integer
		case float64:
			last = Number
		case bool:
			last = Flag
		case string:
			last = Text
		}
		kinds[last] = true
	}
	if len(kinds) > 1 {
		return Mixed
	}
	return last
}

// plainColumns are columns of one type without units.
func plainColumns(of Type, names ...string) (columns []Column) {
	for _, name := range names {
		columns = append(columns, Column{Name: name, Type: of})
	}
	return columns
}

// objectiveColumns are a column for each objective.
func (r *Run) objectiveColumns(prefix string) (columns []Column) {
	for _, o := range r.Begun.Rules.Objectives {
		columns = append(columns, Column{Name: prefix + o.Name, Type: Number, Unit: o.Unit, Direction: o.Direction})
	}
	return columns
}

// pointColumns are a column for each coordinate.
func (r *Run) pointColumns() (columns []Column) {
	labels := r.Begun.Space.Labels()
	for _, p := range r.Begun.Space {
		c := Column{Type: typeOf(p), Unit: p.Unit}
		if p.Size > 0 {
			c.Vector = p.Name
		}
		for range max(p.Size, 1) {
			c.Name = labels[len(columns)]
			columns = append(columns, c)
		}
	}
	return columns
}

// distinct gives columns that have the name of one before them, as that of a parameter which is called seed, another one: seed_2.
func distinct(columns []Column) []Column {
	seen := map[string]bool{}
	for i := range columns {
		c := &columns[i]
		name := c.Name
		for n := 2; seen[c.Name]; n++ {
			c.Name = fmt.Sprintf("%s_%d", name, n)
		}
		seen[c.Name] = true
	}
	return columns
}

// Names are the names of the columns.
func (t Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// Lists is the table with one column for each vector, whose cells are []any, instead of one for each of its elements. The table must not have been
// changed by Select.
func (t Table) Lists() Table {
	var columns []Column
	var from []int // where each begins in a row of t
	for i, c := range t.Columns {
		if last := len(columns) - 1; c.Vector != "" && last >= 0 && columns[last].Vector == c.Vector {
			columns[last].Size++
			continue
		}
		if c.Vector != "" {
			c.Name, c.Size = c.Vector, 1
		}
		columns, from = append(columns, c), append(from, i)
	}
	return Table{distinct(columns), rows(t.Rows, func(row []any, all []any) ([]any, error) {
		for k, c := range columns {
			if c.Size == 0 {
				row = append(row, all[from[k]])
			} else {
				row = append(row, all[from[k]:from[k]+c.Size])
			}
		}
		return row, nil
	})}
}

// Select is the table with the columns of these names alone, in their order. The name of a vector stands for the columns of all its elements.
func (t Table) Select(names []string) (Table, error) {
	var from []int
	var columns []Column
	for _, name := range names {
		before := len(columns)
		for i, c := range t.Columns {
			if c.Name == name || c.Vector == name && c.Size == 0 {
				columns, from = append(columns, c), append(from, i)
			}
		}
		if len(columns) == before {
			return Table{}, fmt.Errorf("no column %q, want some of %s", name, strings.Join(t.Names(), ", "))
		}
	}
	seen := map[string]bool{}
	for _, c := range columns {
		if seen[c.Name] {
			return Table{}, fmt.Errorf("the column %q is there twice", c.Name)
		}
		seen[c.Name] = true
	}
	return Table{columns, rows(t.Rows, func(row []any, all []any) ([]any, error) {
		for _, i := range from {
			row = append(row, all[i])
		}
		return row, nil
	})}, nil
}

// Since is the table without the rows of generations before a number. Those of finalists, which are evaluated after the search, stay.
func (t Table) Since(generation int) Table {
	if generation <= 0 {
		return t
	}
	names := t.Names()
	at, who := slices.Index(names, "generation"), slices.Index(names, "individual")
	return Table{t.Columns, filtered(t.Rows, func(row []any) bool {
		return row[at].(int64) >= int64(generation) || who >= 0 && row[who].(int64) < 0
	})}
}

// filtered are the rows that are to stay.
func filtered(all iter.Seq2[[]any, error], stay func(row []any) bool) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for row, err := range all {
			if err == nil && !stay(row) {
				continue
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// CellText is a cell as texts have it, with all digits of a number; "" where it is nil. A list is one of JSON.
func CellText(cell any) string {
	if list, ok := cell.([]any); ok {
		if b, err := codec.AppendJSON(nil, list); err == nil {
			return string(b)
		}
	}
	return cellText(cell)
}
