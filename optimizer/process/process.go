// Package process makes any program an optimizer, described in the configuration alone: it is started once, and then proposes points and is
// told their losses over pipes of its own. optimizee/process/PROTOCOL.md tells how to write one in any language; the Python package in
// optimizee/process/python serves an object with ask and tell.
//
// It is the exception to the rule that an optimizer is a state machine without clocks and files: what the program knows lies with it. So a
// search has no state here (optimizer.ErrNoState), and is resumed by telling a new program what the one before it proposed and what came of
// that: it is an optimizer.Recaller. The books (what is outstanding, the best, the front) are kept here, and points are checked.
package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Algorithm is what a configuration calls "process".
var Algorithm = optimizer.Algorithm{
	Name:      "process",
	Title:     "Any program that asks and tells, in any language",
	Reference: "optimizee/process/PROTOCOL.md",
	When: "for an algorithm that is not here, such as one of Optuna, pycma or scikit-optimize, or one of your own: with the Python package " +
		"l2l_optimizer it takes an object with ask and tell. A run is resumed by telling it its journal again; its proposals are not repeated",
	Cost:        "that of the program, and some 0.1 ms for each request",
	Parallelism: "uses at most pop_size slots; more idle, whatever execution.parallel is, of which the program is not told. With asynchronous: true any number",
	Params:      func() any { p := Defaults(); return &p },
	New: func(problem optimizer.Problem, params any, seed uint64) (optimizer.Optimizer, error) {
		return New(problem, params.(*Params), seed)
	},
}

// Params configures the search.
type Params struct {
	child.Program      `resume:"free"`
	PopSize            int           `yaml:"pop_size" doc:"individuals of a generation, which the program is asked for and told of as a whole" range:"[1, 1e6]" auto:"4 + floor(3 ln n)"`
	Asynchronous       bool          `yaml:"asynchronous" doc:"whether the program is asked for one individual whenever there is room, and told of each as soon as it is evaluated, instead of by generations"`
	StartTimeout       time.Duration `yaml:"start_timeout" doc:"of the program's start, until it is ready; 0 is none" range:"[0, inf)" resume:"free"`
	Timeout            time.Duration `yaml:"timeout" doc:"of an answer; 0 is none" range:"[0, inf)" resume:"free"`
	child.Surroundings `resume:"free"`
}

// Defaults are the parameters that a configuration starts from; Command must be given.
func Defaults() Params {
	return Params{StartTimeout: 5 * time.Minute, Timeout: 10 * time.Minute, Surroundings: child.DefaultSurroundings()}
}

// Interpreter is how the Python is started that runs the program, in which directory and environment; without words where it is not in Python.
func (p *Params) Interpreter() (argv []string, dir string, env []string) {
	return p.Program.Interpreter(), p.Dir, p.Environment(nil)
}

// New makes an optimizer of a program, a [Search] or an [AsyncSearch], and fills in the parameters that are chosen automatically. It finds the
// program, and starts nothing: that is done when it is first needed. The optimizer has to be closed.
func New(problem optimizer.Problem, params *Params, seed uint64) (optimizer.Optimizer, error) {
	par := *params
	if par.PopSize == 0 {
		par.PopSize = 4 + int(3*math.Log(float64(max(problem.Dim(), 1))))
	}
	if err := problem.Check(); err != nil {
		return nil, err
	}
	if err := errors.Join(schema.Check("", par), par.CheckConstants()); err != nil {
		return nil, fmt.Errorf("optimizer: process: %w", err)
	}
	params.PopSize = par.PopSize
	if err := par.Find(nil); err != nil {
		return nil, fmt.Errorf("optimizer: process: %w", err)
	}
	c := conversation{problem: problem, par: par, seed: seed, open: map[int64][]float64{}}
	if par.Asynchronous {
		return &AsyncSearch{c}, nil
	}
	return &Search{conversation: c}, nil
}

// conversation is the program, and the books of what it said and was told.
type conversation struct {
	problem optimizer.Problem
	par     Params
	seed    uint64

	guardian child.Guardian
	server   *child.Server // nil until it is needed
	broken   error         // why the program cannot be asked any more

	books   kit.Ledger
	open    map[int64][]float64 // points of the individuals that were asked and not told
	stop    string              // why the program has ended the search
	figures []optimizer.Figure
}

