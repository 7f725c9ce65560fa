package run_test

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// A run begins in a directory in which nothing is a run's, whatever else there is, and wherever an earlier beginning was cut short.
func TestRunBeginsWhereThereIsNoOther(t *testing.T) {
	want := alone(t, plan(t, search, 3), run.InMemory()).TrajectoryHash
	for name, content := range map[string]map[string]string{
		"a log of the batch system":         {"slurm-17.out": "hello"},
		"an empty journal directory":        {"journal/": ""},
		"a journal without anything":        {"journal/events": ""},
		"a journal with half its magic":     {"journal/events": "L2LJ"},
		"a journal without an event":        {"journal/events": "L2LJRNL2"},
		"a journal of the first version":    {"journal/events": "L2LJRNL1"},
		"a journal that ends in its begin":  {"journal/events": "L2LJRNL2\x10\x00"},
		"a journal of zeros, and some logs": {"journal/events": strings.Repeat("\x00", 4096), "logs/rank-0.jsonl": "{}\n"},
	} {
		p := plan(t, search, 3)
		for file, text := range content {
			path := filepath.Join(p.Output.Dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "/") {
				if err := os.MkdirAll(path, 0o777); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		result, err := run.Run(t.Context(), mpi.Local(1)[0], p, run.Resume())
		if err != nil || result.TrajectoryHash != want || result.Resumed {
			t.Errorf("%s: %v, resumed: %v", name, err, result.Resumed)
		}
	}
}

func TestRunDoesNotBeginAmongTheRemainsOfAnother(t *testing.T) {
	for _, name := range []string{"run.yaml", "result.json", "checkpoint/1.ckpt"} {
		p := plan(t, search, 3)
		path := filepath.Join(p.Output.Dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte("x"), 0o666)); err != nil {
			t.Fatal(err)
		}
		_, err := run.Run(t.Context(), mpi.Local(1)[0], p, run.Resume())
		if !errors.Is(err, run.ErrUsage) || !strings.Contains(err.Error(), filepath.Dir(name+"/x")) && !strings.Contains(err.Error(), strings.Split(name, "/")[0]) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Of processes that resume one run at the same time, one goes on with it, and the others say that it is in use, or find it at its end.
func TestRunThatIsResumedManyTimesAtOnceIsRunOnce(t *testing.T) {
	want := alone(t, plan(t, search, 3), run.InMemory()).TrajectoryHash
	for range 5 {
		p := plan(t, search, 3)
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				var result run.Result
				if result, errs[i] = run.Run(t.Context(), mpi.Local(1)[0], p, run.Resume()); errs[i] == nil && result.TrajectoryHash != want {
					t.Error("another trajectory")
				}
			})
		}
		all.Wait()
		ran := 0
		for _, err := range errs {
			if err == nil {
				ran++
			} else if !errors.Is(err, journal.ErrInUse) {
				t.Errorf("got %v, want ErrInUse", err)
			}
		}
		if ran == 0 {
			t.Error("none of them ran")
		}
		seen := map[int64]bool{}
		for e, err := range evaluations(p.Output.Dir) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[e.Individual] {
				t.Fatalf("individual %d was evaluated twice", e.Individual)
			}
			seen[e.Individual] = true
		}
		if len(seen) != 400 {
			t.Errorf("%d individuals, want 400", len(seen))
		}
	}
}

// evaluations are the results in the journal of the run in dir.
func evaluations(dir string) iter.Seq2[l2l.Result, error] {
	return func(yield func(l2l.Result, error) bool) {
		for e, err := range journal.Read(dir, 0) {
			if r, ok := e.Event.(l2l.Result); (ok || err != nil) && !yield(r, err) {
				return
			}
		}
	}
}

// A change of an algorithm's search does not make the runs of before unreadable; it only is not theirs.
func TestRunOfAnotherVersionOfTheSearchIsRefusedToGoOnAndStillRead(t *testing.T) {
	p := plan(t, search, 3)
	before := alone(t, p)
	changed := kinds
	changed.Optimizers = slices.Clone(kinds.Optimizers)
	was := 0 // its version
	for i := range changed.Optimizers {
		if a := &changed.Optimizers[i]; a.Name == "cmaes" {
			was = a.Version()
			a.Earlier = append(slices.Clone(a.Earlier), "0.1.0") // the search has changed since then
		}
	}
	later, err := config.Parse("run.yaml", fmt.Appendf(nil, search, 3), changed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = run.Run(t.Context(), mpi.Local(1)[0], later.In(before.Dir), run.Resume())
	for _, want := range []string{
		fmt.Sprintf("version %d of the search of cmaes", was), fmt.Sprintf("this program has version %d", was+1), "release 0.1.0 can go on with it",
	} {
		if !errors.Is(err, run.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	r, err := report.Open(before.Dir, changed.Search)
	if err != nil {
		t.Fatal(err)
	}
	if best, err := r.Best(); err != nil || best.Individual.ID != before.Best.Individual.ID {
		t.Errorf("the best individual is %+v, %v, want %d", best, err, before.Best.Individual.ID)
	}
	warm, err := config.Parse("run.yaml", fmt.Appendf(nil, search+"warm_start: {run: %s}\n", 4, before.Dir), changed)
	if err != nil {
		t.Fatal(err)
	}
	alone(t, warm, run.InMemory())
}

// With digests the journal of a run grows with its individuals, and not with their parameters.
func TestRunThatRecordsDigestsHasAJournalThatDoesNotGrowWithTheParameters(t *testing.T) {
	size := func(dim int, record string) int64 {
		p := plan(t, "optimizee: {type: function, name: sphere, dim: %d}\noptimizer: {type: snes, pop_size: 20}\nstop: {evaluations: 400}\nexecution: {slots: 1}\n"+
			"output: {record: %s}\n", dim, record)
		alone(t, p)
		info, err := os.Stat(filepath.Join(p.Output.Dir, "journal", "events"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	small, large := size(8, "digest"), size(2000, "digest")
	if large > small+small/20 {
		t.Errorf("%d bytes with 8 parameters, and %d with 2000", small, large)
	}
	if whole := size(2000, "points"); whole < 400*2000*8 {
		t.Errorf("%d bytes with all points, want more than the points have", whole)
	}
}

// A session that is killed leaves directories of evaluations, also of copies, which a resumed one does not evaluate in the same place. Those of failures stay,
// and what is none.
func TestResumedRunRemovesWhatAKilledSessionHasLeft(t *testing.T) {
	p := plan(t, search, 3)
	alone(t, p)
	failed := ""
	for e, err := range journal.Read(p.Output.Dir, 0) {
		if r, ok := e.Event.(l2l.Result); ok && err == nil && r.Ending != l2l.OK {
			failed = fmt.Sprintf("%d-%d-%d-%d", r.Individual, r.Instance, r.Replicate, r.Attempt)
		}
	}
	if failed == "" {
		t.Fatal("nothing has failed")
	}
	stay := []string{failed, failed + "-copy-1", "notes", "1-2"}
	for _, name := range append([]string{"9999-0-0-0", "9999-0-0-0-copy-2", "-3-0-1-0"}, stay...) {
		if err := os.MkdirAll(filepath.Join(p.Output.Dir, "work", name, "of the model"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run.Run(t.Context(), mpi.Local(1)[0], p, run.Resume()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(p.Output.Dir, "work"))
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	slices.Sort(stay)
	if slices.Sort(left); err != nil || !slices.Equal(left, stay) {
		t.Errorf("%q are there, %v, want %q", left, err, stay)
	}
}
