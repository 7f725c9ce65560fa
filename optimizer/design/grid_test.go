package design

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func newGrid(t *testing.T, problem optimizer.Problem, seed uint64, change func(*GridParams)) *Grid {
	t.Helper()
	par := GridDefaults()
	if change != nil {
		change(&par)
	}
	return rig.Made(NewGrid(problem, par, seed))(t)
}

// visited runs a grid search to its end.
func visited(t *testing.T, o optimizer.Optimizer) (xs [][]float64) {
	t.Helper()
	for o.Status().Stop == "" {
		for _, c := range rig.Round(t, o, func(x []float64) float64 { return x[0] }) {
			xs = append(xs, slices.Clone(c.X))
		}
	}
	return xs
}

func TestGridVisitsEveryPointOnceAndStops(t *testing.T) {
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: -1, Upper: 1}, {Kind: optimizer.Integer, Lower: 3, Upper: 6},
		{Kind: optimizer.Categorical, Upper: 2}}}
	for _, order := range []string{"shuffled", "rows"} {
		o := newGrid(t, problem, 1, func(p *GridParams) { p.Divisions, p.Order, p.PopSize = []int{4, 0, 1}, order, 7 })
		var want, got []string
		for _, a := range []float64{-1, -0.5, 0, 0.5, 1} {
			for _, b := range []float64{3, 4, 5, 6} {
				for _, c := range []float64{0, 1, 2} {
					want = append(want, fmt.Sprint([]float64{a, b, c}))
				}
			}
		}
		for _, x := range visited(t, o) {
			got = append(got, fmt.Sprint(x))
		}
		if inRows := slices.Equal(got, want); inRows != (order == "rows") {
			t.Errorf("%s: the points come in rows: %v", order, inRows)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: visited %v, want %v", order, got, want)
		}
		if stop := o.Status().Stop; !strings.HasPrefix(stop, "grid: all 60") {
			t.Errorf("%s: stopped for %q", order, stop)
		}
		if cs, err := o.Ask(0); len(cs) > 0 || err != nil {
			t.Errorf("%s: stopped, but proposes %d points, %v", order, len(cs), err)
		}
	}
}