var errClosed = errors.New("it has been closed")

// Close ends the program.
func (c *conversation) Close() error {
	if c.server != nil {
		c.server.Close()
		c.server = nil
	}
	c.guardian.Close()
	c.broken = cmp.Or(c.broken, errClosed)
	return nil
}

// MarshalBinary implements optimizer.Optimizer: there is no state here.
func (c *conversation) MarshalBinary() ([]byte, error) { return nil, optimizer.ErrNoState }

// UnmarshalBinary implements optimizer.Optimizer: nothing is a state of this search.
func (c *conversation) UnmarshalBinary([]byte) error { return optimizer.ErrState }

// status fills in what the books know, but the generation.
func (c *conversation) status() optimizer.Status {
	return optimizer.Status{Told: c.books.Told, Best: c.books.Best, Front: c.books.Front, Stop: c.stop, Figures: c.figures}
}

// request has the program answer, and starts it where it does not run yet. After an error it is of no further use.
func (c *conversation) request(r child.Message) (answer map[string]any, err error) {
	if c.broken == nil && c.server == nil {
		c.broken = c.start()
	}
	if c.broken != nil {
		return nil, fmt.Errorf("optimizer: process: %w", c.broken)
	}
	ctx, cancel := within(c.par.Timeout)
	defer cancel()
	v, err := c.server.Exchange(ctx, r)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it has not answered within the timeout of %v", c.par.Timeout)
	}
	if err == nil {
		answer, err = c.heed(v)
	}
	if err != nil {
		return nil, c.give(err)
	}
	return answer, nil
}

// heed takes in what any answer may have: an error, a reason to stop, figures.
func (c *conversation) heed(v any) (answer map[string]any, err error) {
	answer, _ = v.(map[string]any)
	if text, failed := answer["error"].(string); failed {
		return nil, child.Told(text)
	}
	if text, ok := answer["stop"].(string); ok && c.stop == "" {
		c.stop = cmp.Or(text, "the program gave no reason")
	}
	return answer, c.watch(answer["figures"])
}

// give gives the program up.
func (c *conversation) give(err error) error {
	c.broken = c.server.Obituary(err)
	c.server = nil
	return fmt.Errorf("optimizer: process: %w", c.broken)
}

func within(timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), timeout)
}

// start starts the program and tells it the problem.
func (c *conversation) start() (err error) {
	ctx, cancel := within(c.par.StartTimeout)
	defer cancel()
	command := child.Command{Argv: c.par.Command, Dir: c.par.Dir, Env: c.par.Environment(nil), LogLimit: c.par.LogLimit}
	c.server, err = child.Serve(ctx, &c.guardian, command, child.Introduction{
		Setup: c.setup(), Oldest: 2, MessageLimit: c.par.MessageLimit, Grace: c.par.Grace,
		Mute: "; want one that serves an optimizer",
	})
	return err
}

// watch takes in the figures of an answer: numbers by their names.
func (c *conversation) watch(v any) error {
	if v == nil {
		return nil
	}
	figures, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("figures: %s, want numbers by their names", child.Shown(v))
	}
	c.figures = nil
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		value, err := child.Number(figures[name])
		if err != nil {
			return fmt.Errorf("figures: %s: %w", name, err)
		}
		c.figures = append(c.figures, optimizer.Figure{Name: name, Value: value})
	}
	return nil
}

// ask has the program propose n individuals, numbered from the next ID. Fewer, if any, are the last: the search has ended.
func (c *conversation) ask(n int) ([][]float64, error) {
	r := &askRequest{IDs: make([]int64, n)}
	for i := range r.IDs {
		r.IDs[i] = c.books.NextID + int64(i)
	}
	answer, err := c.request(r)
	if err != nil {
		return nil, err
	}
	points, err := c.points(answer, n)
	if err != nil {
		return nil, c.give(err)
	}
	return points, nil
}

