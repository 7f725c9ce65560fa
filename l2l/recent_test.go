package l2l_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func TestFittedFinalistsAreBetterThanTheLuckiestWhateverTheOptimizer(t *testing.T) {
	space := optimizee.Space{
		{Name: "a", Lower: -5, Upper: 5}, {Name: "b", Lower: -5, Upper: 5}, {Name: "n", Kind: optimizee.Int, Lower: -4, Upper: 4},
	}
	value := func(x []float64) float64 { return (x[0]-1)*(x[0]-1) + (x[1]+2)*(x[1]+2) + (x[2]-1)*(x[2]-1)/10 }
	evaluate := func(e l2l.Evaluation) l2l.Result {
		r := answer(e)
		r.Fitness = codec.Vector{value(e.X) + 3*rand.New(rand.NewPCG(e.Seed, 0)).NormFloat64()}
		return r
	}
	for _, name := range []string{"random", "genetic"} {
		for _, fitted := range []bool{true, false} {
			rules := noisyRules(func(r *l2l.Rules) { r.Finalists.Fitted = fitted })
			m := &memory{}
			run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizerFor(t, name, space), rules), Evaluator: newEvaluator(3, evaluate), Recorder: m,
				Stop: l2l.Stop{Evaluations: 1200}})
			_, _, parts := split(m.events)
			found, told := math.Inf(1), math.Inf(1)
			for _, f := range parts[0].Finalists {
				switch f.Origin {
				case l2l.Fitted:
					found = min(found, value(f.X))
					if f.Told != -1 || f.X[2] != math.Round(f.X[2]) {
						t.Errorf("%s: %+v, want a point that was not told, with a whole number", name, f)
					}
				case l2l.BestTold:
					told = value(f.X)
				}
			}
			if fitted && !(found < 0.3 && found < told) {
				t.Errorf("%s: the fitted finalists have %.3g at best, and the luckiest %.3g", name, found, told)
			}
			if !fitted && !math.IsInf(found, 1) {
				t.Errorf("%s: there are fitted finalists, and the rules want none", name)
			}

			again := l2l.NewSearch(newOptimizerFor(t, name, space), rules)
			for _, e := range m.events {
				if _, err := again.Replay(e); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestFittedFinalistsAreTheSameAfterASnapshot(t *testing.T) {
	rules := noisyRules(func(r *l2l.Rules) { r.Finalists.Fitted = true })
	m := &memory{}
	run(t, &l2l.Loop{Search: l2l.NewSearch(newOptimizer(t, "genetic"), rules), Evaluator: newEvaluator(3, noisy), Recorder: m,
		Stop: l2l.Stop{Evaluations: 600}})
	search := l2l.NewSearch(newOptimizer(t, "genetic"), rules)
	checked := false
	for _, e := range m.events {
		if f, is := e.(l2l.Finals); is && len(f.Finalists) > 0 {
			snapshot, err := search.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			search = l2l.NewSearch(newOptimizer(t, "genetic"), rules)
			if err := search.Restore(snapshot); err != nil {
				t.Fatal(err)
			}
			checked = true
		}
		got, err := search.Replay(e)
		if err != nil {
			t.Fatalf("%T: %v", e, err)
		}
		if f, is := e.(l2l.Finals); is && !reflect.DeepEqual(got, l2l.Event(f)) {
			t.Fatalf("%+v, want %+v", got, f)
		}
	}
	if !checked {
		t.Error("there were no finals")
	}
}