func TestGridAxes(t *testing.T) {
	inf := math.Inf(1)
	whole := optimizer.Coordinate{Kind: optimizer.Integer, Lower: 0, Upper: 10}
	for _, c := range []struct {
		name   string
		coord  optimizer.Coordinate
		change func(*GridParams)
		want   []float64
	}{
		{"ten divisions by default", optimizer.Coordinate{Lower: 0, Upper: 10}, nil, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"divisions", optimizer.Coordinate{Lower: 0, Upper: 1}, func(p *GridParams) { p.Divisions = []int{4} }, []float64{0, 0.25, 0.5, 0.75, 1}},
		{"a logarithmic scale", optimizer.Coordinate{Lower: math.Log(0.01), Upper: math.Log(100)}, func(p *GridParams) { p.Divisions = []int{4} },
			[]float64{math.Log(0.01), math.Log(0.1), math.Log(1), math.Log(10), math.Log(100)}},
		{"all whole numbers by default", whole, nil, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"some whole numbers", whole, func(p *GridParams) { p.Divisions = []int{4} }, []float64{0, 3, 5, 8, 10}},
		{"no more whole numbers than there are", whole, func(p *GridParams) { p.Divisions = []int{99} }, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"all choices, always", optimizer.Coordinate{Kind: optimizer.Categorical, Upper: 3}, func(p *GridParams) { p.Divisions = []int{1} },
			[]float64{0, 1, 2, 3}},
		{"no bounds", optimizer.Coordinate{Lower: -inf, Upper: inf, Mean: 2, Std: 1}, func(p *GridParams) { p.Divisions = []int{2} },
			[]float64{2 - math.Sqrt(3), 2, 2 + math.Sqrt(3)}},
		{"given points", optimizer.Coordinate{Lower: 0, Upper: 10}, func(p *GridParams) { p.Points = [][]any{{9, 0.5, 2.0}} },
			[]float64{9, 0.5, 2}},
	} {
		par := GridDefaults()
		if c.change != nil {
			c.change(&par)
		}
		o := rig.Made(NewGrid(optimizer.Problem{Coords: []optimizer.Coordinate{c.coord}}, par, 1))(t)
		var got []float64
		for k := range o.axes[0].points {
			got = append(got, o.axes[0].at(k))
		}
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestGridPointsAreRoundNumbersToTheLastDigit(t *testing.T) {
	log := func(lower, upper float64) optimizer.Coordinate {
		return optimizer.Coordinate{Lower: math.Log(lower), Upper: math.Log(upper)}
	}
	for _, c := range []struct {
		coord     optimizer.Coordinate
		log       bool
		divisions int
		want      []float64 // values
	}{
		{optimizer.Coordinate{Lower: 0.05, Upper: 0.5}, false, 2, []float64{0.05, 0.275, 0.5}},
		{optimizer.Coordinate{Lower: 0, Upper: 1}, false, 10, []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}},
		{optimizer.Coordinate{Lower: -0.3, Upper: 0.3}, false, 6, []float64{-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3}},
		{optimizer.Coordinate{Lower: 0, Upper: 1}, false, 3, []float64{0, 1.0 / 3, 2.0 / 3, 1}},
		{optimizer.Coordinate{Lower: -1e300, Upper: 1e300}, false, 4, []float64{-1e300, -5e299, 0, 5e299, 1e300}},
		{log(0.001, 1000), true, 6, []float64{0.001, 0.01, 0.1, 1, 10, 100, 1000}},
		{log(1e-9, 1e9), true, 18, []float64{1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}},
		{log(0.3, 4.8), true, 4, []float64{0.3, 0.6, 1.2, 2.4, 4.8}},
		{log(1e-300, 1e300), true, 2, []float64{1e-300, 1, 1e300}},
		{log(1, 2), true, 2, []float64{1, math.Sqrt2, 2}},
	} {
		problem := optimizer.Problem{Coords: []optimizer.Coordinate{c.coord}, Labels: []optimizer.Label{{Log: c.log}}}
		o := newGrid(t, problem, 1, func(p *GridParams) { p.Divisions = []int{c.divisions} })
		for k, v := range c.want {
			got := o.axes[0].at(int64(k))
			if !c.log && got != v || c.log && v != math.Sqrt2 && got != math.Log(v) || math.Abs(got-c.coord.Clip(got)) > 0 {
				t.Errorf("%+v: point %d is %v, want %v", c.coord, k, got, v)
			}
		}
	}
}

// Points are given as values of the parameter, which the problem translates.
func TestGridPointsAreGivenAsValues(t *testing.T) {
	problem := optimizer.Box(2, 0, 1)
	problem.Encode = func(i int, value any) (float64, error) {
		if value == "bad" {
			return 0, errors.New("no such value")
		}
		return float64(i) + float64(len(value.(string)))/10, nil
	}
	o := newGrid(t, problem, 1, func(p *GridParams) { p.Points = [][]any{{"a", "abc"}, {}} })
	if got, want := o.axes[0].list, []float64{0.1, 0.3}; !slices.Equal(got, want) || o.axes[1].list != nil {
		t.Errorf("%v, want %v", got, want)
	}
	par := GridDefaults()
	par.Points = [][]any{{}, {"a", "bad"}}
	if _, err := NewGrid(problem, par, 1); err == nil || !strings.Contains(err.Error(), "points[1][1]: no such value") {
		t.Errorf("got %v", err)
	}
}

func TestGridRefusesWhatItCannotDo(t *testing.T) {
	two := optimizer.Box(2, 0, 1)
	for _, c := range []struct {
		problem  optimizer.Problem
		change   func(*GridParams)
		want     string
		unsuited bool
	}{
		{two, func(p *GridParams) { p.Divisions = []int{1, 2, 3} }, "divisions has 3 numbers", false},
		{two, func(p *GridParams) { p.Divisions = []int{0} }, "divisions = 0 for coordinate 0", false},
		{two, func(p *GridParams) { p.Points = [][]any{{0}} }, "points has 1 lists", false},
		{two, func(p *GridParams) { p.Points = [][]any{{0}, {0.5, 2}} }, "points[1][1]: 2, want values of coordinate 1", false},
		{two, func(p *GridParams) { p.Points = [][]any{{0}, {"a"}} }, "points[1][0]: a, want values of coordinate 1", false},
		{optimizer.Box(100, 0, 1), nil, "grid has 1.38e+104 points", true},
	} {
		par := GridDefaults()
		if c.change != nil {
			c.change(&par)
		}
		_, err := NewGrid(c.problem, par, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, optimizer.ErrUnsuited) != c.unsuited {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

// A grid of 1e15 points is as quick to begin, and its state as small, as one of a hundred.
func TestGridIsNeverHeldInMemory(t *testing.T) {
	o := newGrid(t, optimizer.Box(5, 0, 1), 1, func(p *GridParams) { p.Divisions, p.PopSize = []int{999}, 10 })
	for range 100 {
		rig.Round(t, o, func(x []float64) float64 { return x[0] })
	}
	state, err := o.MarshalBinary()
	if err != nil || len(state) > 1000 {
		t.Errorf("a state of %d bytes, %v", len(state), err)
	}
}

func TestGridRandomOrderIsAPermutationThatLooksRandom(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 7, 64, 1000, 4097} {
		seen := make([]bool, n)
		ascents := 0
		last := int64(-1)
		for k := range n {
			image := permuted(k, n, 42)
			if seen[image] {
				t.Fatalf("n = %d: %d is the image of two", n, image)
			}
			seen[image] = true
			if image > last {
				ascents++
			}
			last = image
		}
		if share := float64(ascents) / float64(n); n >= 1000 && math.Abs(share-0.5) > 0.03 {
			t.Errorf("n = %d: a share of %.3f is larger than the one before, want about a half", n, share)
		}
	}
	const n = int64(maxGrid)
	if image := permuted(12345, n, 7); image < 0 || image >= n {
		t.Errorf("of the largest grid, %d", image)
	}
}

func TestGridGoesOnWherePointsFail(t *testing.T) {
	o := newGrid(t, optimizer.Box(1, 0, 1), 1, func(p *GridParams) { p.Divisions, p.PopSize = []int{9}, 4 })
	var all []float64
	for o.Status().Stop == "" {
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			all = append(all, c.X[0])
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Failed: true, Replace: true}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if slices.Sort(all); len(all) != 10 || all[0] != 0 || all[9] != 1 {
		t.Errorf("visited %v", all)
	}
}

// Defect 18 of the Python L2L: it multiplied a grid's objectives with their weights along the wrong axis. Here weighting is done before an
// optimizer is told; a grid takes losses of several objectives as they are, and no others.
func TestGridTakesSeveralObjectives(t *testing.T) {
	problem := optimizer.Box(2, 0, 1)
	problem.Objectives = 3
	o := newGrid(t, problem, 1, nil)
	cs, err := o.Ask(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Tell([]optimizer.Evaluated{{ID: cs[0].ID, Loss: []float64{1}}}); err == nil {
		t.Error("a loss of one number is taken, of three objectives")
	}
	for _, c := range cs {
		if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{c.X[0], -c.X[0], c.X[1]}}}); err != nil {
			t.Fatal(err)
		}
	}
	if st := o.Status(); st.Told != 121 || st.Best != nil || st.Stop == "" {
		t.Errorf("after all points: %+v", st)
	}
}

// A defect of the Python L2L: of its grid of n steps one had to know that it has n + 1 points, and it knew no bounds.
func TestGridHasBothBoundsAndOnePointMoreThanDivisions(t *testing.T) {
	o := newGrid(t, optimizer.Box(1, -5, 5), 1, func(p *GridParams) { p.Divisions = []int{30} })
	xs := visited(t, o)
	lo, hi := slices.MinFunc(xs, slices.Compare[[]float64]), slices.MaxFunc(xs, slices.Compare[[]float64])
	if len(xs) != 31 || lo[0] != -5 || hi[0] != 5 {
		t.Errorf("%d points from %v to %v", len(xs), lo, hi)
	}
}
