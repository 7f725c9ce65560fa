package cmaes

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func box(dim, parallel int) optimizer.Problem {
	p := optimizer.Box(dim, -5, 5)
	p.Parallel = parallel
	return p
}

func TestParallelPopulationsFillTheSlotsFromTheLargestToTheSmallest(t *testing.T) {
	for _, c := range []struct {
		slots, smallest, first int
		want                   []int
	}{
		{1024, 10, 0, []int{614, 246, 98, 40, 16, 10}}, {64, 10, 0, []int{38, 16, 10}}, {41, 10, 0, []int{25, 10}}, {10, 10, 0, []int{10}},
		{1, 10, 0, []int{10}}, {10, 10, 250, []int{10}}, {19, 10, 250, []int{11}}, {41, 10, 250, []int{31, 10}}, {64, 10, 250, []int{54, 10}},
		{256, 10, 250, []int{243, 10}}, {1024, 10, 250, []int{614, 246, 98, 40, 16, 10}}, {1024, 15, 1000, []int{972, 31, 15}},
		{300, 10, 250, []int{250, 30, 12}},
	} {
		if got := populations(c.slots, c.smallest, c.first); !slices.Equal(got, c.want) {
			t.Errorf("%d slots, of which the first lane has use for %d: %v, want %v", c.slots, c.first, got, c.want)
		}
	}
	for slots := 41; slots < 5000; slots++ {
		for _, first := range []int{0, 250, 1000} {
			total := 0
			for _, n := range populations(slots, 10, first) {
				total += n
			}
			if total > slots || total <= slots-10 {
				t.Fatalf("%d slots, of which the first lane has use for %d: the populations are %d together", slots, first, total)
			}
		}
	}
}

func TestParallelIsTheDefaultWhereTheSlotsAreManyPopulations(t *testing.T) {
	a := algorithm()
	for _, c := range []struct {
		parallel int
		change   func(p *Params)
		want     bool
	}{
		{0, nil, false}, {1, nil, false}, {40, nil, false}, {41, nil, true}, {1000, nil, true},
		{1000, func(p *Params) { p.Restarts = "bipop" }, false}, {1, func(p *Params) { p.Restarts = "parallel" }, true},
		{1000, func(p *Params) { p.PopSize = 300 }, false},
	} {
		par := Defaults()
		if c.change != nil {
			c.change(&par)
		}
		o, err := a.New(box(10, c.parallel), &par, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := o.(*Parallel); got != c.want {
			t.Errorf("%d in parallel: it is %T, with restarts = %s", c.parallel, o, par.Restarts)
		}
	}
	for _, make := range []func(p Params) error{
		func(p Params) error { _, err := New(box(10, 100), p, 1); return err },
		func(p Params) error { _, err := NewAsync(box(10, 100), p, 1); return err },
	} {
		par := Defaults()
		if err := make(par); err != nil {
			t.Error(err)
		}
		par.Restarts = "parallel"
		if err := make(par); err == nil {
			t.Error("restarts = parallel is taken by a search of one run after the other")
		}
	}
	if _, err := NewParallel(optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Categorical, Upper: 2}}}, Defaults(), 1); !errors.Is(err,
		optimizer.ErrUnsuited) {
		t.Errorf("got %v, want ErrUnsuited", err)
	}
}

func TestAsyncHasHalfAsLargeAPopulationAsThereAreSlotsWhereTheyAreMany(t *testing.T) {
	for parallel, want := range map[int]int{0: 10, 1: 10, 40: 10, 41: 20, 1024: 512} {
		o, err := NewAsync(box(10, parallel), Defaults(), 1)
		if err != nil || o.Params().PopSize != want {
			t.Errorf("%d in parallel: %d, %v, want %d", parallel, o.Params().PopSize, err, want)
		}
	}
}

