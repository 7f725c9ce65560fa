package process

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

// python is the interpreter itself: what is called python3 may be a script that looks for it, each time.
var python = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	return strings.TrimSpace(string(out)), err
})

// evolving are the parameters of testdata/evolution.py, which behaves as the constant bad says.
func evolving(t testing.TB, bad string) *Params {
	t.Helper()
	python, err := python()
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs("../../optimizee/process/python/src")
	if err != nil {
		t.Fatal(err)
	}
	p := Defaults()
	p.Command, p.Dir, p.Env = child.Words{python, "-S", "evolution.py"}, "testdata", map[string]string{"PYTHONPATH": source}
	p.Constants = map[string]any{"bad": bad}
	p.Grace = time.Minute // in which it says where it hangs
	return &p
}

// made makes an optimizer that is closed at the end of the test.
func made(t testing.TB, problem optimizer.Problem, p *Params) optimizer.Optimizer {
	t.Helper()
	o, err := New(problem, p, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func TestProcessKeepsTheContract(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some five hundred programs")
	}
	for _, asynchronous := range []bool{false, true} {
		name := map[bool]string{false: "by generations", true: "asynchronous"}[asynchronous]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			optimizertest.Run(t, func(problem optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
				if asynchronous && problem.Dim() < 8 {
					return nil, fmt.Errorf("%w: the search by generations is enough of it", optimizer.ErrUnsuited)
				}
				p := evolving(t, "")
				p.Asynchronous = asynchronous
				return New(problem, p, seed)
			})
		})
	}
}

// sphere tells an optimizer the squared distance of each candidate from 1.
func sphere(cs []optimizer.Candidate) []optimizer.Evaluated {
	evs := make([]optimizer.Evaluated, len(cs))
	for i, c := range cs {
		loss := 0.0
		for _, x := range c.X {
			loss += (x - 1) * (x - 1)
		}
		evs[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{loss}}
	}
	return evs
}

