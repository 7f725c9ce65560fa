package l2l_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/process"
)

// TestSearchInAnotherProgramIsResumedFromAnyPrefixOfItsEvents goes on with what is recorded: the same individuals, numbers and evaluations, not
// the same proposals after that.
func TestSearchInAnotherProgramIsResumedFromAnyPrefixOfItsEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("a replay of every prefix takes its time")
	}
	for _, asynchronous := range []bool{false, true} {
		begin := func() *l2l.Search {
			s := l2l.NewSearch(evolution(t, asynchronous), rules())
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		}
		if !begin().Recalls() {
			t.Fatal("the optimizer is asked again")
		}
		const evaluations = 140
		record := &memory{}
		whole := begin()
		want := run(t, &l2l.Loop{Search: whole, Evaluator: newEvaluator(1, failing), Recorder: record, Stop: l2l.Stop{Evaluations: evaluations}})
		for cut := 0; cut <= len(record.events); cut += 71 {
			s := begin()
			for i, e := range record.events[:cut] {
				if _, err := s.Replay(e); err != nil {
					t.Fatalf("event %d, %T: %v", i, e, err)
				}
			}
			if _, err := s.Snapshot(); err == nil {
				t.Fatal("there is a snapshot")
			}
			again := &memory{events: slices.Clone(record.events[:cut])}
			got := run(t, &l2l.Loop{
				Search: s, Evaluator: newEvaluator(2, failing), Recorder: again, Record: l2l.Digest, Stop: l2l.Stop{Evaluations: evaluations},
			})
			if got.Evaluations != want.Evaluations || got.Individuals != want.Individuals || !asynchronous && got.Generations != want.Generations {
				t.Fatalf("resumed after %d events: %+v, want %+v", cut, got, want)
			}
			replayed := begin()
			for i, e := range again.events {
				if _, err := replayed.Replay(e); err != nil {
					t.Fatalf("resumed after %d events: event %d, %T: %v", cut, i, e, err)
				}
			}
			if replayed.TrajectoryHash() != got.TrajectoryHash {
				t.Fatalf("resumed after %d events: the trajectory is %s, replayed %s", cut, got.TrajectoryHash, replayed.TrajectoryHash())
			}
		}
	}
}

// evolution is the optimizer of optimizer/process/testdata.
func evolution(t *testing.T, asynchronous bool) optimizer.Optimizer {
	t.Helper()
	source, err := filepath.Abs("../optimizee/process/python/src")
	if err != nil {
		t.Fatal(err)
	}
	python, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output() // what is called python3 may be slow to find it
	if err != nil {
		t.Fatal(err)
	}
	p := process.Defaults()
	p.Command, p.Dir = child.Words{strings.TrimSpace(string(python)), "-S", "evolution.py"}, "../optimizer/process/testdata"
	p.Env, p.PopSize, p.Asynchronous = map[string]string{"PYTHONPATH": source}, 8, asynchronous
	o, err := process.New(l2l.Problem(space, 0), &p, 1)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestProblemNamesItsCoordinates(t *testing.T) {
	p := l2l.Problem(space, 0)
	var names []string
	for _, l := range p.Labels {
		names = append(names, l.Name)
	}
	if want := []string{"x", "n", "w[0]", "w[1]"}; !slices.Equal(names, want) || len(p.Coords) != len(want) {
		t.Errorf("%v, want %v", names, want)
	}
}
