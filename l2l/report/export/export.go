// Package export writes what a run says for other programs: its tables as files of data frames ([Formats]), and the whole of it as a directory that
// TensorBoard or MLflow shows ([TensorBoard], [MLflow]). What the tables hold is package report's business.
//
// Tables are streamed: a writer holds some ten thousand rows at a time, so that a run of any length is written in bounded memory.
package export

import (
	"encoding/json"
	"io"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// Format is a format of files with a table.
type Format struct {
	Name  string
	Doc   string
	Ends  []string // what a file's name ends in that has the format
	Lists bool     // whether vectors are lists in it, unless somebody wants otherwise
	Write func(w io.Writer, t report.Table, m Metadata) error
}

// Formats lists the formats; the first is what is written where nobody says which.
func Formats() []Format {
	return []Format{
		{"csv", "comma-separated values", []string{".csv"}, false, func(w io.Writer, t report.Table, _ Metadata) error { return t.WriteCSV(w) }},
		{"jsonl", "JSON Lines, an object for each row", []string{".jsonl", ".ndjson"}, true, jsonLines},
		{"parquet", "Apache Parquet", []string{".parquet"}, true, parquetFile},
		{"arrow", "Apache Arrow's IPC file, also called Feather", []string{".arrow", ".feather"}, true, arrowFile},
		{"npz", "NumPy's archive of arrays, one for each column", []string{".npz"}, true, npz},
	}
}

// Store is a directory of another program's that a whole run is written to.
type Store struct {
	Name  string
	Doc   string
	Write func(r *report.Run, dir string) error
}

// Stores lists them.
func Stores() []Store {
	return []Store{
		{"tensorboard", "a directory for TensorBoard: best, median and figures by generation", TensorBoard},
		{"mlflow", "a file store of MLflow, with the configuration and the answer as parameters", MLflow},
	}
}

// Metadata is what a file says of its run beside the rows, where the format has a place for it: as JSON under the key l2l.
type Metadata struct {
	Table      string      `json:"table"`
	Objectives []objective `json:"objectives"`
	Parameters []parameter `json:"parameters"`
	Seed       uint64      `json:"seed"`
	Optimizer  string      `json:"optimizer"`
	Version    string      `json:"version"` // of the program that has begun the run
	Config     string      `json:"config"`  // YAML, with every default
}

type objective struct {
	Name      string `json:"name"`
	Direction string `json:"direction"`
	Unit      string `json:"unit,omitempty"`
}

type parameter struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int    `json:"size,omitempty"` // of a vector
	Unit string `json:"unit,omitempty"`
}

// MetadataOf is that of a run's table.
func MetadataOf(r *report.Run, table string) Metadata {
	b := r.Begun
	m := Metadata{Table: table, Seed: b.Rules.Seed, Optimizer: b.Algorithm, Version: b.Version, Config: b.Config}
	for _, o := range b.Rules.Objectives {
		m.Objectives = append(m.Objectives, objective{o.Name, o.Direction.String(), o.Unit})
	}
	for _, p := range b.Space {
		m.Parameters = append(m.Parameters, parameter{p.Name, p.Kind.String(), p.Size, p.Unit})
	}
	return m
}

// key is the key of the metadata in a file.
const key = "l2l"

func (m Metadata) text() (string, error) {
	b, err := json.Marshal(m)
	return string(b), err
}

// ofColumn is what is said of one column, where the format has a place for it.
func ofColumn(c report.Column) map[string]string {
	said := map[string]string{}
	if c.Unit != "" {
		said["unit"] = c.Unit
	}
	if c.Direction != 0 {
		said["direction"] = c.Direction.String()
	}
	return said
}

// inBlock is how many rows a writer holds at a time, of so many columns: some ten megabytes.
func inBlock(columns []report.Column) int {
	cells := 0
	for _, c := range columns {
		cells += max(c.Size, 1)
	}
	return max(1, min(1<<16, 1<<20/max(cells, 1)))
}

// elements are the values of a cell: of a list each.
func elements(c report.Column, cell any) []any {
	if c.Size > 0 {
		return cell.([]any)
	}
	return []any{cell}
}