// generations asks and tells; it returns the first error.
func generations(o optimizer.Optimizer, n int) error {
	for range n {
		cs, err := o.Ask(0)
		if err == nil {
			err = o.Tell(sphere(cs))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func TestProcessSearchesAndSaysHow(t *testing.T) {
	for _, asynchronous := range []bool{false, true} {
		p := evolving(t, "")
		p.Asynchronous, p.PopSize = asynchronous, 10
		o := made(t, optimizer.Box(2, -5, 5), p)
		n := map[bool]int{false: 50, true: 500}[asynchronous]
		if err := generations(o, n); err != nil {
			t.Fatal(err)
		}
		st := o.Status()
		if st.Generation != 50 || st.Told != 500 || st.Best == nil || st.Best.Loss[0] > 0.1 || st.Stop != "" {
			t.Errorf("asynchronous %v: %+v, best %+v", asynchronous, st, st.Best)
		}
		if want := []optimizer.Figure{{Name: "recalled", Value: 0}, {Name: "told", Value: 500}}; !slices.Equal(st.Figures, want) {
			t.Errorf("figures %v, want %v", st.Figures, want)
		}
	}
}

func TestProcessThatMisbehavesEndsTheSearchWithAReason(t *testing.T) {
	const last = `\nits standard error:\nthis is stderr of `
	for bad, want := range map[string]string{
		"setup":   `^optimizer: process: cannot start .*: RuntimeError: no such strategy\n(?s)Traceback .*RuntimeError: no such strategy` + last + `setup$`,
		"raise":   `^optimizer: process: ValueError: the covariance is not positive definite\nTraceback (?s).*ValueError: the covariance is not positive definite` + last + `raise$`,
		"kill":    `^optimizer: process: the program ended \(killed by signal 9 .*\) without an answer: this is stderr of kill` + last + `kill$`,
		"exit":    `the program ended \(exit status 3\) without an answer`,
		"hang":    `^optimizer: process: it has not answered within the timeout of 10s: at \S*evolution.py:\d+, in misbehave` + last + `hang\n(?s).*evolution.py", line \d+ in misbehave`,
		"many":    `it proposes 11 points, want 10; fewer only with a reason to stop`,
		"short":   `individual 9: a point of 1 coordinates, want 2`,
		"outside": `individual 9: coordinate 0 \(tau\) = 1e\+09, want a value in \[-5, 5\]`,
		"nan":     `individual 9: coordinate 0 \(tau\) = NaN, want a finite number`,
		"text":    `TypeError`,
		"none":    `ask returned None: want a list of points; is a return missing\?`,
	} {
		t.Run(bad, func(t *testing.T) {
			t.Parallel()
			p := evolving(t, bad)
			p.PopSize = 10
			if bad == "hang" {
				p.Timeout = 10 * time.Second
			}
			p.Constants["after"] = 20
			problem := optimizer.Box(2, -5, 5)
			problem.Labels = []optimizer.Label{{Name: "tau"}, {Name: "w"}}
			o := made(t, problem, p)
			err := generations(o, 5)
			if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, want)
			}
			if _, again := o.Ask(0); again == nil || again.Error() != err.Error() {
				t.Errorf("then %v", again)
			}
		})
	}
}

func TestProcessMayStopWithAReason(t *testing.T) {
	for bad, want := range map[string]struct {
		stop string
		told int64
	}{"stop": {"the step size is too small", 20}, "few": {"the optimizer has nothing more to propose", 9}} {
		p := evolving(t, bad)
		p.PopSize = 10
		p.Constants["after"] = 20
		o := made(t, optimizer.Box(2, -5, 5), p)
		if err := generations(o, 5); err != nil {
			t.Fatal(err)
		}
		if st := o.Status(); st.Stop != want.stop || st.Told != want.told {
			t.Errorf("%s: stop %q after %d individuals, want %+v", bad, st.Stop, st.Told, want)
		}
	}
}

// TestProcessIsToldOfAGenerationThatWasCutShort recalls a part of a generation: the program is asked for the rest, and told of it as a whole.
func TestProcessIsToldOfAGenerationThatWasCutShort(t *testing.T) {
	p := evolving(t, "")
	p.PopSize = 8
	first := made(t, optimizer.Box(2, -5, 5), p)
	cs, err := first.Ask(3)
	if err != nil {
		t.Fatal(err)
	}
	second := made(t, optimizer.Box(2, -5, 5), p).(optimizer.Recaller)
	if err := errors.Join(second.Recall(cs), second.Tell(sphere(cs[:2]))); err != nil {
		t.Fatal(err)
	}
	rest, err := second.Ask(0)
	if err != nil || len(rest) != 5 || rest[0].ID != 3 {
		t.Fatalf("the rest is %v, %v", rest, err)
	}
	if err := second.Tell(sphere(append(rest, cs[2]))); err != nil {
		t.Fatal(err)
	}
	st := second.Status()
	if want := []optimizer.Figure{{Name: "recalled", Value: 3}, {Name: "told", Value: 8}}; st.Generation != 1 || !slices.Equal(st.Figures, want) {
		t.Errorf("%+v, want one generation and %v", st, want)
	}
}

func TestProcessIsFoundBeforeItIsNeeded(t *testing.T) {
	for _, c := range []struct {
		change func(p *Params)
		want   string
	}{
		{func(p *Params) { p.Command = nil }, "optimizer: process: command: nothing to start"},
		{func(p *Params) { p.Command = child.Words{"no-such-optimizer"} },
			`optimizer: process: command: there is no program "no-such-optimizer" in the PATH`},
		{func(p *Params) { p.Constants = map[string]any{"when": time.Now()} }, "constants.when: "},
		{func(p *Params) { p.PopSize = -1 }, "pop_size = -1, want >= 1 and <= 1e+06"},
		{func(p *Params) { p.Grace = -1 }, "grace"},
	} {
		p := evolving(t, "")
		c.change(p)
		if _, err := New(optimizer.Box(2, -5, 5), p, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	p := evolving(t, "")
	p.Command = child.Words{"./nothing"}
	if _, err := New(optimizer.Box(2, -5, 5), p, 1); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a program that is not there: %v", err)
	}
	p = evolving(t, "")
	o := made(t, optimizer.Box(10, -5, 5), p)
	if p.PopSize != 10 {
		t.Errorf("pop_size is %d in 10 dimensions, want 10", p.PopSize)
	}
	if st := o.Status(); st.Told != 0 {
		t.Errorf("%+v", st)
	}
}

func BenchmarkProcess(b *testing.B) {
	for name, asynchronous := range map[string]bool{"generations of 10": false, "asynchronous": true} {
		b.Run(name, func(b *testing.B) {
			p := evolving(b, "")
			p.Asynchronous, p.PopSize = asynchronous, 10
			o := made(b, optimizer.Box(10, -5, 5), p)
			if err := generations(o, 1); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := generations(o, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzAnswer takes in answers of any content to the request for two points.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []map[string]any{
		{"points": [][]float64{{1, 2, 0}, {-3, 0, 1}}}, {"points": [][]float64{{1, 2, 0}}, "stop": "converged"}, {"stop": ""}, {"error": "no license"},
		{"points": [][]float64{{1, 2, 0.5}, {9, 0, 1}}}, {"points": [][]float64{{1}, {}}}, {"points": []any{"x", nil}}, {"points": 3},
		{"points": [][]float64{{1, 2, 0}, {3, 4, 1}, {5, 6, 0}}, "figures": map[string]any{"sigma": 0.5, "n": int8(1)}}, {"figures": []int{1}},
		{"points": [][]byte{make([]byte, 24), make([]byte, 23)}},
	} {
		for _, e := range []child.Encoding{child.JSON, child.Msgpack} {
			b, err := e.Marshal(answer)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	problem := optimizer.Problem{Coords: append(optimizer.Box(2, -5, 5).Coords, optimizer.Coordinate{Kind: optimizer.Categorical, Upper: 1})}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range []child.Encoding{child.JSON, child.Msgpack} {
			v, err := e.Unmarshal(b)
			if err != nil {
				continue
			}
			c := conversation{problem: problem}
			answer, err := c.heed(v)
			var points [][]float64
			if err == nil {
				points, err = c.points(answer, 2)
			}
			if err == nil && len(points) != 2 && (c.stop == "" || len(points) > 2) {
				t.Errorf("%s: %d points are taken, want 2", e, len(points))
			}
			for i, x := range points {
				if len(x) != 3 || !(x[0] >= -5 && x[0] <= 5 && x[1] >= -5 && x[1] <= 5) || x[2] != 0 && x[2] != 1 {
					t.Errorf("%s: point %d: %v is taken", e, i, x)
				}
			}
			if err != nil && strings.TrimSpace(err.Error()) == "" && !errors.As(err, new(child.Told)) {
				t.Errorf("%s: an error without a text", e)
			}
		}
	})
}
