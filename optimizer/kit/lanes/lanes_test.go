package lanes_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/lanes"
)

// walk is a lane: each generation is drawn around the best individual of the one before; it begins again after so many generations.
type walk struct {
	problem optimizer.Problem
	size    int
	length  int     // generations of a run; 0: there is one
	ahead   float64 // by so much its level is better than the loss that it has come to
	s       walkState
}

type walkState struct {
	Gen      kit.Generation
	Src      *kit.Source
	At       codec.Vector
	Level    float64
	Restarts optimizer.Restarts
}

var walking = optimizer.Algorithm{Name: "walk"}

func (w *walk) draw() []float64 {
	rng := rand.New(w.s.Src)
	x := slices.Clone(w.s.At)
	for i := range x {
		x[i] += 0.1 * rng.NormFloat64()
	}
	w.problem.Clip(x)
	return x
}

func (w *walk) Ask(most int) ([]optimizer.Candidate, error) {
	if w.s.Gen.Idle() {
		xs := make([][]float64, w.size)
		for i := range xs {
			xs[i] = w.draw()
		}
		w.s.Gen.Begin(xs)
	}
	return w.s.Gen.Ask(most), nil
}

func (w *walk) Tell(results []optimizer.Evaluated) error {
	complete, err := w.s.Gen.Tell(results, w.problem, func(int) []float64 { return w.draw() })
	if complete {
		if ranked := w.s.Gen.Ranked(); len(ranked) > 0 {
			w.s.At, w.s.Level = slices.Clone(ranked[0].X), ranked[0].Loss
		}
		w.s.Gen.End()
		if w.length > 0 && w.s.Gen.Number%w.length == 0 {
			w.s.At = w.problem.Draw(rand.New(w.s.Src))
			w.s.Restarts.Add(optimizer.Restart{Reason: "length", PopSize: w.size})
		}
	}
	return err
}

func (w *walk) Status() optimizer.Status {
	st := w.s.Gen.Status()
	st.Restarts = w.s.Restarts
	return st
}
func (w *walk) MarshalBinary() ([]byte, error) { return kit.EncodeState(walking, 1, w.problem, w.s) }
func (w *walk) UnmarshalBinary(b []byte) error {
	return kit.DecodeState(walking, 1, w.problem, b, &w.s)
}
func (w *walk) Size() int      { return w.size }
func (w *walk) Level() float64 { return w.s.Level - w.ahead }

var problem = optimizer.Box(3, -5, 5)

// newSet is a set of walks of these sizes, of which the first begins again after so many generations.
func newSet(sizes []int, most, open, length int, seed uint64) *lanes.Set {
	return lanes.New(problem, lanes.Rules{Base: sizes, Most: most, Open: open, New: func(n int, seed uint64) (lanes.Member, error) {
		w := &walk{problem: problem, size: sizes[(n-1)%len(sizes)], s: walkState{Src: kit.NewSource(seed), At: make([]float64, 3), Level: 1e9}}
		if n == 1 {
			w.length = length
		}
		return w, nil
	}}, seed)
}

func loss(x []float64) float64 { return x[0]*x[0] + x[1]*x[1] + (x[2]-1)*(x[2]-1) }

// world is a set under evaluation.
type world struct {
	t     *testing.T
	set   *lanes.Set
	slots int
	under []optimizer.Candidate
	lanes map[int][]optimizer.Candidate // in the order of asking
}

func newWorld(t *testing.T, set *lanes.Set, slots int) *world {
	return &world{t: t, set: set, slots: slots, lanes: map[int][]optimizer.Candidate{}}
}

// ask fills the slots, as far as the set does.
func (w *world) ask() {
	w.t.Helper()
	for len(w.under) < w.slots {
		cs, err := w.set.Ask(w.slots - len(w.under))
		if err != nil {
			w.t.Fatal(err)
		}
		if len(cs) == 0 {
			return
		}
		for _, c := range cs {
			w.under = append(w.under, c)
			w.lanes[c.Lane] = append(w.lanes[c.Lane], c)
		}
	}
}

