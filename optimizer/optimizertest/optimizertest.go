// Package optimizertest is the suite that every optimizer must pass: what the contract in package optimizer says, as tests.
package optimizertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Make makes the optimizer under test for a problem and a seed. One that is an io.Closer is closed after the test.
type Make func(problem optimizer.Problem, seed uint64) (optimizer.Optimizer, error)

// Run runs the suite. Problems that the optimizer refuses with ErrUnsuited are passed over, but it must take one.
func Run(t *testing.T, make Make) {
	suited := 0
	for _, p := range problems() {
		_, err := make(p.Problem, 1)
		if errors.Is(err, optimizer.ErrUnsuited) {
			if len(err.Error()) < len(optimizer.ErrUnsuited.Error())+20 {
				t.Errorf("%s is refused without a reason: %v", p.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		suited++
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := suite{p, make}
			t.Run("candidates are feasible and numbered in order", s.feasible)
			t.Run("the same seed gives the same search and another seed another", s.seeded)
			t.Run("grouping and order of results do not matter", s.order)
			t.Run("restored after any Ask or Tell it continues bit for bit, or recalled it knows the same", s.restored)
			t.Run("failures, ties and numbers that are none are survived", s.survives)
			t.Run("a failed individual is replaced on request", s.replaced)
			t.Run("misuse is named and changes nothing", s.misuse)
			t.Run("the best is the smallest loss told", s.best)
			t.Run("what it recommends is feasible and follows from its state, which it leaves as it is", s.recommended)
			t.Run("the front holds what was told and is not dominated", s.front)
			t.Run("what is known already is proposed first", s.warm)
			t.Run("its state does not grow with its history", s.flat)
		})
	}
	if suited == 0 {
		t.Error("no problem of the suite suits the optimizer")
	}
}

// Algorithms runs the suite on each of the algorithms, with its defaults, side by side. What a user needs to choose one must be there.
func Algorithms(t *testing.T, algorithms []optimizer.Algorithm) {
	for _, a := range algorithms {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			if a.Name == "" || a.Title == "" || a.When == "" || a.Cost == "" || a.Parallelism == "" {
				t.Errorf("its description lacks something: %+v", a)
			}
			Run(t, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) { return a.New(p, a.Params(), seed) })
		})
	}
}

// problem is a problem with a loss to go with it.
type problem struct {
	name string
	optimizer.Problem
}

func problems() []problem {
	inf := math.Inf(1)
	mixed := []optimizer.Coordinate{
		{Lower: -5, Upper: 5},
		{Lower: math.Log(1e-3), Upper: math.Log(10)},
		{Kind: optimizer.Integer, Lower: -3, Upper: 12},
		{Kind: optimizer.Integer, Lower: 0, Upper: 1},
		{Kind: optimizer.Categorical, Upper: 3},
		{Lower: -inf, Upper: inf, Mean: 2, Std: 3},
		{Lower: 0, Upper: inf, Mean: 1, Std: 1},
		{Kind: optimizer.Integer, Lower: -inf, Upper: inf, Mean: 0, Std: 4},
	}
	numbers := []optimizer.Coordinate{{Lower: -2, Upper: 2}, {Kind: optimizer.Integer, Lower: -3, Upper: 12},
		{Lower: -inf, Upper: inf, Mean: 2, Std: 3}}
	return []problem{
		{"one dimension", optimizer.Box(1, -5, 5)},
		{"five dimensions", optimizer.Box(5, -5, 5)},
		{"scales from 1e-9 to 1e9", optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: 1e-9, Upper: 3e-9}, {Lower: -1e9, Upper: 1e9}}}},
		{"mixed kinds", optimizer.Problem{Coords: mixed}},
		{"one switch", optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Upper: 1}}}},
		{"two objectives", optimizer.Problem{Coords: optimizer.Box(4, 0, 1).Coords, Objectives: 2}},
		{"two objectives of one dimension", optimizer.Problem{Coords: optimizer.Box(1, -5, 5).Coords, Objectives: 2}},
		{"two objectives of one switch", optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Upper: 1}}, Objectives: 2}},
		{"three objectives of mixed kinds", optimizer.Problem{Coords: mixed, Objectives: 3}},
		{"eight objectives", optimizer.Problem{Coords: optimizer.Box(10, 0, 1).Coords, Objectives: 8}},
		{"model outputs", optimizer.Problem{Coords: numbers, Outputs: 6}},
	}
}

