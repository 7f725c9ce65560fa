package l2l_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// quorate is a search whose generations are complete with a part of their results, of one run at a time or of lanes; 0 leaves the part to these.
func quorate(t *testing.T, r l2l.Rules, parallel int, quorum float64) *l2l.Search {
	t.Helper()
	problem := l2l.Problem(space, 0)
	problem.Parallel, problem.Quorum = parallel, quorum
	return l2l.NewSearch(newOptimizerOn(t, "cmaes", problem, 5), r)
}

// Who is late is in the journal: a kill may come after any event, and what was recorded after it follows from what was before.
func TestQuorumIsReplayedFromAnyEvent(t *testing.T) {
	for _, c := range []struct {
		parallel int
		quorum   float64
		then     l2l.Then
	}{{1, 0.6, l2l.RankWorst}, {60, 0.6, l2l.RankWorst}, {60, 0, l2l.Resample}} {
		t.Run(fmt.Sprintf("%d in parallel, quorum %v", c.parallel, c.quorum), func(t *testing.T) {
			r := laneRules(l2l.PerIndividual, c.then)
			whole, ev := &memory{}, newEvaluator(1, unlucky)
			ev.capacity = 50
			search := quorate(t, r, c.parallel, c.quorum)
			stop := l2l.Stop{Evaluations: 2000}
			run(t, &l2l.Loop{Search: search, Evaluator: ev, Recorder: whole, Stop: stop})
			if late := lateResults(whole.events); late < 20 {
				t.Fatalf("%d results are of an earlier generation than others that were in before, too few to tell", late)
			}
			want := search.TrajectoryHash()
			for cut := 0; cut <= len(whole.events); cut += 173 {
				again := quorate(t, r, c.parallel, c.quorum)
				for i, e := range whole.events {
					if i == cut || i == cut+100 { // through a snapshot
						b, err := again.Snapshot()
						if err != nil {
							t.Fatal(err)
						}
						again = quorate(t, r, c.parallel, c.quorum)
						if err := again.Restore(b); err != nil {
							t.Fatal(err)
						}
					}
					if _, err := again.Replay(e); err != nil {
						t.Fatalf("restored after event %d, event %d: %v", cut, i, err)
					}
				}
				if got := again.TrajectoryHash(); got != want {
					t.Fatalf("restored after event %d: the hash is %s, want %s", cut, got, want)
				}
			}
		})
	}
}

// lateResults is the number of results of individuals of which others, of a later generation, had a result before.
func lateResults(events []l2l.Event) (late int) {
	type at struct{ lane, generation int }
	of, newest := map[int64]at{}, map[int]int{}
	for _, e := range events {
		switch e := e.(type) {
		case l2l.Asked:
			for _, ind := range e.Individuals {
				of[ind.ID] = at{ind.Lane, ind.Generation}
			}
		case l2l.Result:
			a := of[e.Individual]
			if a.generation < newest[a.lane] {
				late++
			}
			newest[a.lane] = max(newest[a.lane], a.generation)
		}
	}
	return late
}

// After a kill the evaluations under way are done again, and the run comes to its end; its journal, of both sessions, is one of a run.
func TestQuorumIsResumedAfterAnyEvent(t *testing.T) {
	r := laneRules(l2l.PerIndividual, l2l.RankWorst)
	stop := l2l.Stop{Evaluations: 1500}
	whole, ev := &memory{}, newEvaluator(1, unlucky)
	ev.capacity = 30
	run(t, &l2l.Loop{Search: quorate(t, r, 1, 0.6), Evaluator: ev, Recorder: whole, Stop: stop})
	for cut := 0; cut <= len(whole.events); cut += 211 {
		search := quorate(t, r, 1, 0.6)
		for i, e := range whole.events[:cut] {
			if _, err := search.Replay(e); err != nil {
				t.Fatalf("event %d: %v", i, err)
			}
		}
		both := &memory{events: slices.Clone(whole.events[:cut])}
		ev := newEvaluator(uint64(cut)+2, unlucky)
		ev.capacity = 1 + cut%60
		summary := run(t, &l2l.Loop{Search: search, Evaluator: ev, Recorder: both, Stop: stop})
		if summary.Evaluations != 1500 {
			t.Fatalf("resumed after event %d it ends with %d evaluations: %v", cut, summary.Evaluations, summary.Reason)
		}
		again := quorate(t, r, 1, 0.6)
		for i, e := range both.events {
			if _, err := again.Replay(e); err != nil {
				t.Fatalf("resumed after event %d, event %d: %v", cut, i, err)
			}
		}
		if got := again.TrajectoryHash(); got != summary.TrajectoryHash {
			t.Fatalf("resumed after event %d: the hash is %s, replayed %s", cut, summary.TrajectoryHash, got)
		}
	}
}

// The best may be among the results that come in last, when no generation is going to learn from them.
func TestQuorumCountsLateResultsOfTheLastGeneration(t *testing.T) {
	ev := newEvaluator(1, bowl)
	ev.capacity = 10
	r := rules()
	r.Finalists.Count = 0
	journal := &memory{}
	summary := run(t, &l2l.Loop{Search: quorate(t, r, 1, 0.6), Evaluator: ev, Recorder: journal, Stop: l2l.Stop{Evaluations: 97}})
	least := math.Inf(1)
	for _, e := range journal.events {
		if result, ok := e.(l2l.Result); ok {
			least = min(least, result.Fitness[0])
		}
	}
	if summary.Individuals != 97 || summary.Best.Fitness[0] != least {
		t.Errorf("%d individuals are told, and the best is %v; want 97, and %v", summary.Individuals, summary.Best.Fitness[0], least)
	}
}
