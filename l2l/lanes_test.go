package l2l_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// laned is a search of several lanes: of one algorithm, or of several.
func laned(t *testing.T, name string, r l2l.Rules) *l2l.Search {
	t.Helper()
	problem := l2l.Problem(space, 0)
	problem.Parallel, problem.Quorum = map[string]int{"cmaes": 180, "portfolio": 340}[name], 1
	return l2l.NewSearch(newOptimizerOn(t, name, problem, 5), r)
}

var lanedNames = []string{"cmaes", "portfolio"}

// unlucky is bowl, of which one evaluation of eleven fails, whoever has it.
func unlucky(e l2l.Evaluation) l2l.Result {
	if e.Seed%11 == 3 {
		r := answer(e)
		r.Ending, r.Reason = l2l.Failed, "unlucky"
		return r
	}
	return bowl(e)
}

// told is what is known of an individual of a lane.
type told struct {
	ind     l2l.Individual
	results string
}

// byLane are the individuals of a run's lanes, in the order of their numbers there, with their results in the order of instances and replicates.
// Those that lack a result are left out.
func byLane(t *testing.T, events []l2l.Event, each int) map[int][]told {
	t.Helper()
	lanes, of, results := map[int][]told{}, map[int64]l2l.Individual{}, map[int64][]string{}
	for _, e := range events {
		switch e := e.(type) {
		case l2l.Asked:
			for _, ind := range e.Individuals {
				if ind.Lane < 1 || ind.Nth != int64(len(lanes[ind.Lane])) {
					t.Fatalf("individual %d has number %d in lane %d, which has %d", ind.ID, ind.Nth, ind.Lane, len(lanes[ind.Lane]))
				}
				of[ind.ID] = ind
				lanes[ind.Lane] = append(lanes[ind.Lane], told{ind: ind})
			}
		case l2l.Result:
			results[e.Individual] = append(results[e.Individual], fmt.Sprint(e.Instance, e.Replicate, e.Attempt, e.Ending, e.Fitness))
		}
	}
	for id, ind := range of {
		if rs := results[id]; len(rs) == each {
			slices.Sort(rs)
			lanes[ind.Lane][ind.Nth].results = fmt.Sprint(rs)
		}
	}
	return lanes
}

// agree fails unless two runs have the same individuals in every lane, as far as both have come, with the same results.
func agree(t *testing.T, what string, a, b map[int][]told) {
	t.Helper()
	common := 0
	for lane := range a {
		for i := range min(len(a[lane]), len(b[lane])) {
			x, y := a[lane][i], b[lane][i]
			if x.ind.Generation != y.ind.Generation || !slices.Equal(x.ind.X, y.ind.X) || x.results != "" && y.results != "" && x.results != y.results {
				t.Fatalf("%s: individual %d of lane %d is %+v and %+v", what, i, lane, x, y)
			}
			common++
		}
	}
	if common < 500 {
		t.Errorf("%s: only %d individuals in common", what, common)
	}
}

// laneRules have everything that an evaluation's seed depends on.
func laneRules(seeds l2l.Seeds, then l2l.Then) l2l.Rules {
	r := rules()
	r.Retries, r.Then, r.Replicates, r.Seeds, r.Finalists.Count = 0, then, 2, seeds, 0
	return r
}

func TestLanesAreTheSameWhoeverFinishesFirst(t *testing.T) {
	for _, name := range lanedNames {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				seeds l2l.Seeds
				then  l2l.Then
			}{{l2l.PerIndividual, l2l.RankWorst}, {l2l.Common, l2l.Resample}} {
				var first map[int][]told
				var hashes []string
				for order := range uint64(6) {
					journal, ev := &memory{}, newEvaluator(order, unlucky)
					ev.capacity = []int{120, 300, 7, 120, 40, 2}[order]
					s := laned(t, name, laneRules(c.seeds, c.then))
					run(t, &l2l.Loop{Search: s, Evaluator: ev, Recorder: journal, Stop: l2l.Stop{Evaluations: 3000}})
					lanes := byLane(t, journal.events, 2)
					if len(lanes) < 3 {
						t.Fatalf("%d lanes", len(lanes))
					}
					if order == 0 {
						first = lanes
					}
					agree(t, fmt.Sprintf("%s, order %d", c.seeds, order), first, lanes)
					hashes = append(hashes, s.TrajectoryHash())
				}
				if slices.Sort(hashes); len(slices.Compact(hashes)) < 6 { // else the test has not tried different orders
					t.Errorf("the lanes have come equally far: %v", hashes)
				}
			}
		})
	}
}

