package run_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Many slots are another search than few. Whoever goes on with it has the lanes that it began with, however many slots there are then.
func TestRunOnManySlotsKeepsTheLanesThatItBeganWith(t *testing.T) {
	const text = "optimizee: {type: valley}\noptimizer: {type: cmaes}\nstop: {evaluations: %d}\nexecution: {slots: %d}\n"
	begin := plan(t, text, 600, 20)
	proven := func(what string, evaluations int64) {
		t.Helper()
		written, err := os.ReadFile(filepath.Join(begin.Output.Dir, "run.yaml"))
		if err != nil || !strings.Contains(string(written), "\n  parallel: 60\n") || !strings.Contains(string(written), "restarts: parallel") {
			t.Errorf("%s, run.yaml is, %v,\n%s", what, err, written)
		}
		proof, err := run.Prove(begin.Output.Dir, kinds)
		if err != nil {
			t.Fatal(err)
		}
		if lanes := proof.Search.Lanes(); len(lanes) < 3 || proof.Search.Evaluations() != evaluations {
			t.Errorf("%s, there are the lanes %v after %d evaluations", what, lanes, proof.Search.Evaluations())
		}
	}
	everyRank := func(ranks int, p *config.Plan, options ...run.Option) {
		t.Helper()
		for rank, err := range everywhere(ranks, func(comm mpi.Comm) error {
			if comm.Rank() == 1 {
				return run.Follow(t.Context(), comm, kinds)
			}
			_, err := run.Run(t.Context(), comm, p, options...)
			return err
		}) {
			if err != nil {
				t.Fatalf("rank %d: %v", rank, err)
			}
		}
	}
	everyRank(4, begin)
	proven("begun", 600)
	alone(t, plan(t, text, 900, 2).In(begin.Output.Dir), run.Resume())
	proven("resumed by one process", 900)
	everyRank(3, plan(t, text, 1200, 200).In(begin.Output.Dir), run.Resume())
	proven("resumed on 400 slots", 1200)
	_, err := run.Run(t.Context(), mpi.Local(1)[0], plan(t, text+"seed: 1\n", 1500, 2).In(begin.Output.Dir), run.Resume())
	if err != nil {
		t.Error(err)
	}
	other := plan(t, strings.Replace(text, "slots: %d", "slots: %d, parallel: 61", 1), 1600, 2).In(begin.Output.Dir)
	if _, err := run.Run(t.Context(), mpi.Local(1)[0], other, run.Resume()); err == nil ||
		!strings.Contains(fmt.Sprint(err), `execution.parallel: the run was started with "60"; with "61"`) {
		t.Errorf("got %v", err)
	}
}

func TestRunSaysOnceThatSlotsIdle(t *testing.T) {
	for text, want := range map[string]int{
		"optimizer: {type: cmaes, pop_size: 8, restarts: bipop}\nexecution: {slots: 16}\n": 1,
		"optimizer: {type: cmaes, pop_size: 8, restarts: bipop}\nexecution: {slots: 15}\n": 0,
		"optimizer: {type: cmaes}\nexecution: {slots: 50}\n":                               0,
	} {
		var log bytes.Buffer
		alone(t, plan(t, "optimizee: {type: valley}\nstop: {evaluations: 200}\n%s", text), run.InMemory(), run.Log(&log, zerolog.InfoLevel))
		if got := strings.Count(log.String(), "of the slots or more idle"); got != want {
			t.Errorf("%s: told %d times, want %d, in %s", text, got, want, log.String())
		}
	}
}
