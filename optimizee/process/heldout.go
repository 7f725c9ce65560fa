package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// found is what a test finds in its standard input.
type found struct {
	Individual *int64             `json:"individual"` // null for a point that is no individual
	Params     params             `json:"params"`
	Fitness    map[string]float64 `json:"fitness"` // null where it is not known
	Constants  codec.Section      `json:"constants,omitempty"`
	Front      []found            `json:"front,omitempty"`
}

func (p *Process) found(f optimizee.Found) found {
	out := found{Params: f.All()}
	if f.Individual >= 0 {
		out.Individual = &f.Individual
	}
	for k, v := range f.Fitness {
		if out.Fitness == nil {
			out.Fitness = map[string]float64{}
		}
		out.Fitness[p.objectives[k].Name] = v
	}
	for _, member := range f.Front {
		out.Front = append(out.Front, p.found(member))
	}
	return out
}

// Test implements optimizee.Tester. The last line of the standard output, if it is a JSON object, has the scores, and is not shown.
func (p *Process) Test(ctx context.Context, f optimizee.Found, stdout, stderr io.Writer) (optimizee.Scores, error) {
	if len(p.TestWith) == 0 {
		return nil, optimizee.ErrNoTest
	}
	message := p.found(f)
	message.Constants = p.Constants
	text, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("what was found cannot be written as JSON: %w", err)
	}
	in, err := unnamed(append(text, '\n'))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	c := p.command(p.TestWith, p.Dir)
	c.Argv = slices.Clone(p.TestWith) // behind no launcher: it may start one itself
	if name := c.Argv[0]; strings.Contains(name, "/") && !filepath.IsAbs(name) {
		if c.Argv[0], err = filepath.Abs(filepath.Join(p.Dir, name)); err != nil {
			return nil, err
		}
	}
	last := &lastLine{w: stdout}
	c.Stdin, c.Stdout, c.Stderr = in, last, stderr
	program, err := p.guardian.Start(c)
	if err != nil {
		return nil, err
	}
	select {
	case <-program.Ended():
	case <-ctx.Done():
		program.End(p.Grace)
		return nil, ctx.Err()
	}
	line, err := last.end()
	switch {
	case !program.Succeeded():
		return nil, fmt.Errorf("the test ended (%s)", program.Status())
	case err != nil || line == nil:
		return nil, err
	}
	var scores optimizee.Scores
	if _, err = child.JSON.Unmarshal(line); err == nil { // it explains itself better
		err = json.Unmarshal(line, &scores)
	}
	if err != nil {
		return nil, fmt.Errorf("the last line of the test's output, an object of its numbers: %w", err)
	}
	return scores, nil
}

// unnamed is a file that has a text, to be read from its beginning, and no name.
func unnamed(text []byte) (*os.File, error) {
	f, err := os.CreateTemp("", "l2l-")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lastLine hands on what is written to it, but for a last line that begins with a brace.
type lastLine struct {
	w    io.Writer
	kept []byte // what may be that line, and white space behind it
	line bool   // a line has begun that is no such line
	err  error
}

func (l *lastLine) Write(b []byte) (int, error) {
	for _, c := range bytes.SplitAfter(b, []byte("\n")) {
		l.take(c)
	}
	return len(b), nil
}

// take takes a part of a line.
func (l *lastLine) take(part []byte) {
	if len(part) == 0 {
		return
	}
	over := part[len(part)-1] == '\n'
	within := len(l.kept) > 0 && !bytes.Contains(l.kept, []byte("\n"))
	switch blank := len(bytes.TrimSpace(part)) == 0; {
	case l.line:
		l.hand(part)
	case within, blank && len(l.kept) > 0:
		l.kept = append(l.kept, part...)
		return
	case part[0] == '{':
		l.hand(l.kept)
		l.kept = append([]byte(nil), part...)
		return
	default:
		l.hand(l.kept)
		l.kept = nil
		l.hand(part)
	}
	l.line = !over
}

func (l *lastLine) hand(b []byte) {
	_, err := l.w.Write(b)
	l.err = errors.Join(l.err, err)
}

// end is the line that was kept, which nothing but white space has followed; nil if there is none.
func (l *lastLine) end() ([]byte, error) { return l.kept, l.err }
