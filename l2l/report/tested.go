package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Tested is what the model's own test found of an answer: the file test.json in a run's directory, of the last test.
type Tested struct {
	At         string           `json:"at"`         // the time, RFC 3339
	Version    string           `json:"version"`    // of the program
	Individual *int64           `json:"individual"` // null for a point that is no individual
	X          []float64        `json:"x"`          // the point, exactly
	Scores     optimizee.Scores `json:"scores"`
}

func testFile(dir string) string { return filepath.Join(dir, "test.json") }

// Write writes it to the run's directory.
func (t Tested) Write(dir string) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return journal.WriteFile(testFile(dir), append(b, '\n'))
}

// Tested is what the run's test found last; nil where there was none.
func (r *Run) Tested() (*Tested, error) {
	b, err := os.ReadFile(testFile(r.Dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	t := &Tested{}
	if err == nil {
		err = json.Unmarshal(b, t)
	}
	if err != nil {
		return nil, fmt.Errorf("report: %s: %w", testFile(r.Dir), err)
	}
	return t, nil
}

// Found is what the run has found, as its model's test is given it, and how people call it: the answer, or of a front the member with the best
// weighted sum, with all of them. x is the point, exactly.
func (r *Run) Found() (found optimizee.Found, x []float64, what string, err error) {
	begun := r.Begun
	point := func(id int64, x, fitness []float64) (optimizee.Found, error) {
		params, err := begun.Space.Decode(x)
		return optimizee.Found{Params: params, Individual: id, Fitness: fitness}, err
	}
	if begun.Rules.Sum {
		answer, err := r.Answer()
		if err != nil {
			return found, nil, "", err
		}
		id, what := int64(-1), "its answer, "+UntoldText(l2l.Origin(answer.From))
		if answer.Individual != nil {
			id, what = *answer.Individual, fmt.Sprintf("its answer, individual %d", *answer.Individual)
		}
		found, err = point(id, answer.X, answer.Fitness(begun.Rules.Objectives))
		return found, answer.X, what, err
	}
	best, err := r.Best()
	if err != nil {
		return found, nil, "", err
	}
	front, err := r.Front()
	if err != nil {
		return found, nil, "", err
	}
	if found, err = point(best.ID, best.X, best.Fitness); err != nil {
		return found, nil, "", err
	}
	for _, m := range front {
		member, err := point(m.ID, m.X, m.Fitness)
		if err != nil {
			return found, nil, "", err
		}
		found.Front = append(found.Front, member)
	}
	return found, best.X, fmt.Sprintf("its front, %s", Count(len(front), "individual")), nil
}

// Of reports whether it is a test of that point.
func (t *Tested) Of(x []float64) bool { return slices.Equal(t.X, x) }

// ScoreText is a score as people read it: a whole number as it is, others by four digits; "" where there is none.
func ScoreText(v float64) string {
	switch {
	case math.IsNaN(v):
		return ""
	case v == math.Trunc(v) && math.Abs(v) < 1e9:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

// WriteScores writes scores as a table for people, with a row for each part and a column for each name; without parts, a row for each name.
func WriteScores(w io.Writer, scores optimizee.Scores) error {
	var rows [][]string
	if parts, names := scores.Parts(), scores.Names(); slices.Equal(parts, []string{""}) {
		for _, s := range scores {
			rows = append(rows, []string{s.Name, ScoreText(s.Value)})
		}
	} else if len(parts) > 0 {
		rows = append(rows, append([]string{""}, names...))
		for _, of := range parts {
			row := []string{of}
			for _, name := range names {
				row = append(row, ScoreText(scores.Value(of, name)))
			}
			rows = append(rows, row)
		}
	}
	widths := map[int]int{}
	for _, row := range rows {
		for k, cell := range row {
			widths[k] = max(widths[k], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := fmt.Sprintf("%-*s", widths[0], row[0])
		for k, cell := range row[1:] {
			line += fmt.Sprintf("  %*s", widths[k+1], cell)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}
