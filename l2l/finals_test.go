package l2l_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// truth is the bowl without noise.
func truth(x []float64) float64 {
	sum := 0.0
	for i, target := range []float64{1, 3, 0.5, 0.5} {
		sum += (x[i] - target) * (x[i] - target)
	}
	return sum
}

// noisy is the bowl with normal noise of the seed, and a constant of each instance.
func noisy(e l2l.Evaluation) l2l.Result {
	r := answer(e)
	r.Fitness = codec.Vector{truth(e.X) + rand.New(rand.NewPCG(e.Seed, 0)).NormFloat64() + float64(e.Instance%7)}
	return r
}

func noisyRules(change func(*l2l.Rules)) l2l.Rules {
	r := rules()
	r.Stochastic, r.Finalists = true, l2l.Finalists{Count: 6}
	if change != nil {
		change(&r)
	}
	return r
}

// split are the results of a run's search and of its finals, and the parts of these.
func split(events []l2l.Event) (search, finals []l2l.Result, parts []l2l.Finals) {
	for _, e := range events {
		switch e := e.(type) {
		case l2l.Result:
			if e.Individual < 0 {
				finals = append(finals, e)
			} else {
				search = append(search, e)
			}
		case l2l.Finals:
			parts = append(parts, e)
		}
	}
	return search, finals, parts
}

func TestNoisySearchIsFollowedByFinalsOnFreshSeedsWithinItsEvaluations(t *testing.T) {
	for _, name := range []string{"cmaes", "genetic", "cmaes_async", "random", "portfolio"} {
		for each, rules := range map[int]l2l.Rules{
			1: noisyRules(nil),
			4: noisyRules(func(r *l2l.Rules) { r.Replicates, r.Instances, r.Stochastic = 2, 2, false }),
		} {
			const limit = 1203
			m, e := &memory{}, newEvaluator(3, noisy)
			s := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), rules), Evaluator: e, Recorder: m, Stop: l2l.Stop{Evaluations: limit}})
			search, finals, parts := split(m.events)
			if n := int64(len(search) + len(finals)); n > limit || n < limit-2*int64(each) || s.Evaluations != n {
				t.Errorf("%s: %d evaluations of the search and %d of the finals, %d in all, want at most %d", name, len(search), len(finals), s.Evaluations, limit)
			}
			if int64(len(finals)) > limit/20 || len(finals) < limit/20-each {
				t.Errorf("%s: the finals had %d evaluations, want a twentieth of %d", name, len(finals), limit)
			}
			if s.Reason.Rule != l2l.Evaluations || s.Individuals != int64(len(search)/each) {
				t.Errorf("%s: it ended by %v, with %d individuals", name, s.Reason, s.Individuals)
			}
			a := s.Answer
			if a == nil || a.Basis != l2l.Finished || a.Anew == nil || a.Anew.Count < 3 || a.Of != len(parts[0].Finalists) || a.Of < 2 {
				t.Fatalf("%s: the answer is %+v", name, a)
			}
			// Which seeds and instances the finalists had.
			seen := map[uint64]bool{}
			type chance struct {
				instance int
				seed     uint64
			}
			of := map[int][]chance{}
			aims := map[int64]int{}
			for _, p := range parts {
				for i, f := range p.Of {
					aims[p.From-int64(i)] = f
				}
			}
			for _, ev := range e.seen {
				if ev.Individual < 0 {
					of[aims[ev.Individual]] = append(of[aims[ev.Individual]], chance{ev.Instance, ev.Seed})
				} else {
					seen[ev.Seed] = true
				}
			}
			all := 0
			for f, chances := range of {
				for i, c := range chances {
					if seen[c.seed] || slices.Contains(chances[:i], c) {
						t.Fatalf("%s: finalist %d is evaluated with a seed that is not fresh", name, f)
					}
				}
				if n := len(parts[0].Of) / len(parts[0].Finalists) * each; !slices.Equal(chances[:n], of[0][:n]) {
					t.Errorf("%s: finalists 0 and %d begin with other seeds: %v and %v", name, f, of[0][:n], chances[:n])
				}
				all += len(chances)
			}
			if all != len(finals) {
				t.Errorf("%s: %d evaluations of finalists, want %d", name, all, len(finals))
			}
		}
	}
}

