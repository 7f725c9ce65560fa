package l2l_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// bottom is where the bowl is deepest, and aside is not.
var bottom, aside = []float64{1, 3, 0.5, 0.5}, []float64{-4, 9, -1, 1}

// injecting is a loop into which points are injected when it waits for results for the nth time.
func injecting(t *testing.T, name string, rules l2l.Rules, stop l2l.Stop, m l2l.Recorder, order uint64, evaluate func(l2l.Evaluation) l2l.Result,
	at int, points ...[]float64,
) (*l2l.Loop, *commanded) {
	o := &l2l.Orders{}
	c := &commanded{evaluator: newEvaluator(order, evaluate)}
	c.at = map[int]func(){at: func() {
		o.Give(l2l.Order{Do: func(l *l2l.Loop) {
			if _, err := l.Inject(points, "somebody"); err != nil {
				t.Errorf("%s: injected at %d: %v", name, at, err)
			}
		}})
	}}
	return &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), rules), Evaluator: c, Recorder: m, Orders: o, Stop: stop}, c
}

func TestInjectedIndividualsAreEvaluatedBesideTheSearchWhichStaysAsItIs(t *testing.T) {
	for _, name := range []string{"cmaes", "genetic", "random", "lshade"} {
		for _, instances := range []int{1, 2} {
			r := rules()
			r.Instances = instances
			stop := l2l.Stop{Generations: 8}
			whole := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, name), r), Evaluator: newEvaluator(9, failing), Stop: stop})
			for _, at := range []int{0, 1, 9, 30} {
				for order := range uint64(2) {
					m := &memory{}
					l, _ := injecting(t, name, r, stop, m, order, failing, at, bottom, aside)
					s := run(t, l)
					if s.TrajectoryHash != whole.TrajectoryHash || s.Individuals != whole.Individuals || s.Generations != whole.Generations ||
						s.Reason != whole.Reason || s.Failures != whole.Failures {
						t.Errorf("%s, at %d: another search with what was injected: %+v, want %+v", name, at, s, whole)
					}
					if want := whole.Evaluations + 2*int64(instances); s.Evaluations != want {
						t.Errorf("%s, at %d: %d evaluations, want %d", name, at, s.Evaluations, want)
					}
					if s.Answer.Told != l2l.FirstInjected || s.Best.Individual.ID != l2l.FirstInjected || s.Best.Fitness[0] > float64(instances) {
						t.Errorf("%s, at %d: the answer is individual %d, want the bottom, which was injected", name, at, s.Answer.Told)
					}
					if a, b := figuresOf(m.events), s.Generations; len(a) != b {
						t.Errorf("%s, at %d: %d figures of %d generations", name, at, len(a), b)
					}
				}
			}
		}
	}
}

// Where they are not the best, and where they fail, the best is that of the search.
func TestInjectedIndividualsThatAreWorseOrFailChangeNothing(t *testing.T) {
	stop := l2l.Stop{Generations: 8, Stagnation: 6}
	broken := func(e l2l.Evaluation) l2l.Result {
		if l2l.IsInjected(e.Individual) && e.Individual%2 == 0 {
			r := answer(e)
			r.Ending, r.Reason = l2l.Failed, "it does not like what is injected"
			return r
		}
		return bowl(e)
	}
	whole := run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "cmaes"), rules()), Evaluator: newEvaluator(9, bowl), Stop: stop})
	for _, at := range []int{0, 5, 20} {
		l, c := injecting(t, "cmaes", rules(), stop, &memory{}, 1, broken, at, bottom, aside)
		s := run(t, l)
		if s.TrajectoryHash != whole.TrajectoryHash || s.Answer.Told != whole.Answer.Told || s.Failures != 0 || s.Evaluations != whole.Evaluations+2 {
			t.Errorf("at %d: %+v, want %+v and 2 evaluations more", at, s, whole)
		}
		attempts := 0
		for _, e := range c.seen {
			if e.Individual == l2l.FirstInjected {
				attempts++
			}
		}
		if attempts != 3 {
			t.Errorf("at %d: the one that fails had %d attempts, want 3", at, attempts)
		}
	}
}

func TestSearchWithInjectedIndividualsIsResumedFromAnyPrefixOfItsEvents(t *testing.T) {
	for name, r := range map[string]l2l.Rules{
		"cmaes": rules(), "genetic": func() l2l.Rules { r := rules(); r.Instances, r.Rotate, r.Replicates = 2, 2, 2; return r }(),
		"random": noisyRules(nil),
	} {
		evaluate := map[bool]func(l2l.Evaluation) l2l.Result{true: noisy, false: failing}[r.Stochastic]
		stop := l2l.Stop{Evaluations: 400}
		m := &memory{}
		l, _ := injecting(t, name, r, stop, m, 1, evaluate, 11, bottom, aside, bottom)
		want := run(t, l)
		for cut := 0; cut <= len(m.events); cut += 23 {
			for _, restored := range []bool{false, true} {
				search := l2l.NewSearch(newOptimizer(t, name), r)
				there := false
				for _, e := range m.events[:cut] {
					if _, err := search.Replay(e); err != nil {
						t.Fatalf("%s, cut at %d: %v", name, cut, err)
					}
					_, injected := e.(l2l.Injected)
					there = there || injected
				}
				if !there {
					continue
				}
				if restored {
					b, err := search.Snapshot()
					if err != nil {
						t.Fatal(err)
					}
					search = l2l.NewSearch(newOptimizer(t, name), r)
					if err := search.Restore(b); err != nil {
						t.Fatal(err)
					}
				}
				s := run(t, &l2l.Loop{Search: search, Evaluator: newEvaluator(uint64(cut), evaluate), Stop: stop})
				if s.TrajectoryHash != want.TrajectoryHash || s.Evaluations != want.Evaluations || s.Answer.Told != want.Answer.Told ||
					!slices.Equal(s.Answer.X, want.Answer.X) || s.Best.Individual.ID != want.Best.Individual.ID {
					t.Errorf("%s, cut at %d, from a snapshot: %t: %+v, answer %+v; want %+v, answer %+v", name, cut, restored, s, s.Answer, want, want.Answer)
				}
			}
		}
	}
}