// tell ends an evaluation.
func (w *world) tell(at int) {
	w.t.Helper()
	c := w.under[at]
	w.under = slices.Delete(w.under, at, at+1)
	ev := optimizer.Evaluated{ID: c.ID, Loss: []float64{loss(c.X)}, Failed: c.X[0] > 4}
	if err := w.set.Tell([]optimizer.Evaluated{ev}); err != nil {
		w.t.Fatal(err)
	}
}

// underWay is the number of individuals under way by lane.
func (w *world) underWay() map[int]int {
	n := map[int]int{}
	for _, c := range w.under {
		n[c.Lane]++
	}
	return n
}

func TestSetFillsTheSlotsWithAGenerationOfEachLane(t *testing.T) {
	w := newWorld(t, newSet([]int{60, 24, 10}, 3, 94, 0, 1), 94)
	for round := range 20 {
		w.ask()
		n := w.underWay()
		if n[1] != 60 || n[2] != 24 || n[3] != 10 {
			t.Fatalf("round %d: %v under way", round, n)
		}
		for len(w.under) > 0 { // equally long, so that all end at once, and none is proposed in between
			w.tell(0)
		}
	}
	if g := w.set.Status().Generation; g != 20 {
		t.Errorf("%d generations", g)
	}
}

// Evaluations of equal length do not end in one moment. A slot that is free for that long must not be taken by a lane that would keep it for as
// long as all others need for their next generation, even where that lane has many to propose.
func TestSetKeepsSlotsForALaneWhoseLastResultsAreComing(t *testing.T) {
	set := lanes.New(problem, lanes.Rules{Base: []int{60, 24, 10}, Most: 24, Open: 94, New: func(n int, seed uint64) (lanes.Member, error) {
		return &walk{problem: problem, size: []int{60, 240, 10}[n-1], s: walkState{Src: kit.NewSource(seed), At: make([]float64, 3), Level: 1e9}}, nil
	}}, 1)
	w := newWorld(t, set, 94)
	rng := rand.New(rand.NewPCG(4, 4))
	for round := range 40 {
		w.ask()
		if n := w.underWay(); n[1] != 60 || n[2] != 24 || n[3] != 10 {
			t.Fatalf("round %d: %v under way", round, n)
		}
		for left := len(w.under); left > 0; left-- { // those of this round, which come first
			w.tell(rng.IntN(left))
			w.ask()
		}
	}
}

func TestSetSharesTooFewSlotsOutByThePopulations(t *testing.T) {
	w := newWorld(t, newSet([]int{60, 24, 10}, 24, 94, 0, 1), 7)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 94 * 50 {
		w.ask()
		w.tell(rng.IntN(len(w.under)))
	}
	for lane, size := range []int{60, 24, 10} {
		if generations := len(w.lanes[lane+1]) / size; generations < 35 || generations > 65 {
			t.Errorf("lane %d has had %d generations, want about 50", lane+1, generations)
		}
	}
}

// Where the large lane waits for a few evaluations that take long, the others must not wait with it.
func TestSetAddsLanesWhereEvaluationsTakeUnequallyLong(t *testing.T) {
	w := newWorld(t, newSet([]int{60, 24, 10}, 40, 94, 0, 1), 94)
	rng := rand.New(rand.NewPCG(1, 2))
	slow := map[int64]int{} // turns that an evaluation still takes
	idle := 0
	const turns = 1000
	for turn := range turns {
		w.ask()
		if turn > turns/2 {
			idle += 94 - len(w.under)
		}
		for i := 0; i < len(w.under); {
			id := w.under[i].ID
			if _, known := slow[id]; !known {
				slow[id] = 1
				if rng.IntN(10) == 0 {
					slow[id] = 10
				}
			}
			if slow[id]--; slow[id] == 0 {
				w.tell(i)
			} else {
				i++
			}
		}
	}
	if part := float64(idle) / (94 * turns / 2); part > 0.1 {
		t.Errorf("%.0f %% of the slots are idle, with %d lanes", 100*part, len(w.lanes))
	}
	if len(w.lanes) <= 3 || len(w.lanes) > 40 {
		t.Errorf("there are %d lanes", len(w.lanes))
	}
}

