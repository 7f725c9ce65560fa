package portfolio

import (
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func box(dim, parallel int) optimizer.Problem {
	p := optimizer.Box(dim, -5, 5)
	p.Parallel = parallel
	return p
}

func TestPortfolioTakesTurnsUnlessThereIsRoomForAll(t *testing.T) {
	a := algorithm()
	for _, c := range []struct {
		parallel int
		turns    string
		want     bool
	}{{0, "", false}, {1, "", false}, {139, "", false}, {140, "", true}, {1024, "", true}, {1024, oneByOne, false}, {1, atOnce, true}} {
		par := Defaults() // cmaes has 10 individuals in 10 dimensions, and lshade 60
		par.Turns = c.turns
		o, err := a.New(box(10, c.parallel), &par, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := o.(*Parallel); got != c.want || (par.Turns == atOnce) != c.want {
			t.Errorf("%d in parallel, turns %q: it is %T, with turns = %s", c.parallel, c.turns, o, par.Turns)
		}
	}
	if _, err := New(box(10, 1024), Params{Turns: atOnce, LeastShare: 0.1, LearningRate: 0.1}, 1); err == nil {
		t.Error("a portfolio of turns takes turns = at_once")
	}
}

// rounds asks for as many as the slots, and tells of all, so many times. It returns how many individuals of each lane were under way in the last one.
func rounds(t *testing.T, o *Parallel, slots, n int, loss func(x []float64) float64) map[int]int {
	t.Helper()
	lanes := map[int]int{}
	for range n {
		cs, err := o.Ask(slots)
		if err != nil {
			t.Fatal(err)
		}
		clear(lanes)
		var evs []optimizer.Evaluated
		for _, c := range cs {
			lanes[c.Lane]++
			evs = append(evs, optimizer.Evaluated{ID: c.ID, Loss: []float64{loss(c.X)}})
		}
		if err := o.Tell(evs); err != nil {
			t.Fatal(err)
		}
	}
	return lanes
}

// Lanes 1 to 5 are of cmaes, in its half of the slots; the others are of lshade.
func TestPortfolioMembersHaveTheSamePartOfTheSlots(t *testing.T) {
	o := rig.Made(NewParallel(box(10, 1024), Defaults(), 1))(t)
	under := rounds(t, o, 1024, 1, rig.Losses["sphere"])
	first, second := 0, 0
	for lane, n := range under {
		if lane <= 5 {
			first += n
		} else {
			second += n
		}
	}
	if first < 500 || first > 512 || second != 480 { // 8 populations of 60
		t.Errorf("%d individuals of cmaes are under way, and %d of lshade, in the lanes %v", first, second, under)
	}
}

func TestPortfolioMemberThatHasEndedIsFollowedByAnother(t *testing.T) {
	par := Defaults()
	par.Members = []string{"snes"} // which ends when it has converged
	o := rig.Made(NewParallel(box(1, 40), par, 1))(t)
	rounds(t, o, 40, 300, rig.Losses["sphere"])
	st := o.Status()
	if st.Restarts.Count < 5 || st.Stop != "" {
		t.Errorf("it has begun again %d times, and stops by %q", st.Restarts.Count, st.Stop)
	}
	if under := rounds(t, o, 40, 1, rig.Losses["sphere"]); len(under) < 5 {
		t.Errorf("at the end, %v are under way", under)
	}
}

// A thousand slots must be worth something: f8 of BBOB is near to this.
func TestPortfolioOnManySlotsTakesAThirdOfTheTime(t *testing.T) {
	var turns, atOnce []int
	for seed := range uint64(3) {
		one := newSearch(t, box(6, 0), seed)
		n := 0
		for one.Status().Best == nil || one.Status().Best.Loss[0] > 1e-8 {
			rig.Round(t, one, rig.Losses["rosenbrock"])
			n++
		}
		all := rig.Made(NewParallel(box(6, 600), Defaults(), seed))(t)
		m := 0
		for all.Status().Best == nil || all.Status().Best.Loss[0] > 1e-8 {
			rounds(t, all, 600, 1, rig.Losses["rosenbrock"])
			m++
		}
		turns, atOnce = append(turns, n), append(atOnce, m)
	}
	slices.Sort(turns)
	slices.Sort(atOnce)
	if turns[1] < 3*atOnce[1] {
		t.Errorf("%d generations in turns, %d rounds at once", turns[1], atOnce[1])
	}
}