// The evaluations of all together are no more than stop.evaluations, those of the finals included, in which what was injected takes part on fresh seeds.
func TestInjectedIndividualsCountAndTakePartInTheFinals(t *testing.T) {
	const limit = 1203
	for _, name := range []string{"cmaes", "cmaes_async", "genetic"} {
		m := &memory{}
		l, c := injecting(t, name, noisyRules(nil), l2l.Stop{Evaluations: limit}, m, 3, noisy, 20, bottom, aside)
		s := run(t, l)
		if s.Evaluations > limit || s.Evaluations < limit-2 || s.Reason.Rule != l2l.Evaluations {
			t.Errorf("%s: %d evaluations, of %d; ended by %v", name, s.Evaluations, limit, s.Reason)
		}
		_, _, parts := split(m.events)
		if len(parts) == 0 {
			t.Fatalf("%s: there were no finals", name)
		}
		seeds := map[uint64]bool{}
		for _, e := range c.seen {
			if seeds[e.Seed] && e.Individual >= 0 {
				t.Errorf("%s: the seed of individual %d is another's", name, e.Individual)
			}
			seeds[e.Seed] = true
			if e.Individual < 0 && slices.ContainsFunc(c.seen, func(o l2l.Evaluation) bool { return o.Individual >= 0 && o.Seed == e.Seed }) {
				t.Fatalf("%s: a finalist has a seed that the search had", name)
			}
		}
	}
	m := &memory{}
	l, _ := injecting(t, "random", noisyRules(nil), l2l.Stop{Evaluations: limit}, m, 3, noisy, 20, bottom, []float64{1.01, 3, 0.5, 0.5}, []float64{1, 3, 0.51, 0.5}, []float64{1, 3, 0.5, 0.51})
	run(t, l)
	_, _, parts := split(m.events)
	if !slices.ContainsFunc(parts[0].Finalists, func(f l2l.Finalist) bool { return l2l.IsInjected(f.Told) }) {
		t.Errorf("the finalists are %+v, want one among them that was injected at the bottom", parts[0].Finalists)
	}
}

func TestInjectionIsRefusedWhereItCannotBe(t *testing.T) {
	refused := func(name string, objectives int, r l2l.Rules, stop l2l.Stop, when func(e l2l.Event) bool, n int) string {
		var text string
		o := &l2l.Orders{}
		asked := false
		l := &l2l.Loop{Search: l2l.NewSearch(newOptimizerOf(t, name, objectives), r), Evaluator: newEvaluator(1, map[int]func(l2l.Evaluation) l2l.Result{
			1: noisy, 2: trading}[objectives]), Orders: o, Stop: stop}
		l.Observers = []l2l.Observer{func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
			if !asked && when(e) {
				asked = true
				o.Give(l2l.Order{Do: func(l *l2l.Loop) {
					under := l.UnderWay()
					_, err := l.Inject(slices.Repeat([][]float64{bottom}, n), "somebody")
					if text = fmt.Sprint(err); l.UnderWay() != under {
						t.Errorf("%s: something is under way", text)
					}
				}})
			}
		}}
		run(t, l)
		return text
	}
	first := func(e l2l.Event) bool { _, ok := e.(l2l.Result); return ok }
	finals := func(e l2l.Event) bool { _, ok := e.(l2l.Finals); return ok }
	two := rules()
	two.Objectives = append(slices.Clone(objectives), objectives[0])
	two.Objectives[1].Name = "cost"
	for _, c := range []struct{ got, want string }{
		{refused("nsga2", 2, two, l2l.Stop{Generations: 2}, first, 1), "the run searches for a front"},
		{refused("cmaes", 1, noisyRules(nil), l2l.Stop{Evaluations: 400}, finals, 1), "the search has ended"},
		{refused("cmaes", 1, rules(), l2l.Stop{Evaluations: 40}, first, 33), "33 individuals of 1 evaluations each are more than stop.evaluations leaves: 32 individuals"},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	search := l2l.NewSearch(newOptimizer(t, "cmaes"), rules())
	if _, err := search.Replay(l2l.Injected{Individuals: []l2l.Individual{{ID: l2l.FirstInjected + 1, X: bottom}}}); err == nil {
		t.Error("an injected individual that has another's number is replayed")
	}
}