// points are the n points that an answer proposes, or fewer where it stops the search.
func (c *conversation) points(answer map[string]any, n int) ([][]float64, error) {
	list := answer["points"]
	if child.Len(list) < 0 && (list != nil || c.stop == "") {
		return nil, fmt.Errorf("its answer is %s, with points: %s, want a list of %d", child.Shown(answer), child.Shown(list), n)
	}
	given := max(child.Len(list), 0)
	if given != n && (c.stop == "" || given > n) {
		return nil, fmt.Errorf("it proposes %d points, want %d; fewer only with a reason to stop", given, n)
	}
	points := make([][]float64, given)
	for i := range points {
		x, err := child.Vector(child.Item(list, i))
		if err == nil {
			err = c.check(x)
		}
		if err != nil {
			return nil, fmt.Errorf("individual %d: %w", c.books.NextID+int64(i), err)
		}
		points[i] = x
	}
	return points, nil
}

// check returns an error for a point that the problem does not allow.
func (c *conversation) check(x []float64) error {
	if len(x) != c.problem.Dim() {
		return fmt.Errorf("a point of %d coordinates, want %d", len(x), c.problem.Dim())
	}
	for i, v := range x {
		coord := c.problem.Coords[i]
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return fmt.Errorf("coordinate %s = %v, want a finite number", c.name(i), v)
		case v < coord.Lower || v > coord.Upper:
			return fmt.Errorf("coordinate %s = %v, want a value in [%v, %v]", c.name(i), v, coord.Lower, coord.Upper)
		case coord.Kind != optimizer.Continuous && v != math.Trunc(v):
			return fmt.Errorf("coordinate %s = %v, want a whole number", c.name(i), v)
		}
	}
	return nil
}

// name is what a message calls a coordinate.
func (c *conversation) name(i int) string {
	if i < len(c.problem.Labels) {
		return fmt.Sprintf("%d (%s)", i, c.problem.Labels[i].Name)
	}
	return fmt.Sprint(i)
}

// recall tells the program what one before it proposed.
func (c *conversation) recall(proposed []optimizer.Candidate) error {
	r := &recallRequest{Points: make([]result, len(proposed))}
	for i, p := range proposed {
		if want := c.books.NextID + int64(i); p.ID != want {
			return fmt.Errorf("%w: individual %d is recalled, want %d: they are numbered in the order of asking", optimizer.ErrUnknown, p.ID, want)
		}
		r.Points[i] = result{ID: p.ID, X: p.X}
	}
	for _, p := range proposed {
		c.open[p.ID] = p.X
		c.books.NextID++
	}
	_, err := c.request(r)
	return err
}

// checked are results as the program is told them, with the points that those outstanding have; ErrUnknown or ErrShape.
func (c *conversation) checked(evs []optimizer.Evaluated) ([]*result, error) {
	results := make([]*result, len(evs))
	seen := make(map[int64]bool, len(evs))
	for i, ev := range evs {
		x, known := c.open[ev.ID]
		if !known || seen[ev.ID] {
			return nil, fmt.Errorf("%w: %d", optimizer.ErrUnknown, ev.ID)
		}
		seen[ev.ID] = true
		ev, err := kit.Checked(ev, c.problem)
		if err != nil {
			return nil, err
		}
		results[i] = &result{
			ID: ev.ID, X: x, Loss: slices.Clone(ev.Loss), Failed: ev.Failed, Outputs: slices.Clone(ev.Outputs), Targets: slices.Clone(ev.Targets),
			replace: ev.Replace,
		}
	}
	return results, nil
}

// take takes a result in.
func (c *conversation) take(r *result) {
	delete(c.open, r.ID)
	c.books.Take(optimizer.Evaluated{ID: r.ID, Loss: r.Loss, Failed: r.Failed}, r.X)
}

// propose hands out points.
func (c *conversation) propose(points [][]float64) []optimizer.Candidate {
	out := make([]optimizer.Candidate, len(points))
	for i, x := range points {
		out[i] = optimizer.Candidate{ID: c.books.NextID, X: x}
		c.open[c.books.NextID] = x
		c.books.NextID++
	}
	return out
}

var _ io.Closer = (*conversation)(nil)