func TestSetGivesWhatHasGrownMoreOnceTheFirstLaneHasConverged(t *testing.T) {
	for _, c := range []struct{ length, again int }{{0, 0}, {3, 0}, {3, 1000}} {
		large := []int{60, 24, 10}
		set := lanes.New(problem, lanes.Rules{Base: large, Most: 3, Open: 94, Again: c.again, New: func(n int, seed uint64) (lanes.Member, error) {
			w := &walk{problem: problem, size: []int{60, 240, 10}[n-1], s: walkState{Src: kit.NewSource(seed), At: make([]float64, 3), Level: 1e9}}
			if n == 1 {
				w.length = c.length
			}
			return w, nil
		}}, 1)
		w := newWorld(t, set, 94)
		most := 0
		for range 94 * 30 {
			w.ask()
			most = max(most, w.underWay()[2])
			w.tell(0)
		}
		if kept := c.length == 0 || c.again > 0; kept && most > 24 || !kept && most < 60 {
			t.Errorf("with runs of %d generations, %d of them with slots kept after the first: the lane that has grown has had up to %d", c.length, c.again, most)
		}
	}
}

// Once the first lanes have converged, one that has grown would take all slots for itself.
func TestSetKeepsAPartOfTheSlotsForLanesThatAreAdded(t *testing.T) {
	for _, c := range []struct {
		added, ahead float64 // Rules.Added, and by how much lanes that are added are better
		runs         int     // of the second lane that have converged
		want         float64 // part of the slots that lanes which are added have
	}{{0, 0, 1, 0}, {0.25, 0, 0, 0}, {0.25, -1e10, 1, 0.25}, {0.25, 1e10, 1, 0.5}} {
		set := lanes.New(problem, lanes.Rules{Base: []int{60, 24, 10}, Most: 9, Open: 94, Added: c.added, New: func(n int, seed uint64) (lanes.Member, error) {
			w := &walk{problem: problem, size: []int{60, 24000, 10, 24, 10}[min(n, 5)-1], s: walkState{Src: kit.NewSource(seed), At: make([]float64, 3), Level: 1e9}}
			if n == 1 {
				w.length = 3
			}
			if n == 2 {
				w.s.Restarts.Count = c.runs
			}
			if n > 3 {
				w.ahead = c.ahead
			}
			return w, nil
		}}, 1)
		w := newWorld(t, set, 94)
		added, all := 0, 0
		for turn := range 94 * 40 {
			w.ask()
			if n := w.underWay(); turn > 94*10 {
				for lane, under := range n {
					all += under
					if lane > 3 {
						added += under
					}
				}
			}
			w.tell(0)
		}
		if got := float64(added) / float64(all); math.Abs(got-c.want) > 0.03 {
			t.Errorf("%+v: lanes that are added have %.2f of the slots", c, got)
		}
	}
}

func TestSetHasTheSameLanesWhoeverFinishesFirstAndThroughSnapshots(t *testing.T) {
	var first map[int][]optimizer.Candidate
	for order := range uint64(8) {
		w := newWorld(t, newSet([]int{20, 8, 5}, 12, 33, 7, 9), []int{33, 33, 100, 12, 1, 3, 50, 33}[order])
		rng := rand.New(rand.NewPCG(order, 5))
		for i := range 1500 {
			w.ask()
			w.tell(rng.IntN(1 + rng.IntN(len(w.under))))
			if order%2 == 1 && i%37 == 0 {
				before, err := w.set.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				a, err := codec.Marshal(before)
				if err != nil {
					t.Fatal(err)
				}
				again := newSet([]int{20, 8, 5}, 12, 33, 7, 1)
				if err := again.Restore(before); err != nil {
					t.Fatal(err)
				}
				after, err := again.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				if b, err := codec.Marshal(after); err != nil || !bytes.Equal(a, b) {
					t.Fatalf("the state restored is another one (%v)", err)
				}
				w.set = again
			}
		}
		if first == nil {
			first = w.lanes
		}
		for lane, cs := range w.lanes {
			for i := range min(len(cs), len(first[lane])) {
				if a, b := cs[i], first[lane][i]; a.Generation != b.Generation || !slices.Equal(a.X, b.X) {
					t.Fatalf("order %d: individual %d of lane %d is %+v, want %+v", order, i, lane, a, b)
				}
			}
		}
	}
}