func TestSearchWithoutNoiseHasNoFinalsAndItsAnswerIsTheBest(t *testing.T) {
	quiet := func(e l2l.Evaluation) l2l.Result {
		r := answer(e)
		r.Fitness = codec.Vector{truth(e.X)}
		return r
	}
	for _, name := range []string{"cmaes", "genetic", "grid", "bayes"} {
		rules := noisyRules(func(r *l2l.Rules) { r.Stochastic = false })
		m := &memory{}
		s := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), rules), Evaluator: newEvaluator(3, quiet), Recorder: m,
			Stop: l2l.Stop{Evaluations: 60}})
		if _, finals, parts := split(m.events); len(finals)+len(parts) > 0 || s.Noisy || s.Evaluations != 60 {
			t.Errorf("%s: %d evaluations of finals", name, len(finals))
		}
		if a := s.Answer; a.Basis != l2l.Exact || a.Told != s.Best.Individual.ID || a.Anew != nil || !slices.Equal(a.Fitness, s.Best.Fitness) {
			t.Errorf("%s: the answer is %+v, and not the best, %+v", name, a, s.Best)
		}
	}
}

func TestNoiseIsFoundWhereAPointIsToldTwiceWithOtherFitnesses(t *testing.T) {
	space := optimizee.Space{{Name: "n", Kind: optimizee.Int, Lower: 0, Upper: 5}}
	for _, noise := range []float64{0, 1e-9} {
		o := newOptimizerFor(t, "random", space)
		rules := noisyRules(func(r *l2l.Rules) { r.Stochastic = false })
		evaluate := func(e l2l.Evaluation) l2l.Result {
			r := answer(e)
			r.Fitness = codec.Vector{e.X[0] + noise*float64(e.Seed%1000)}
			return r
		}
		m := &memory{}
		s := run(t, &l2l.Loop{Search: l2l.NewSearch(o, rules), Evaluator: newEvaluator(3, evaluate), Recorder: m, Stop: l2l.Stop{Evaluations: 200}})
		_, finals, _ := split(m.events)
		if found := noise > 0; s.Noisy != found || len(finals) > 0 != found || s.Evaluations != 200 {
			t.Errorf("noise %v: noisy %v, %d evaluations in finals, %d in all", noise, s.Noisy, len(finals), s.Evaluations)
		}
	}
}

func TestIntervalOfTheAnswerHoldsItsTrueValueInNineOfTenRuns(t *testing.T) {
	rules, inside, lucky := noisyRules(nil), 0, 0
	const runs = 100
	for seed := range uint64(runs) {
		rules.Seed = seed
		e := newEvaluator(seed, noisy)
		s := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizerSeed(t, "cmaes", seed), rules), Evaluator: e, Stop: l2l.Stop{Evaluations: 400}})
		if a := s.Answer; a.Anew.Low[0] <= truth(a.X) && truth(a.X) <= a.Anew.High[0] {
			inside++
		}
		if s.Best.Fitness[0] < truth(s.Best.Individual.X)-1 {
			lucky++
		}
	}
	if inside < 90 {
		t.Errorf("the interval holds the true value in %d of %d runs", inside, runs)
	}
	if lucky < 90 {
		t.Errorf("the best told was lucky in %d of %d runs only: the test shows nothing", lucky, runs)
	}
}

