package process

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// capture finds the fitness that a oneshot program leaves behind.
type capture struct {
	Fitness
	objectives []optimizee.Objective
	regex      *regexp.Regexp
	groups     []int // of regex, by objective
}

// newCapture checks where the fitness is to be found.
func newCapture(f Fitness, objectives []optimizee.Objective) (*capture, error) {
	c := &capture{Fitness: f, objectives: objectives}
	sources := 0
	for _, s := range []string{f.JSON, f.CSV, f.Regex} {
		if s != "" {
			sources++
		}
	}
	switch {
	case sources > 1:
		return nil, wrongf("fitness", "in several places, want one of json, csv and regex")
	case f.Key != "" && f.JSON == "" && f.CSV == "":
		return nil, wrongf("fitness.key", "there is no file that it could be in, want json or csv")
	case f.Key != "" && f.CSV != "" && len(objectives) > 1:
		return nil, wrongf("fitness.key", "one column for several objectives; without a key, columns are those that the header names as the objectives are")
	case f.Regex == "":
		return c, nil
	}
	var err error
	if c.regex, err = regexp.Compile(f.Regex); err != nil {
		return nil, wrongf("fitness.regex", "%w", err)
	}
	names := c.regex.SubexpNames()
	for i, o := range objectives {
		at := slices.Index(names, o.Name)
		if at < 0 && len(objectives) == len(names)-1 {
			at = i + 1
		}
		if at < 0 {
			return nil, wrongf("fitness.regex", "%d groups, want one for each of %d objectives, or one that is named (?P<%s>…)", len(names)-1, len(objectives), o.Name)
		}
		c.groups = append(c.groups, at)
	}
	return c, nil
}

// outcome finds the fitness, in a file in dir or in the standard output.
func (c *capture) outcome(dir string, stdout []byte, limit int) (out optimizee.Outcome, err error) {
	switch {
	case c.JSON != "":
		b, err := readFile(dir, c.JSON, limit)
		if err != nil {
			return out, err
		}
		out, err = c.fromJSON(b)
		return out, named(c.JSON, err)
	case c.CSV != "":
		b, err := readFile(dir, c.CSV, limit)
		if err != nil {
			return out, err
		}
		out.Fitness, err = c.fromCSV(b)
		return out, named(c.CSV, err)
	case c.regex != nil:
		out.Fitness, err = c.fromMatch(stdout)
	default:
		out.Fitness, err = c.fromLastLine(stdout)
	}
	return out, err
}

func named(file string, err error) error {
	if err != nil && !errors.As(err, new(child.Told)) {
		return fmt.Errorf("%s: %w", file, err)
	}
	return err
}

// readFile reads a file that the program has written.
func readFile(dir, name string, limit int) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("the program ended in order, but left no file %s with its fitness", filepath.Base(name))
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", name)
	case info.Size() > int64(limit):
		return nil, fmt.Errorf("%s has %d bytes, at most %d are allowed (message_limit)", name, info.Size(), limit)
	}
	return os.ReadFile(name)
}

func (c *capture) fromJSON(b []byte) (optimizee.Outcome, error) {
	v, err := child.JSON.Unmarshal(b)
	if err == nil {
		v, err = at(v, c.Key)
	}
	if err != nil {
		return optimizee.Outcome{}, err
	}
	return outcomeOf(v, c.objectives)
}

// fromCSV takes the last row, in the columns that a header names. The header is the first row that has all the names: programs such as NetLogo
// write lines of their own above it.
func (c *capture) fromCSV(b []byte) ([]float64, error) {
	names := []string{c.Key}
	if c.Key == "" {
		names = names[:0]
		for _, o := range c.objectives {
			names = append(names, o.Name)
		}
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.LazyQuotes, r.ReuseRecord = -1, true, true, true
	var first, last []string
	columns := make([]int, len(names)) // without a header the first ones
	for i := range columns {
		columns[i] = i
	}
	headed := false
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if last = slices.Clone(row); first == nil {
			first = last
		}
		if missing := func(name string) bool { return !slices.Contains(row, name) }; !headed && !slices.ContainsFunc(names, missing) {
			headed = true
			for i, name := range names {
				columns[i] = slices.Index(row, name)
			}
		}
	}
	switch {
	case last == nil:
		return nil, errors.New("there is no row in it")
	case c.Key != "" && !headed:
		return nil, fmt.Errorf("no row has a column %q; the first one has %s", c.Key, child.Quoted(first))
	}
	fitness := make([]float64, len(columns))
	for i, column := range columns {
		if column >= len(last) {
			return nil, fmt.Errorf("%d columns in its last row, want at least %d", len(last), column+1)
		}
		var err error
		if fitness[i], err = number(last[column]); err != nil {
			return nil, fmt.Errorf("last row, column %d: %w", column+1, err)
		}
	}
	return fitness, nil
}

func (c *capture) fromMatch(stdout []byte) ([]float64, error) {
	matches := c.regex.FindAllSubmatch(stdout, -1)
	if matches == nil {
		return nil, fmt.Errorf("no match of fitness.regex in the standard output: %s", c.Regex)
	}
	last := matches[len(matches)-1]
	fitness := make([]float64, len(c.groups))
	for i, group := range c.groups {
		var err error
		if fitness[i], err = number(string(last[group])); err != nil {
			return nil, fmt.Errorf("fitness.regex matches %s: %w", child.Quote(string(last[0])), err)
		}
	}
	return fitness, nil
}

func (c *capture) fromLastLine(stdout []byte) ([]float64, error) {
	stdout = bytes.TrimSpace(stdout)
	line := string(stdout[bytes.LastIndexByte(stdout, '\n')+1:])
	if line == "" {
		return nil, errors.New("the program printed nothing, want the fitness in the last line of its standard output")
	}
	words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t,;", r) })
	fitness := make([]float64, len(words))
	for i, w := range words {
		var err error
		if fitness[i], err = number(w); err != nil {
			return nil, fmt.Errorf("the last line of the standard output is %s, want the fitness: %w", child.Quote(line), err)
		}
	}
	return fitness, checkLength(fitness, c.objectives)
}

func number(text string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range it is infinite
		return 0, fmt.Errorf("%s, want a number", child.Quote(text))
	}
	return f, nil
}