func TestSetRefusesStatesOfOtherLanes(t *testing.T) {
	w := newWorld(t, newSet([]int{20, 8, 5}, 12, 33, 7, 9), 33)
	w.ask()
	s, err := w.set.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(s *lanes.State){
		"a lane too few": func(s *lanes.State) { s.Lanes = s.Lanes[:2] },
		"an individual of no lane": func(s *lanes.State) {
			s.Stream.Open = slices.Clone(s.Stream.Open)
			s.Stream.Open[3].Memo.Lane = 12
		},
		"no random stream": func(s *lanes.State) { s.Src = nil },
		"a lane without its state": func(s *lanes.State) {
			s.Lanes = slices.Clone(s.Lanes)
			s.Lanes[1].State = nil
		},
	} {
		other := s
		change(&other)
		if err := newSet([]int{20, 8, 5}, 12, 33, 7, 9).Restore(other); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if err := newSet([]int{20, 8, 5}, 12, 33, 7, 9).Restore(s); err != nil {
		t.Error(err)
	}
}

// hasty is a walk that is told whether to hurry.
type hasty struct {
	*walk
	hurried *bool
}

func (h hasty) Hurry(late bool) { *h.hurried = late }

// newHasty is a set of two lanes of walks that choose their quorum, and of those that are added.
func newHasty(hurried *bool) *lanes.Set {
	return lanes.New(problem, lanes.Rules{Base: []int{90, 10}, Most: 8, Open: 100, New: func(n int, seed uint64) (lanes.Member, error) {
		w := &walk{problem: problem, size: 90, s: walkState{Src: kit.NewSource(seed), At: make([]float64, 3), Level: 1e9}}
		if n == 2 {
			w.size = 10
		}
		return hasty{w, hurried}, nil
	}}, 1)
}

// The first lane's generation takes until the end; scouts that end quickly tell long before that it is late, and no other lane is added.
func TestSetSendsScoutsByWhichItIsSoonKnownWhatIsLate(t *testing.T) {
	hurried := false
	w := newWorld(t, newHasty(&hurried), 100)
	w.ask()
	for range 10 { // those of the second lane, which is complete then
		w.tell(slices.IndexFunc(w.under, func(c optimizer.Candidate) bool { return c.Lane == 2 }))
		w.ask()
	}
	if n := w.underWay(); n[1] != 90 || n[2] != 0 || n[3] != 10 {
		t.Fatalf("%v under way, want 10 scouts of lane 3 in the slots of the second", n)
	}
	for told := 0; !hurried; told++ {
		if told == 30 {
			t.Fatal("after 30 scouts it is not known that 90 individuals are late")
		}
		w.tell(slices.IndexFunc(w.under, func(c optimizer.Candidate) bool { return c.Lane > 1 }))
		w.ask()
	}
	for range 200 {
		w.tell(slices.IndexFunc(w.under, func(c optimizer.Candidate) bool { return c.Lane > 1 }))
		w.ask()
		if n := w.underWay(); n[1]+n[2] == 100 {
			return
		}
	}
	t.Errorf("%v under way, want none of lanes that were added", w.underWay())
}

// Where evaluations take equally long, scouts have the slots of the smallest lane for three rounds, and those of no other.
func TestSetSendsScoutsThatCostNoOtherLaneARound(t *testing.T) {
	hurried := false
	w := newWorld(t, newHasty(&hurried), 100)
	for round := range 20 {
		w.ask()
		n := w.underWay()
		if n[1] != 90 || round > 3 && n[2] != 10 {
			t.Fatalf("round %d: %v under way", round, n)
		}
		for left := len(w.under); left > 0; left-- {
			w.tell(0)
			w.ask()
		}
	}
	if hurried {
		t.Error("something is late where all take equally long")
	}
}