func TestFinalsDoNotDependOnOrderNorOnWhereTheRunWasKilled(t *testing.T) {
	for _, name := range []string{"cmaes", "genetic", "evolution_strategies"} {
		rules := noisyRules(func(r *l2l.Rules) { r.Instances, r.Rotate, r.Test.Instances = 2, 3, l2l.Instances{3, 5, 40} })
		unreliable := func(e l2l.Evaluation) l2l.Result {
			if e.Seed%11 == 0 && e.Attempt < int(e.Seed%4) {
				r := answer(e)
				r.Ending, r.Reason = l2l.Failed, "it happens"
				return r
			}
			return noisy(e)
		}
		loop := func(order uint64, s *l2l.Search, r l2l.Recorder) *l2l.Loop {
			return &l2l.Loop{Search: s, Evaluator: newEvaluator(order, unreliable), Recorder: r, Stop: l2l.Stop{Evaluations: 500}}
		}
		fresh := func() *l2l.Search { return l2l.NewSearch(newOptimizer(t, name), rules) }
		m := &memory{}
		want := run(t, loop(0, fresh(), m))
		if want.Answer.Test == nil || want.Answer.Test.Count+want.Answer.Test.Failed != 3 {
			t.Fatalf("%s: the answer is %+v", name, want.Answer)
		}
		same := func(got l2l.Summary) bool {
			return reflect.DeepEqual(got.Answer, want.Answer) && got.TrajectoryHash == want.TrajectoryHash && got.Evaluations == want.Evaluations &&
				got.Reason == want.Reason
		}
		if got := run(t, loop(1, fresh(), nil)); !same(got) {
			t.Errorf("%s: in another order the answer is %+v, want %+v", name, got.Answer, want.Answer)
		}
		first := slices.IndexFunc(m.events, func(e l2l.Event) bool { _, ok := e.(l2l.Finals); return ok })
		for cut := 0; cut <= len(m.events); cut++ {
			if cut < first-3 && cut%97 != 0 || cut > first && cut%5 != 0 && cut < len(m.events)-1 {
				continue
			}
			replayed := fresh()
			for i, e := range m.events[:cut] {
				if _, err := replayed.Replay(e); err != nil {
					t.Fatalf("%s: event %d of %d: %v", name, i, cut, err)
				}
			}
			snapshot, err := replayed.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			restored := fresh()
			if err := restored.Restore(snapshot); err != nil {
				t.Fatal(err)
			}
			for i, s := range []*l2l.Search{replayed, restored} {
				again := &memory{events: slices.Clone(m.events[:cut])}
				if got := run(t, loop(uint64(cut+i), s, again)); !same(got) {
					t.Fatalf("%s: killed after event %d of %d, restored %d: the answer is %+v, want %+v; %d evaluations, want %d; %v", name, cut,
						len(m.events), i, got.Answer, want.Answer, got.Evaluations, want.Evaluations, got.Reason)
				}
				whole := fresh()
				for k, e := range again.events {
					if _, err := whole.Replay(e); err != nil {
						t.Fatalf("%s: killed after event %d, event %d of the whole journal: %v", name, cut, k, err)
					}
				}
			}
		}
	}
}

