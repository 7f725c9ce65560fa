package bayes

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// wells has two valleys as wide as each other: one of depth 1, and one of depth 1.2, the minimum.
func wells(x []float64) float64 {
	near, far := 0.0, 0.0
	for _, v := range x {
		near += (v - 1) * (v - 1)
		far += (v + 3) * (v + 3)
	}
	return -math.Exp(-near/6) - 1.2*math.Exp(-far/6)
}

// searched makes a search of wells in n dimensions.
func searched(t *testing.T, n int, seed uint64, change func(*Params)) *Search {
	t.Helper()
	par := Defaults()
	change(&par)
	return rig.Made(New(optimizer.Box(n, -5, 5), par, seed))(t)
}

// until tells the search of wells until it has so many restarts or ends, and returns what has been evaluated.
func until(t *testing.T, o *Search, restarts int) (points [][]float64) {
	t.Helper()
	for st := o.Status(); st.Stop == "" && st.Restarts.Count < restarts; st = o.Status() {
		for _, c := range rig.Round(t, o, wells) {
			points = append(points, slices.Clone(c.X))
		}
	}
	return points
}

// A search that has converged in the wrong valley must not spend its other evaluations there.
func TestBayesBeginsAgainAndFindsTheOtherValley(t *testing.T) {
	t.Parallel()
	const seeds = 5
	stuck, still := 0, 0
	for seed := range uint64(seeds) {
		o := searched(t, 3, seed, func(*Params) {})
		until(t, o, 1)
		if o.Status().Best.Loss[0] > -1.19 {
			stuck++
			for o.Status().Stop == "" && o.Status().Told < 200 && o.Status().Best.Loss[0] > -1.19 {
				rig.Round(t, o, wells)
			}
			if o.Status().Best.Loss[0] > -1.19 {
				still++
			}
		}
	}
	if stuck == 0 || 4*still > stuck {
		t.Errorf("the first run of %d of %d searches ended in the wrong valley, and %d were there after 200 evaluations", stuck, seeds, still)
	}
}

func TestBayesRunBeginsWithADesignAndForgetsTheOneBefore(t *testing.T) {
	t.Parallel()
	o := searched(t, 2, 1, func(p *Params) { p.InitialSamples = 11 })
	first := until(t, o, 1)
	st := o.Status()
	if r := st.Restarts; r.Count != 1 || r.Last[0].Told != int64(len(first)) || r.Last[0].PopSize != 4 ||
		!strings.HasPrefix(r.Last[0].Reason, "tol_improvement: ") {
		t.Errorf("restarts are %+v after %d evaluations", r, len(first))
	}
	design := rig.Round(t, o, wells)
	if len(design) != 11 || len(o.s.Results) != 11 {
		t.Fatalf("%d individuals first and %d results in the model, want 11", len(design), len(o.s.Results))
	}
	if best := o.Status().Best; best.Loss[0] > st.Best.Loss[0] {
		t.Errorf("the best is %v, and was %v", best.Loss[0], st.Best.Loss[0])
	}
	b, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	resumed := searched(t, 2, 2, func(p *Params) { p.InitialSamples = 11 })
	if err := resumed.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if a, b := rig.Round(t, o, wells), rig.Round(t, resumed, wells); !slices.EqualFunc(a, b, func(a, b optimizer.Candidate) bool {
			return a.ID == b.ID && slices.Equal(a.X, b.X)
		}) {
			t.Fatalf("%v, and %v of the resumed search", a, b)
		}
	}
	// What has been evaluated in the first run is known in the second.
	known := o.known(nil)
	if !known(first[0]) || !known(first[len(first)-1]) {
		t.Error("a point of the first run is not known in the second")
	}
}

// A run that was begun by an earlier build goes on as it did: it ends when it has converged, ten generations long.
func TestBayesWithoutRestartsEndsWhereItAlwaysHas(t *testing.T) {
	t.Parallel()
	o, again := searched(t, 2, 1, func(p *Params) { p.Restarts = none }), searched(t, 2, 1, func(p *Params) {})
	all, first := until(t, o, 1), until(t, again, 1)
	if st := o.Status(); st.Stop != "tol_improvement: an improvement by less than 0.0001 standard deviations of the losses is expected anywhere" ||
		st.Restarts.Count != 0 {
		t.Errorf("it has ended: %q, after %d restarts", st.Stop, st.Restarts.Count)
	}
	if len(all) < len(first)+(lastly-patience)*4 || !slices.EqualFunc(all[:len(first)], first, slices.Equal[[]float64]) {
		t.Errorf("%d evaluations without restarts, and %d others before the first one", len(all), len(first))
	}
}