// A kill may come after any event. Whatever the ranks are then, the lanes go on as they would have.
func TestLanesResumedAfterAnyEventAreTheSame(t *testing.T) {
	for _, name := range lanedNames {
		t.Run(name, func(t *testing.T) {
			r := laneRules(l2l.PerIndividual, l2l.RankWorst)
			whole, ev := &memory{}, newEvaluator(1, unlucky)
			ev.capacity = 100
			run(t, &l2l.Loop{Search: laned(t, name, r), Evaluator: ev, Recorder: whole, Stop: l2l.Stop{Evaluations: 2500}, Record: l2l.Points})
			want := byLane(t, whole.events, 2)
			for cut := 0; cut <= len(whole.events); cut += 331 {
				search := laned(t, name, r)
				for i, e := range whole.events[:cut] {
					if _, err := search.Replay(e); err != nil {
						t.Fatalf("event %d: %v", i, err)
					}
					if i%57 == 3 || i == cut-1 { // and through a snapshot
						b, err := search.Snapshot()
						if err != nil {
							t.Fatal(err)
						}
						hash := search.TrajectoryHash()
						search = laned(t, name, r)
						if err := search.Restore(b); err != nil {
							t.Fatal(err)
						}
						if got := search.TrajectoryHash(); got != hash {
							t.Fatalf("after event %d the hash is %s, restored %s", i, hash, got)
						}
					}
				}
				ev := newEvaluator(uint64(cut)+2, unlucky)
				ev.capacity = 1 + cut%200
				rest := &memory{events: slices.Clone(whole.events[:cut])}
				run(t, &l2l.Loop{Search: search, Evaluator: ev, Recorder: rest, Stop: l2l.Stop{Evaluations: 2500}})
				agree(t, fmt.Sprintf("resumed after event %d", cut), want, byLane(t, rest.events, 2))

				replayed := laned(t, name, r)
				for i, e := range rest.events {
					if _, err := replayed.Replay(e); err != nil {
						t.Fatalf("resumed after event %d: event %d: %v", cut, i, err)
					}
				}
				if a, b := search.TrajectoryHash(), replayed.TrajectoryHash(); a != b {
					t.Fatalf("resumed after event %d: the hash is %s, replayed %s", cut, a, b)
				}
			}
		})
	}
}

func TestLanesSayHowFarTheyHaveComeAndHaveTheSameHashThere(t *testing.T) {
	for _, name := range lanedNames {
		t.Run(name, func(t *testing.T) {
			r := laneRules(l2l.PerIndividual, l2l.RankWorst)
			at := map[[2]int64]string{}
			compared := 0
			for order := range uint64(3) {
				s := laned(t, name, r)
				ev := newEvaluator(order, unlucky)
				ev.capacity = 120
				look := func(_ l2l.Event, _ *l2l.Individual, s *l2l.Search) {
					for _, lane := range s.Lanes() {
						place := [2]int64{int64(lane.Number), lane.Individuals}
						if was, ok := at[place]; ok && was != lane.Hash {
							t.Fatalf("lane %d after %d individuals has the hash %s, and %s in another run", lane.Number, lane.Individuals, lane.Hash, was)
						} else if ok && order > 0 {
							compared++
						}
						at[place] = lane.Hash
					}
				}
				run(t, &l2l.Loop{Search: s, Evaluator: ev, Stop: l2l.Stop{Evaluations: 1500}, Observers: []l2l.Observer{look}})
			}
			if compared < 1000 {
				t.Errorf("%d hashes were compared", compared)
			}
		})
	}
}

func TestLanesThatAreRecordedOtherwiseDiverge(t *testing.T) {
	for _, name := range lanedNames {
		t.Run(name, func(t *testing.T) {
			r := laneRules(l2l.PerIndividual, l2l.RankWorst)
			journal, ev := &memory{}, newEvaluator(1, bowl)
			ev.capacity = 100
			run(t, &l2l.Loop{Search: laned(t, name, r), Evaluator: ev, Recorder: journal, Stop: l2l.Stop{Evaluations: 300}})
			asked := journal.events[0].(l2l.Asked)
			for what, change := range map[string]func(ind *l2l.Individual){
				"another lane": func(ind *l2l.Individual) { ind.Lane++ }, "another number": func(ind *l2l.Individual) { ind.Nth++ },
				"another generation": func(ind *l2l.Individual) { ind.Generation++ },
			} {
				other := asked
				other.Individuals = slices.Clone(asked.Individuals)
				change(&other.Individuals[3])
				if _, err := laned(t, name, r).Replay(other); !errors.Is(err, l2l.ErrDiverged) {
					t.Errorf("%s: got %v, want ErrDiverged", what, err)
				}
			}
		})
	}
}

// The seeds of a lane's evaluations are no other lane's.
func TestLanesHaveSeedsOfTheirOwn(t *testing.T) {
	for _, seeds := range []l2l.Seeds{l2l.PerIndividual, l2l.Common} {
		r := laneRules(seeds, l2l.RankWorst)
		seen := map[uint64]bool{}
		rng := rand.New(rand.NewPCG(1, 2))
		for lane := range 50 {
			for n := range 40 {
				ind := l2l.Individual{ID: rng.Int64N(1e9), Generation: n, Lane: lane, Nth: int64(n)}
				if lane == 0 {
					ind.ID, ind.Nth = int64(n), 0
				}
				seed := r.SeedOf(ind, 0, 1)
				if seen[seed] {
					t.Fatalf("%s: individual %d of lane %d has the seed of another", seeds, n, lane)
				}
				seen[seed] = true
			}
		}
	}
}