func TestReplayRefusesFinalsThatDoNotFollow(t *testing.T) {
	m := &memory{}
	fresh := func() *l2l.Search { return l2l.NewSearch(newOptimizer(t, "cmaes"), noisyRules(nil)) }
	run(t, &l2l.Loop{Search: fresh(), Evaluator: newEvaluator(0, noisy), Recorder: m, Stop: l2l.Stop{Evaluations: 300}})
	for name, change := range map[string]func(*l2l.Finals){
		"another point":  func(f *l2l.Finals) { f.Finalists[1].X = slices.Clone(f.Finalists[1].X); f.Finalists[1].X[0]++ },
		"another origin": func(f *l2l.Finals) { f.Finalists[0].Origin = l2l.Elite },
		"another number": func(f *l2l.Finals) { f.From-- },
		"another order":  func(f *l2l.Finals) { f.Of = slices.Clone(f.Of); f.Of[0], f.Of[1] = f.Of[1], f.Of[0] },
		"another stage":  func(f *l2l.Finals) { f.Stage = l2l.Measure },
	} {
		s, refused := fresh(), false
		for _, e := range m.events {
			if f, ok := e.(l2l.Finals); ok && len(f.Finalists) > 0 {
				f.Finalists = slices.Clone(f.Finalists)
				change(&f)
				e = f
			}
			if _, err := s.Replay(e); err != nil {
				if refused = errors.Is(err, l2l.ErrDiverged); !refused {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
		}
		if !refused {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestResumedRunWithMoreEvaluationsSearchesOnAndHasFinalsAgain(t *testing.T) {
	fresh := func() *l2l.Search { return l2l.NewSearch(newOptimizer(t, "cmaes"), noisyRules(nil)) }
	m := &memory{}
	s := fresh()
	loop := func(limit int64) *l2l.Loop {
		return &l2l.Loop{Search: s, Evaluator: newEvaluator(0, noisy), Recorder: m, Stop: l2l.Stop{Evaluations: limit}}
	}
	first := run(t, loop(400))
	if again := run(t, loop(400)); again.Evaluations != first.Evaluations || !reflect.DeepEqual(again.Answer, first.Answer) || again.Reason != first.Reason {
		t.Errorf("resumed with the same limit: %+v, before %+v", again, first)
	}
	second := run(t, loop(1000))
	if second.Individuals <= first.Individuals || second.Evaluations > 1000 || second.Evaluations < 960 || second.Answer.Basis != l2l.Finished {
		t.Errorf("resumed with more: %+v", second)
	}
	replayed := fresh()
	for i, e := range m.events {
		if _, err := replayed.Replay(e); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	if a := replayed.Answer(); !reflect.DeepEqual(a, second.Answer) {
		t.Errorf("replayed the answer is %+v, want %+v", a, second.Answer)
	}
}

func TestAnswerOfANoisySearchThatIsCutShortIsWhatIsKnownAndSaysSo(t *testing.T) {
	for after, want := range map[int]l2l.Basis{100: l2l.Untested, 391: l2l.Cut} {
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		l := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), noisyRules(nil)), Evaluator: newEvaluator(0, noisy), Stop: l2l.Stop{Evaluations: 400}}
		l.Observers = append(l.Observers, func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
			if _, ok := e.(l2l.Result); ok {
				if n++; n == after {
					cancel()
				}
			}
		})
		s, err := l.Run(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.Answer; s.Reason.Rule != l2l.Interrupted || a.Basis != want || a.Anew != nil {
			t.Errorf("cut after %d evaluations: %v, the answer is %+v", after, s.Reason, a)
		}
		cancel()
	}
}

func TestMiniBatchesAreNotComparedAndTestsAreNotShown(t *testing.T) {
	// The instances get easier from one to the next, then harder: who compared them would take the best from the easiest.
	evaluate := func(e l2l.Evaluation) l2l.Result {
		r := answer(e)
		r.Fitness = codec.Vector{truth(e.X) + 100*float64((e.Instance-8)*(e.Instance-8))}
		return r
	}
	rules := noisyRules(func(r *l2l.Rules) {
		r.Stochastic, r.Instances, r.Rotate, r.Test.Instances = false, 2, 2, l2l.Instances{0, 3, 4, 9, 1000}
	})
	e := newEvaluator(0, evaluate)
	batches := map[int]map[int]bool{}
	l := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules), Evaluator: e, Stop: l2l.Stop{Generations: 20}}
	l.Observers = append(l.Observers, func(e l2l.Event, of *l2l.Individual, s *l2l.Search) {
		r, ok := e.(l2l.Result)
		if !ok || of == nil || of.ID < 0 {
			return
		}
		if batch := of.Generation / 2; batches[batch] == nil {
			batches[batch] = map[int]bool{}
		}
		batches[of.Generation/2][r.Instance] = true
		if b := s.Best(); b != nil && of.Generation/2 < b.Individual.Generation/2 {
			t.Errorf("the best is of generation %d, while individuals of generation %d are evaluated", b.Individual.Generation, of.Generation)
		}
	})
	s := run(t, l)
	for batch, want := range [][]int{{1, 2}, {5, 6}, {7, 8}, {10, 11}, {12, 13}, {14, 15}, {16, 17}, {18, 19}, {20, 21}, {22, 23}} {
		if got := fmt.Sprint(batches[batch]); got != fmt.Sprint(map[int]bool{want[0]: true, want[1]: true}) {
			t.Errorf("mini-batch %d has instances %v, want %v", batch, got, want)
		}
	}
	tested := map[int]int{}
	for _, ev := range e.seen {
		if ev.Individual < 0 && slices.Contains(rules.Test.Instances, ev.Instance) {
			tested[ev.Instance]++
		} else if ev.Individual < 0 && ev.Instance < 24 {
			t.Errorf("a finalist is evaluated on instance %d, which the search has seen", ev.Instance)
		}
	}
	if fmt.Sprint(tested) != "map[0:1 3:1 4:1 9:1 1000:1]" {
		t.Errorf("tested on %v", tested)
	}
	want := 0.0
	for _, i := range rules.Test.Instances {
		want += (truth(s.Answer.X) + 100*float64((i-8)*(i-8))) / 5
	}
	if got := s.Answer.Test; got == nil || got.Count != 5 || got.Evaluations != 5 || got.Mean[0]-want > 1e-6 || want-got.Mean[0] > 1e-6 {
		t.Errorf("the test says %+v, want a mean of %v", got, want)
	}
	if b := s.Best.Individual; b.Generation/2 != 9 {
		t.Errorf("the best is of generation %d, want one of the last mini-batch", b.Generation)
	}
}

func TestQuietSearchIsTestedToo(t *testing.T) {
	rules := noisyRules(func(r *l2l.Rules) { r.Stochastic, r.Test.Instances = false, l2l.Instances{4, 6} })
	evaluate := func(e l2l.Evaluation) l2l.Result {
		r := answer(e)
		r.Fitness = codec.Vector{truth(e.X) + float64(e.Instance)}
		return r
	}
	s := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules), Evaluator: newEvaluator(0, evaluate), Stop: l2l.Stop{Evaluations: 100}})
	a := s.Answer
	if a.Basis != l2l.Exact || a.Told != s.Best.Individual.ID || a.Anew != nil || s.Evaluations != 100 || s.Individuals != 98 {
		t.Errorf("%+v; %+v", s, a)
	}
	if a.Test == nil || a.Test.Count != 2 || a.Test.Mean[0] != truth(a.X)+5 || a.Test.High[0] <= a.Test.Low[0] {
		t.Errorf("the test says %+v", a.Test)
	}
}