// evaluate is the loss of a point: the squared distance, in widths, from a point off the centre, and from another one for each further
// objective, which is a thousand times as large as the one before; outputs are the first coordinates, repeated.
func (p problem) evaluate(c optimizer.Candidate) optimizer.Evaluated {
	ev := optimizer.Evaluated{ID: c.ID}
	for k := range p.NumObjectives() {
		sum := 0.0
		for i, coord := range p.Coords {
			target := coord.Mean
			if coord.Std == 0 {
				target = coord.Lower + (0.3+0.1*float64(k))*coord.Width()
			}
			d := (c.X[i] - target) / coord.Width()
			sum += d * d
		}
		ev.Loss = append(ev.Loss, sum*math.Pow(1000, float64(k)))
	}
	for i := range p.Outputs {
		ev.Outputs = append(ev.Outputs, c.X[i%len(c.X)])
		ev.Targets = append(ev.Targets, 0.5)
	}
	return ev
}

type suite struct {
	problem
	make Make
}

func (s suite) new(t *testing.T, seed uint64) optimizer.Optimizer {
	t.Helper()
	o, err := s.make(s.Problem, seed)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := o.(io.Closer); ok {
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return o
}

// budget of individuals that the tests let a search have.
const budget = 300

// run asks and tells, whole rounds in order, until n individuals have been told or the search has ended.
func (s suite) run(t *testing.T, o optimizer.Optimizer, n int, evaluate func(optimizer.Candidate) optimizer.Evaluated) []optimizer.Candidate {
	t.Helper()
	var all []optimizer.Candidate
	for len(all) < n {
		cs := ask(t, o, 0)
		if len(cs) == 0 {
			if o.Status().Stop == "" {
				t.Fatal("nothing is outstanding, but Ask proposes nothing and Status names no reason to stop")
			}
			break
		}
		var evs []optimizer.Evaluated
		for _, c := range cs {
			all = append(all, optimizer.Candidate{ID: c.ID, X: slices.Clone(c.X)})
			evs = append(evs, evaluate(c))
		}
		tell(t, o, evs)
	}
	return all
}

func ask(t *testing.T, o optimizer.Optimizer, max int) []optimizer.Candidate {
	t.Helper()
	cs, err := o.Ask(max)
	if err != nil {
		t.Fatal(err)
	}
	if max > 0 && len(cs) > max {
		t.Fatalf("Ask(%d) proposes %d individuals", max, len(cs))
	}
	return cs
}

func tell(t *testing.T, o optimizer.Optimizer, evs []optimizer.Evaluated) {
	t.Helper()
	if err := o.Tell(evs); err != nil {
		t.Fatal(err)
	}
}

// state is the optimizer's state, or of one whose state lies in another program what it says of it.
func state(t *testing.T, o optimizer.Optimizer) []byte {
	t.Helper()
	b, err := o.MarshalBinary()
	if _, ok := o.(optimizer.Recaller); ok && errors.Is(err, optimizer.ErrNoState) {
		return []byte(shown(o.Status()))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same reports the first difference between two searches, over the individuals that both have.
func same(a, b []optimizer.Candidate) error {
	for i := range min(len(a), len(b)) {
		if a[i].ID != b[i].ID || !slices.Equal(a[i].X, b[i].X) {
			return fmt.Errorf("individual %d: %v and %v", i, a[i], b[i])
		}
	}
	return nil
}

func (s suite) feasible(t *testing.T) {
	for _, c := range s.run(t, s.new(t, 3), budget, s.evaluate) {
		s.check(t, c)
	}
	for i, c := range s.run(t, s.new(t, 4), budget, s.evaluate) {
		if c.ID != int64(i) {
			t.Fatalf("the individual asked as number %d has ID %d", i, c.ID)
		}
	}
}

// check fails unless the individual is in the box.
func (s suite) check(t *testing.T, c optimizer.Candidate) {
	t.Helper()
	if len(c.X) != s.Dim() {
		t.Fatalf("individual %d has %d coordinates, want %d", c.ID, len(c.X), s.Dim())
	}
	for i, x := range c.X {
		k := s.Coords[i]
		if !(x >= k.Lower && x <= k.Upper) || math.IsInf(x, 0) || k.Kind != optimizer.Continuous && x != math.Trunc(x) {
			t.Fatalf("individual %d: coordinate %d = %v, want %+v", c.ID, i, x, k)
		}
	}
}

func (s suite) seeded(t *testing.T) {
	a, b := s.run(t, s.new(t, 5), budget, s.evaluate), s.run(t, s.new(t, 5), budget, s.evaluate)
	if err := same(a, b); err != nil || len(a) != len(b) {
		t.Errorf("same seed, %d and %d individuals, first difference %v", len(a), len(b), err)
	}
	if s.Dim() > 1 && same(a, s.run(t, s.new(t, 6), budget, s.evaluate)) == nil {
		t.Error("another seed gives the same search")
	}
}

func (s suite) order(t *testing.T) {
	reference := s.run(t, s.new(t, 7), budget, s.evaluate)
	rng := rand.New(rand.NewPCG(8, 8))
	o := s.new(t, 7)
	if _, ok := o.(optimizer.Asynchronous); ok { // the order matters to it, the grouping does not
		s.groups(t)
		return
	}
	var all, open []optimizer.Candidate
	for len(all) < len(reference) {
		cs := ask(t, o, 1+rng.IntN(7))
		all = append(all, cs...)
		open = append(open, cs...)
		if len(cs) == 0 && len(open) == 0 {
			break // the search has ended
		}
		for len(open) > 0 && rng.IntN(3) > 0 {
			rng.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
			n := 1 + rng.IntN(len(open))
			var evs []optimizer.Evaluated
			for _, c := range open[:n] {
				evs = append(evs, s.evaluate(c))
			}
			open = open[n:]
			tell(t, o, evs)
		}
	}
	if err := same(reference, all); err != nil || len(all) < len(reference) {
		t.Errorf("asked and told in another order: %d of %d individuals, first difference: %v", len(all), len(reference), err)
	}
}

// groups tells an asynchronous optimizer the same results at the same moments, one by one and in groups.
func (s suite) groups(t *testing.T) {
	one, group := s.new(t, 9), s.new(t, 9)
	for range budget / 6 {
		a, b := ask(t, one, 6), ask(t, group, 6)
		if err := same(a, b); err != nil || len(a) != len(b) {
			t.Fatalf("told in groups: %d and %d individuals, first difference: %v", len(a), len(b), err)
		}
		var evs []optimizer.Evaluated
		for _, c := range a {
			evs = append(evs, s.evaluate(c))
			tell(t, one, evs[len(evs)-1:])
		}
		tell(t, group, evs)
	}
}

func (s suite) restored(t *testing.T) {
	o := s.new(t, 10)
	if r, ok := o.(optimizer.Recaller); ok {
		s.recalled(t, r)
		return
	}
	restore := func(what string) {
		t.Helper()
		before := state(t, o)
		again := s.new(t, 99)
		if err := again.UnmarshalBinary(before); err != nil {
			t.Fatalf("after %s: %v", what, err)
		}
		if after := state(t, again); !bytes.Equal(before, after) {
			t.Fatalf("after %s: the restored state marshals differently", what)
		}
		if a, b := shown(o.Status()), shown(again.Status()); a != b {
			t.Fatalf("after %s: status %s, restored %s", what, a, b)
		}
		o = again // go on with the restored one
	}
	reference := s.new(t, 10)
	for round := range budget / 7 {
		want, got := ask(t, reference, 3), ask(t, o, 3)
		if err := same(want, got); err != nil || len(want) != len(got) {
			t.Fatalf("round %d: want %d individuals, restored has %d; first difference: %v", round, len(want), len(got), err)
		}
		restore("Ask")
		for _, c := range want {
			ev := s.evaluate(c)
			ev.Failed = c.ID%7 == 3
			tell(t, reference, []optimizer.Evaluated{ev})
			tell(t, o, []optimizer.Evaluated{ev})
			restore("Tell")
		}
	}
}

// recalled tells a second optimizer what the first one proposes and what comes of that, and goes on with the second one alone.
func (s suite) recalled(t *testing.T, first optimizer.Recaller) {
	second := s.new(t, 99).(optimizer.Recaller)
	rounds := budget / 7
	for round := range 2 * rounds {
		var cs []optimizer.Candidate
		if round < rounds {
			cs = ask(t, first, 3)
			if err := second.Recall(cs); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		} else {
			cs = ask(t, second, 3)
		}
		for i, c := range cs {
			s.check(t, c)
			if round == rounds && i == 0 {
				tell(t, first, nil)
				if again := ask(t, first, 1); len(again) != 1 || again[0].ID != c.ID {
					t.Fatalf("the recalled search goes on with individual %d, want %v", c.ID, again)
				}
			}
			ev := s.evaluate(c)
			ev.Failed = c.ID%7 == 3
			tell(t, second, []optimizer.Evaluated{ev})
			if round < rounds {
				tell(t, first, []optimizer.Evaluated{ev})
				a, b := first.Status(), second.Status()
				a.Figures, b.Figures = nil, nil // of the programs, which need not agree
				if shown(a) != shown(b) {
					t.Fatalf("round %d: status %s, recalled %s", round, shown(a), shown(b))
				}
			}
		}
	}
	if told := second.Status().Told; told < int64(2*rounds) {
		t.Errorf("%d individuals were told", told)
	}
	if err := second.Recall([]optimizer.Candidate{{ID: 0, X: s.Draw(rand.New(rand.NewPCG(1, 1)))}}); err == nil {
		t.Error("an individual is recalled twice")
	}
}

// shown is all of a status as text.
func shown(st optimizer.Status) string {
	best := st.Best
	st.Best = nil // a pointer within would be shown as an address
	return fmt.Sprintf("%+v, best %+v", st, best)
}

func (s suite) survives(t *testing.T) {
	bad := func(v float64) func(optimizer.Candidate) optimizer.Evaluated {
		return func(c optimizer.Candidate) optimizer.Evaluated {
			ev := s.evaluate(c)
			for i := range ev.Loss {
				ev.Loss[i] = v
			}
			return ev
		}
	}
	for name, evaluate := range map[string]func(optimizer.Candidate) optimizer.Evaluated{
		"NaN": bad(math.NaN()), "+Inf": bad(math.Inf(1)), "-Inf": bad(math.Inf(-1)), "all equal": bad(1), "huge": bad(math.MaxFloat64),
		"failed": func(c optimizer.Candidate) optimizer.Evaluated { return optimizer.Evaluated{ID: c.ID, Failed: true} },
		"every second failed": func(c optimizer.Candidate) optimizer.Evaluated {
			ev := s.evaluate(c)
			ev.Failed = c.ID%2 == 0
			return ev
		},
		"all but a few failed": func(c optimizer.Candidate) optimizer.Evaluated {
			ev := s.evaluate(c)
			ev.Failed = c.ID%17 != 0
			return ev
		},
		"NaN here and there": func(c optimizer.Candidate) optimizer.Evaluated {
			if c.ID%5 == 0 {
				return bad(math.NaN())(c)
			}
			return s.evaluate(c)
		},
	} {
		o := s.new(t, 11)
		for _, c := range s.run(t, o, budget, evaluate) {
			for i, x := range c.X {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Fatalf("losses %s: individual %d has coordinate %d = %v", name, c.ID, i, x)
				}
			}
		}
		if b := o.Status().Best; b != nil && (math.IsNaN(b.Loss[0]) || math.IsInf(b.Loss[0], 0)) {
			t.Errorf("losses %s: the best loss is %v", name, b.Loss[0])
		}
	}
	// After generations of failures it goes on searching.
	o := s.new(t, 12)
	s.run(t, o, 100, func(c optimizer.Candidate) optimizer.Evaluated { return optimizer.Evaluated{ID: c.ID, Failed: true} })
	if o.Status().Best != nil {
		t.Errorf("nothing succeeded, but the best is %+v", o.Status().Best)
	}
	s.run(t, o, 100, s.evaluate)
	if s.NumObjectives() == 1 && o.Status().Best == nil && o.Status().Stop == "" {
		t.Error("no best after failures had stopped")
	}
}

func (s suite) replaced(t *testing.T) {
	o := s.new(t, 13)
	asked := map[int64]bool{}
	cs := ask(t, o, 0)
	failures := 0
	for len(cs) > 0 && failures < 30 {
		var evs []optimizer.Evaluated
		for _, c := range cs {
			if asked[c.ID] {
				t.Fatalf("individual %d is proposed twice", c.ID)
			}
			asked[c.ID] = true
			ev := s.evaluate(c)
			if c.ID%3 == 1 {
				ev = optimizer.Evaluated{ID: c.ID, Failed: true, Replace: true}
				failures++
			}
			evs = append(evs, ev)
		}
		tell(t, o, evs)
		cs = ask(t, o, 0)
	}
	if len(cs) == 0 && o.Status().Stop == "" {
		t.Error("the search does not go on after failed individuals were to be replaced")
	}
}

func (s suite) misuse(t *testing.T) {
	o := s.new(t, 14)
	s.run(t, o, 40, s.evaluate)
	cs := ask(t, o, 0)
	if len(cs) == 0 && o.Status().Stop != "" { // a short search: once more, and not to its end
		o = s.new(t, 14)
		tell(t, o, []optimizer.Evaluated{s.evaluate(ask(t, o, 1)[0])})
		cs = ask(t, o, 0)
	}
	if len(cs) == 0 {
		t.Fatal("the search has ended too early to be tested")
	}
	good := s.evaluate(cs[0])
	short := good
	short.Loss = append(slices.Clone(good.Loss), 1)
	before := state(t, o)
	for _, c := range []struct {
		name string
		evs  []optimizer.Evaluated
		want error
	}{
		{"an individual never asked", []optimizer.Evaluated{{ID: 1 << 40, Loss: good.Loss, Outputs: good.Outputs, Targets: good.Targets}},
			optimizer.ErrUnknown},
		{"a negative ID", []optimizer.Evaluated{{ID: -1, Loss: good.Loss, Outputs: good.Outputs, Targets: good.Targets}}, optimizer.ErrUnknown},
		{"one told before", []optimizer.Evaluated{{ID: 0, Loss: good.Loss, Outputs: good.Outputs, Targets: good.Targets}}, optimizer.ErrUnknown},
		{"the same twice in a call", []optimizer.Evaluated{good, good}, optimizer.ErrUnknown},
		{"a loss too long", []optimizer.Evaluated{short}, optimizer.ErrShape},
		{"no loss", []optimizer.Evaluated{{ID: good.ID, Outputs: good.Outputs, Targets: good.Targets}}, optimizer.ErrShape},
		{"a good one before a bad one", []optimizer.Evaluated{good, {ID: 1 << 40, Failed: true}}, optimizer.ErrUnknown},
	} {
		if err := o.Tell(c.evs); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if !bytes.Equal(before, state(t, o)) {
			t.Fatalf("%s: the state has changed", c.name)
		}
	}
	if err := o.Tell(nil); err != nil {
		t.Errorf("told nothing: %v", err)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "noise": []byte("\xdfnoise"), "a torn state": before[:len(before)/2], "a state of zeros": make([]byte, len(before)),
	} {
		if err := o.UnmarshalBinary(b); !errors.Is(err, optimizer.ErrState) {
			t.Errorf("unmarshalled from %s: %v, want ErrState", name, err)
		}
		if !bytes.Equal(before, state(t, o)) {
			t.Fatalf("unmarshalled from %s: the state has changed", name)
		}
	}
	wider := s.Problem
	wider.Coords = append(slices.Clone(wider.Coords), optimizer.Coordinate{Lower: 0, Upper: 1})
	if other, err := s.make(wider, 1); err == nil {
		if err := other.UnmarshalBinary(before); !errors.Is(err, optimizer.ErrState) {
			t.Errorf("the state of another problem: %v, want ErrState", err)
		}
	}
	tell(t, o, []optimizer.Evaluated{good}) // and it goes on
}

func (s suite) best(t *testing.T) {
	if s.NumObjectives() > 1 {
		o := s.new(t, 15)
		s.run(t, o, budget, s.evaluate)
		if b := o.Status().Best; b != nil {
			t.Errorf("the best of several objectives is %v", b)
		}
		return
	}
	o := s.new(t, 15)
	var want *optimizer.Evaluated
	all := s.run(t, o, budget, func(c optimizer.Candidate) optimizer.Evaluated {
		ev := s.evaluate(c)
		ev.Failed = c.ID%4 == 2
		if !ev.Failed && (want == nil || ev.Standing().Better(want.Standing())) {
			want = &ev
		}
		return ev
	})
	b := o.Status().Best
	if b == nil || b.ID != want.ID || b.Loss[0] != want.Loss[0] || !slices.Equal(b.X, all[b.ID].X) {
		t.Errorf("best %+v, want individual %d with %v", b, want.ID, want.Loss)
	}
	if told := o.Status().Told; told != int64(len(all)) {
		t.Errorf("told %d, want %d", told, len(all))
	}
}

func (s suite) recommended(t *testing.T) {
	o := s.new(t, 17)
	if xs := optimizer.Recommended(o); xs != nil {
		t.Errorf("before anything is told, it recommends %v", xs)
	}
	same := func(a, b [][]float64) bool { return slices.EqualFunc(a, b, slices.Equal[[]float64]) }
	for range 12 {
		s.run(t, o, budget/12, func(c optimizer.Candidate) optimizer.Evaluated {
			ev := s.evaluate(c)
			ev.Failed = c.ID%5 == 1
			return ev
		})
		before := state(t, o)
		xs := optimizer.Recommended(o)
		if s.NumObjectives() > 1 {
			if xs != nil {
				t.Errorf("of several objectives it recommends %v", xs)
			}
			return
		}
		if len(xs) == 0 {
			t.Fatal("it recommends nothing")
		}
		for _, x := range xs {
			s.check(t, optimizer.Candidate{X: x})
		}
		if again := optimizer.Recommended(o); !same(xs, again) {
			t.Fatalf("it recommends %v, and asked again %v", xs, again)
		}
		if !bytes.Equal(before, state(t, o)) {
			t.Fatal("its state has changed")
		}
		own := optimizer.Recommended(o)
		if own[0][0]++; !same(xs, optimizer.Recommended(o)) {
			t.Fatal("the points that it recommends are not the caller's")
		}
		if _, recalled := o.(optimizer.Recaller); recalled {
			continue
		}
		restored := s.new(t, 98)
		if err := restored.UnmarshalBinary(before); err != nil {
			t.Fatal(err)
		}
		if again := optimizer.Recommended(restored); !same(xs, again) {
			t.Fatalf("it recommends %v, and restored %v", xs, again)
		}
	}
}

func (s suite) flat(t *testing.T) {
	o := s.new(t, 16)
	n := 2 * budget
	s.run(t, o, n, s.evaluate)
	early := len(state(t, o))
	s.run(t, o, 4*n, s.evaluate)
	if late := len(state(t, o)); late > 2*early+20000 {
		t.Errorf("the state has grown from %d to %d bytes between %d and %d results", early, late, n, 5*n)
	}
}
