package cmaes

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func quorate(t *testing.T, dim int, quorum float64, change func(p *Params)) *Quorate {
	t.Helper()
	problem, par := box(dim, 0), Defaults()
	problem.Quorum = quorum
	if change != nil {
		change(&par)
	}
	return rig.Made(NewQuorate(problem, par, 1))(t)
}

// asked is all that a search proposes now.
func asked(t *testing.T, o optimizer.Optimizer) []optimizer.Candidate {
	t.Helper()
	cs, err := o.Ask(1000)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func tellLoss(t *testing.T, o optimizer.Optimizer, loss func(x []float64) float64, cs ...optimizer.Candidate) {
	t.Helper()
	for _, c := range cs {
		if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{loss(c.X)}}}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQuorateGoesOnWithoutTheLastOfAGenerationAndLearnsFromThemInTheNext(t *testing.T) {
	o := quorate(t, 5, 0.7, func(p *Params) { p.PopSize = 10 })
	sphere := rig.Losses["sphere"]
	first := asked(t, o)
	if len(first) != 10 {
		t.Fatalf("the first generation has %d individuals, want 10", len(first))
	}
	tellLoss(t, o, sphere, first[:6]...)
	if st := o.Status(); st.Generation != 0 || len(asked(t, o)) > 0 {
		t.Fatalf("%d generations are complete with 6 of 10 results, want 7", st.Generation)
	}
	tellLoss(t, o, sphere, first[6])
	if st := o.Status(); st.Generation != 1 || o.state.Updates != 1 {
		t.Fatalf("%d generations are complete with 7 of 10 results, %d learnt from", st.Generation, o.state.Updates)
	}
	second := asked(t, o)
	if len(second) != 7 {
		t.Fatalf("the second generation has %d new individuals, want 7 beside 3 that are late", len(second))
	}
	tellLoss(t, o, sphere, slices.Concat(first[7:], second[:3])...)
	if o.Status().Generation != 1 {
		t.Fatal("the second generation is complete with 6 results")
	}
	mean := slices.Clone(o.state.Mean)
	best := optimizer.Evaluated{ID: second[3].ID, Loss: []float64{-1}}
	if err := o.Tell([]optimizer.Evaluated{best}); err != nil {
		t.Fatal(err)
	}
	if st := o.Status(); st.Generation != 2 || slices.Equal(mean, o.state.Mean) || st.Best.ID != best.ID {
		t.Errorf("with 3 late results and 4 new ones %d generations are complete, and the best is %+v", st.Generation, st.Best)
	}
}

// What is late when a run begins again teaches the next one nothing, and counts all the same.
func TestQuorateTakesTheBestFromALateResultOfARunThatHasEnded(t *testing.T) {
	o := quorate(t, 3, 0.5, func(p *Params) { p.PopSize = 8 })
	first := asked(t, o)
	late, rest := first[0], first[1:]
	for o.Status().Restarts.Count == 0 {
		tellLoss(t, o, func([]float64) float64 { return 1 }, rest...)
		rest = asked(t, o)
	}
	if n := len(rest); n != 8 && n != 16 {
		t.Errorf("the new run proposes %d individuals, want a whole generation", n)
	}
	mean, under := slices.Clone(o.state.Mean), o.under
	tellLoss(t, o, func([]float64) float64 { return 0.5 }, late)
	if st := o.Status(); st.Best == nil || st.Best.ID != late.ID {
		t.Errorf("the best is %+v, want individual %d", st.Best, late.ID)
	}
	if !slices.Equal(mean, o.state.Mean) || o.under != under {
		t.Error("the new run has learnt from it")
	}
}

func TestQuorateFillsInAPopulationOfWhichTheUsualPartIsLearntFrom(t *testing.T) {
	for _, c := range []struct {
		quorum        float64
		given         int
		size, learnt  int
		after, doubly int // a doubling of the population
	}{{1, 0, 10, 10, 20, 20}, {0.5, 0, 20, 10, 40, 20}, {0.9, 0, 11, 10, 22, 20}, {0.5, 30, 30, 15, 60, 30}, {0.1, 10, 10, 4, 20, 8}} {
		o := quorate(t, 10, c.quorum, func(p *Params) { p.PopSize = c.given })
		if got := o.Params().PopSize; got != c.size || o.generation() != c.size || o.size() != c.learnt {
			t.Errorf("quorum %v of %d: pop_size = %d, of which %d are learnt from; want %d and %d", c.quorum, c.given, got, o.size(), c.size, c.learnt)
		}
		if o.state.Run.PopSize *= 2; o.generation() != c.after || o.size() != c.doubly {
			t.Errorf("quorum %v of %d, doubled: %d of %d, want %d of %d", c.quorum, c.given, o.size(), o.generation(), c.doubly, c.after)
		}
	}
}

// farm runs a search on slots, with log-normal run times of 10:1, until a loss of 1e-8, and returns the evaluations and the time in their medians.
func farm(t *testing.T, o optimizer.Optimizer, slots int, loss func([]float64) float64, seed uint64) (evaluations, time float64) {
	t.Helper()
	type evaluation struct {
		optimizer.Candidate
		ends float64
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	var under []evaluation
	for evaluations < 1e5 {
		cs, err := o.Ask(slots - len(under))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			under = append(under, evaluation{c, time + math.Exp(0.7*rng.NormFloat64())})
		}
		if len(cs) > 0 && len(under) < slots {
			continue
		}
		at := 0
		for i := range under {
			if under[i].ends < under[at].ends {
				at = i
			}
		}
		next := under[at]
		under = slices.Delete(under, at, at+1)
		time = next.ends
		evaluations++
		l := loss(next.X)
		if l <= 1e-8 {
			return evaluations, time
		}
		if err := o.Tell([]optimizer.Evaluated{{ID: next.ID, Loss: []float64{l}}}); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("it does not get there")
	return 0, 0
}

func TestQuorateTakesLessTimeForAboutAsManyEvaluationsWhereTheseDifferInTime(t *testing.T) {
	for _, name := range []string{"sphere", "ellipsoid", "rosenbrock"} {
		median := func(quorum float64) (evaluations, time float64) {
			var es, ts []float64
			for seed := range uint64(9) {
				problem, par := box(8, 0), Defaults()
				problem.Quorum, par.PopSize = quorum, 40
				a := algorithm()
				o, err := a.New(problem, &par, seed)
				if err != nil {
					t.Fatal(err)
				}
				if _, early := o.(*Quorate); early != (quorum < 1) {
					t.Fatalf("quorum %v makes %T", quorum, o)
				}
				e, at := farm(t, o, 8, rig.Losses[name], seed)
				es, ts = append(es, e), append(ts, at)
			}
			slices.Sort(es)
			slices.Sort(ts)
			return es[4], ts[4]
		}
		e, whole := median(1)
		early, quick := median(0.9)
		if early > 1.1*e || quick > 0.85*whole {
			t.Errorf("%s: %v evaluations in %.0f with a quorum of 0.9, %v in %.0f with all", name, early, quick, e, whole)
		}
	}
}

func TestParallelLanesHeedTheQuorum(t *testing.T) {
	problem := box(10, 200)
	for _, quorum := range []float64{0, 1, 0.5} {
		problem.Quorum = quorum
		o := rig.Made(NewParallel(problem, Defaults(), 1))(t)
		cs, err := o.Ask(200)
		if err != nil {
			t.Fatal(err)
		}
		tellLoss(t, o, rig.Losses["sphere"], cs[50:]...) // of each lane some are missing, as they are asked in turns
		generations := 0
		for _, c := range asked(t, o) {
			generations = max(generations, c.Generation)
		}
		if early := quorum == 0.5; early != (generations > 0) {
			t.Errorf("quorum %v: while a quarter of the first results are missing, %d generations are completed", quorum, generations)
		}
	}
}

// Slots that lanes keep for themselves, as for evaluations that take equally long, are not kept where they do not.
func TestLanesWithAQuorumKeepSlotsAtWorkWhereEvaluationsDifferInTime(t *testing.T) {
	const slots = 200
	problem := box(10, slots)
	problem.Quorum = 0.5
	o := rig.Made(NewParallel(problem, Defaults(), 1))(t)
	under, told := map[int64]float64{}, 0 // ends, by the individual
	points := map[int64][]float64{}
	rng := rand.New(rand.NewPCG(1, 2))
	now, idle, began := 0.0, 0.0, 0.0
	for ; told < 12000; told++ {
		cs, err := o.Ask(slots - len(under))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			under[c.ID], points[c.ID] = now+math.Exp(0.7*rng.NormFloat64()), c.X
		}
		next := int64(-1)
		for id, ends := range under {
			if next < 0 || ends < under[next] {
				next = id
			}
		}
		if told == 2000 { // by then it is known that they differ
			began = now
		}
		if told >= 2000 {
			idle += float64(slots-len(under)) * (under[next] - now)
		}
		now = under[next]
		x := points[next]
		delete(under, next)
		delete(points, next)
		tellLoss(t, o, rig.Losses["ellipsoid"], optimizer.Candidate{ID: next, X: x})
	}
	if part := idle / (slots * (now - began)); part > 0.1 {
		t.Errorf("slots idle for %.0f %% of the time, want 10 %% at most", 100*part)
	}
}

// laned is a search of lanes on so many slots.
func laned(t *testing.T, slots int, quorum float64) *Parallel {
	t.Helper()
	problem := box(6, slots)
	problem.Quorum = quorum
	return rig.Made(NewParallel(problem, Defaults(), 1))(t)
}

// Where nothing is overtaken, in whatever order the results of one time come in, lanes are those of whole generations. One evaluation in nine fails, and
// another individual is drawn in its place.
func TestLanesOfAnOpenQuorumAreThoseOfWholeGenerationsWhereNothingIsLate(t *testing.T) {
	const slots = 100
	proposed := func(quorum float64, order *rand.Rand) map[int][][]float64 {
		o, of := laned(t, slots, quorum), map[int][][]float64{}
		for range 60 {
			cs := asked(t, o)
			for _, c := range cs {
				of[c.Lane] = append(of[c.Lane], c.X)
			}
			order.Shuffle(len(cs), func(i, j int) { cs[i], cs[j] = cs[j], cs[i] })
			for _, c := range cs {
				ev := optimizer.Evaluated{ID: c.ID, Loss: []float64{rig.Losses["rastrigin"](c.X)}}
				if math.Mod(1000*math.Abs(c.X[0]), 9) < 1 {
					ev = optimizer.Evaluated{ID: c.ID, Failed: true, Replace: true}
				}
				if err := o.Tell([]optimizer.Evaluated{ev}); err != nil {
					t.Fatal(err)
				}
			}
		}
		return of
	}
	want := proposed(1, rand.New(rand.NewPCG(1, 1)))
	for seed := range uint64(3) {
		got := proposed(0, rand.New(rand.NewPCG(2, seed)))
		for lane, points := range want {
			common := min(len(points), len(got[lane]))
			if common < 100 {
				t.Fatalf("lane %d has %d individuals in common", lane, common)
			}
			for i := range common {
				if !slices.Equal(points[i], got[lane][i]) {
					t.Fatalf("individual %d of lane %d is %v, want %v", i, lane, got[lane][i], points[i])
				}
			}
		}
	}
}

func TestLanesOfAnOpenQuorumDoNotWaitWhereResultsComeInLate(t *testing.T) {
	for _, name := range []string{"sphere", "ellipsoid"} {
		_, whole := farm(t, laned(t, 100, 1), 100, rig.Losses[name], 1)
		_, open := farm(t, laned(t, 100, 0), 100, rig.Losses[name], 1)
		if open > 0.5*whole {
			t.Errorf("%s takes %.0f, and %.0f with whole generations: want half as long at most", name, open, whole)
		}
	}
}

// A generation that is learnt from in part is learnt from with the constants of that part, and none is lost or learnt from twice.
func TestQuorateThatIsHurriedLearnsFromSevenTenthsOfAGeneration(t *testing.T) {
	par := Defaults()
	par.PopSize = 20
	o, err := newQuorate(box(5, 0), par, 1, steady)
	if err != nil {
		t.Fatal(err)
	}
	o.adaptive = true
	first := asked(t, o)
	tellLoss(t, o, rig.Losses["sphere"], first[:15]...)
	if len(first) != 20 || len(asked(t, o)) > 0 || o.s.Completed != 0 {
		t.Fatalf("%d individuals, and %d generations with 15 results", len(first), o.s.Completed)
	}
	o.hurry(true)
	tellLoss(t, o, rig.Losses["sphere"], first[15])
	if o.s.Completed != 1 || len(o.k.weights) != 16 {
		t.Fatalf("%d generations, learnt from with %d weights, want 16", o.s.Completed, len(o.k.weights))
	}
	second := asked(t, o)
	if len(second) != 24 {
		t.Fatalf("%d new individuals beside 4 that are late, want 28 of a generation and two fifths of it", len(second))
	}
	tellLoss(t, o, rig.Losses["sphere"], slices.Concat(first[16:], second[:10])...)
	if o.s.Completed != 2 || len(o.k.weights) != 14 {
		t.Errorf("%d generations, learnt from with %d weights, want 14", o.s.Completed, len(o.k.weights))
	}
	o.hurry(false)
	tellLoss(t, o, rig.Losses["sphere"], second[10:]...)
	rest := asked(t, o)
	if o.s.Completed != 2 || len(rest) != 6 {
		t.Errorf("%d generations, and %d more individuals; want 6 more for one of 20", o.s.Completed, len(rest))
	}
}