func TestCommonSeedsAreThoseOfAGeneration(t *testing.T) {
	for _, name := range []string{"cmaes", "cmaes_async"} {
		e := newEvaluator(0, noisy)
		rules := noisyRules(func(r *l2l.Rules) { r.Seeds, r.Replicates = l2l.Common, 2 })
		of := map[int64]int{} // generations by individual
		l := &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), rules), Evaluator: e, Stop: l2l.Stop{Generations: 6}}
		l.Observers = append(l.Observers, func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
			if asked, ok := e.(l2l.Asked); ok {
				for _, ind := range asked.Individuals {
					of[ind.ID] = ind.Generation
				}
			}
		})
		run(t, l)
		seeds := map[[2]int]uint64{} // by generation and replicate
		all := map[uint64]bool{}
		for _, ev := range e.seen {
			if ev.Individual < 0 {
				continue
			}
			at := [2]int{of[ev.Individual], ev.Replicate}
			if seed, ok := seeds[at]; ok && seed != ev.Seed {
				t.Fatalf("%s: individual %d of generation %d has another seed than one before", name, ev.Individual, at[0])
			}
			seeds[at], all[ev.Seed] = ev.Seed, true
		}
		if len(all) != len(seeds) || len(seeds) < 12 {
			t.Errorf("%s: %d seeds of %d generations and replicates", name, len(all), len(seeds))
		}
	}
}