// parallelRounds is the number of rounds, each of as many individuals as are under way, that it takes to the target; +Inf where it is not reached.
func parallelRounds(t *testing.T, o *Parallel, slots int, loss func([]float64) float64, rounds int) float64 {
	t.Helper()
	for round := range rounds {
		cs, err := o.Ask(slots)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			l := loss(c.X)
			if l <= 1e-8 {
				return float64(round + 1)
			}
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{l}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return math.Inf(1)
}

// Ten times the slots must be worth something where one run will do, and where many local minima want a large population.
func TestParallelTakesFewerRoundsOnMoreSlots(t *testing.T) {
	for _, c := range []struct {
		loss        string
		few, many   int // slots
		least, most float64
	}{{"ellipsoid", 60, 600, 1.7, 10}, {"rosenbrock", 60, 600, 1.7, 10}, {"rastrigin", 60, 600, 4, 40}} {
		median := func(slots int) float64 {
			var rounds []float64
			for seed := range uint64(5) {
				o := rig.Made(NewParallel(box(8, slots), Defaults(), seed))(t)
				rounds = append(rounds, parallelRounds(t, o, slots, rig.Losses[c.loss], 3000))
			}
			slices.Sort(rounds)
			return rounds[2]
		}
		few, many := median(c.few), median(c.many)
		if faster := few / many; !(faster >= c.least && faster <= c.most) {
			t.Errorf("%s: %v rounds on %d slots, %v on %d", c.loss, few, c.few, many, c.many)
		}
	}
}

// With one valley the first lane's run is the search, and takes about half as many generations where it learns as fast as its population can bear.
func TestParallelLearnsAValleyInFewerRoundsWhereItLearnsFast(t *testing.T) {
	for _, loss := range []string{"ellipsoid", "rosenbrock"} {
		median := func(learning string) float64 {
			var rounds []float64
			for seed := range uint64(5) {
				par := Defaults()
				par.Learning = learning
				o := rig.Made(NewParallel(box(12, 200), par, 100+seed))(t)
				rounds = append(rounds, parallelRounds(t, o, 200, rig.Losses[loss], 3000))
			}
			slices.Sort(rounds)
			return rounds[2]
		}
		if fast, standard := median(fast), median(standard); !(standard >= 1.3*fast) {
			t.Errorf("%s: %v rounds, with standard rates %v", loss, fast, standard)
		}
	}
}

// Only the first run is hasty; the second one of a first lane that is large is of the same population, and those after it are of smaller ones. A state is
// gone on from with the rates of its run.
func TestParallelLearnsFastInTheFirstRunOfTheFirstLaneAlone(t *testing.T) {
	const n = 12
	par := Defaults()
	if err := par.resolve(box(n, 400)); err != nil {
		t.Fatal(err)
	}
	rate := func(size int) (standard, fast float64) { // (58), and what takes n^1.5 individuals
		mu := newConstants(n, size, par, false).muEff
		return 2 * (0.25 + mu + 1/mu - 2) / ((n+2)*(n+2) + mu), min(0.9, mu/math.Pow(n, 1.5))
	}
	lane := func(number int) member {
		m, err := newMember(box(n, 400), par, number, []int{200, 60}, 1, 7)
		if err != nil {
			t.Fatal(err)
		}
		return m.(early).member
	}
	check := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: the rate is %v, want %v", what, got, want)
		}
	}
	small, _ := rate(60)
	check("lane 2", lane(2).of.k.cm, small)
	standard, fast := rate(200)
	if fast < 2*standard {
		t.Fatalf("%v is hardly faster than %v", fast, standard)
	}
	o, again := lane(1), lane(1)
	for run, want := range []float64{fast, standard} {
		if r := o.of.state.Run; r.Number != run || r.PopSize != 200 {
			t.Fatalf("run %d has %d individuals, want run %d with 200", r.Number, r.PopSize, run)
		}
		check("lane 1", o.of.k.cm, want)
		b, err := o.MarshalBinary()
		if err == nil {
			err = again.UnmarshalBinary(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		check("lane 1, gone on with", again.of.k.cm, want)
		for told := 0; o.of.state.Run.Number == run; told++ {
			if rig.Round(t, o, rig.Losses["sphere"]); told > 200*1000 {
				t.Fatalf("run %d does not end", run)
			}
		}
	}
	if r := o.of.state.Run; r.PopSize >= 200 {
		t.Errorf("the third run has %d individuals, want fewer than the first", r.PopSize)
	}
}

func TestParallelEndsWhenTheGrowingLaneHasDoubledAsOftenAsItMay(t *testing.T) {
	par := Defaults()
	par.MaxRestarts = 1
	o := rig.Made(NewParallel(box(2, 50), par, 1))(t)
	parallelRounds(t, o, 50, func([]float64) float64 { return 1 }, 3000)
	st := o.Status()
	if st.Stop == "" || st.Restarts.Count == 0 {
		t.Errorf("it stops by %q after %d restarts", st.Stop, st.Restarts.Count)
	}
	if cs, err := o.Ask(10); err != nil || len(cs) > 0 {
		t.Errorf("afterwards it proposes %v, %v", cs, err)
	}
}

// grownTo are the populations of the generations of a growing lane.
func grownTo(t *testing.T, loss func([]float64) float64, least, generations int) (sizes []float64) {
	t.Helper()
	par := Defaults()
	par.PopSize, par.Restarts = least, "none"
	e, err := newStrategy(algorithm(), box(10, 0), par, 3, growing)
	if err != nil {
		t.Fatal(err)
	}
	o := &Search{strategy: e}
	for range generations {
		sizes = append(sizes, float64(len(rig.Round(t, o, loss))))
	}
	return sizes
}

// Nishida and Akimoto 2018, section 4: the population stays small on the sphere, and grows among many local minima and where there is noise alone.
func TestSizingGrowsWhereUpdatesDisagree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name        string
		loss        func([]float64) float64
		least, most float64
	}{
		{"sphere", rig.Losses["sphere"], 15, 90}, {"rastrigin", rig.Losses["rastrigin"], 200, 2000},
		{"noise", func([]float64) float64 { return rng.Float64() }, 600, 15 * mostTimes},
	} {
		sizes := grownTo(t, c.loss, 15, 60)
		if mean := floats.Sum(sizes) / float64(len(sizes)); mean < c.least || mean > c.most {
			t.Errorf("%s: the population is %v in the mean, want %v to %v", c.name, mean, c.least, c.most)
		}
		if slices.Min(sizes) < 15 {
			t.Errorf("%s: the population falls to %v", c.name, slices.Min(sizes))
		}
	}
}

// What is expected of updates that are random is what these are.
func TestSizingKnowsTheLengthOfRandomUpdates(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{15, 100} {
		par := Defaults()
		par.PopSize, par.Restarts = size, "none"
		e, err := newStrategy(algorithm(), box(10, 0), par, 3, growing)
		if err != nil {
			t.Fatal(err)
		}
		o := &Search{strategy: e}
		sum, n := 0.0, 0
		for g := range 200 {
			rig.Round(t, o, func([]float64) float64 { return rng.Float64() })
			z := o.state.Sizing
			z.Size = float64(size)
			if g >= 20 {
				length := 0.0
				for _, v := range z.Path {
					length += v * v
				}
				sum, n = sum+length/z.Norm, n+1
			}
		}
		if mean := sum / float64(n); mean < 0.7 || mean > 1.3 {
			t.Errorf("%d individuals: %v times the length expected", size, mean)
		}
	}
}