func TestBayesEndsAfterMaxRestarts(t *testing.T) {
	t.Parallel()
	o := searched(t, 2, 3, func(p *Params) { p.MaxRestarts = 1 })
	until(t, o, 2)
	if st := o.Status(); st.Restarts.Count != 1 || !strings.HasSuffix(st.Stop, ", after 1 restarts") {
		t.Errorf("it ends with %q after %d restarts", st.Stop, st.Restarts.Count)
	}
}

// In a space of which every point has been evaluated, another run would find nothing.
func TestBayesDoesNotBeginAgainWhereThereIsNoOtherPoint(t *testing.T) {
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Upper: 5}, {Kind: optimizer.Categorical, Upper: 3}}}
	o := rig.Made(New(problem, Defaults(), 3))(t)
	for o.Status().Stop == "" && o.Status().Told < 100 {
		rig.Round(t, o, func(x []float64) float64 { return x[0] + x[1] })
	}
	if st := o.Status(); st.Stop == "" || st.Restarts.Count > 0 && st.Told > 40 {
		t.Errorf("stop %q after %d evaluations of 24 points, and %d restarts", st.Stop, st.Told, st.Restarts.Count)
	}
}

// Under noise the runs that have ended are recommended too, each at the least of its own model.
func TestBayesRecommendsWhereEachRunHasEnded(t *testing.T) {
	t.Parallel()
	o := searched(t, 2, 1, func(*Params) {})
	until(t, o, 2)
	xs := o.Recommend()
	if len(xs) != 2 {
		t.Fatalf("%v is recommended after two runs, want two points", xs)
	}
	if wells(xs[0]) > wells(xs[1])+1e-6 || math.Abs(wells(xs[0])-o.Status().Best.Loss[0]) > 1e-3 {
		t.Errorf("losses of %v and %v are recommended, and the best is %v", wells(xs[0]), wells(xs[1]), o.Status().Best.Loss[0])
	}
	rig.Round(t, o, wells)
	if now := o.Recommend(); len(now) != 2 {
		t.Errorf("%v is recommended where the third run has no model yet", now)
	}
	rig.Round(t, o, wells)
	if now := o.Recommend(); len(now) != 3 || !slices.Equal(now[0], xs[0]) {
		t.Errorf("%v is recommended in the third run, want %v first", now, xs[0])
	}
}

// The unit of the model is that of the losses, whatever their size.
func TestBayesTellsItsModelsLossesInTheirOwnUnit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, size := range []float64{1e-200, 1, 1e200} {
		var results []result
		for range 9 {
			results = append(results, result{Loss: size * (3 + rng.NormFloat64())})
		}
		results = append(results, result{Failed: true})
		values, in := standardised(results)
		for i, r := range results[:9] {
			if got := in.loss(values[i]); math.Abs(got-r.Loss) > 1e-9*size && r.Loss < 5*size {
				t.Errorf("a loss of %v is %v in the model's unit", r.Loss, got)
			}
		}
	}
	if values, in := standardised([]result{{Loss: 4}, {Loss: 4}}); values[0] != 0 || in.loss(0) != 4 {
		t.Errorf("equal losses are %v, and 0 is %v", values, in.loss(0))
	}
}

func TestBayesStateDoesNotGrowWithItsRestarts(t *testing.T) {
	t.Parallel()
	o := searched(t, 2, 1, func(p *Params) { p.MaxPoints, p.MaxRestarts, p.TolImprovement = 20, 100, 0.9 })
	until(t, o, 30)
	if len(o.s.Past) != 20 || len(o.s.Ends) != mostEnds || o.Status().Restarts.Count != 30 {
		t.Errorf("%d results and %d ends are remembered of %d runs, want 20 and %d", len(o.s.Past), len(o.s.Ends), o.Status().Restarts.Count, mostEnds)
	}
}
