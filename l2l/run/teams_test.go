package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// sharedValley is a valley whose terms the ranks of a team compute, each its part, and that fails on one of them now and then.
type sharedValley struct{ valley }

func (*sharedValley) Share(int) error { return nil }

func (*sharedValley) NeedsDir() bool { return true }

func (v *sharedValley) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	me, n := e.Team.Rank(), e.Team.Size()
	if e.Seed%16 == 0 && me == int(e.Seed/16%uint64(n)) {
		return optimizee.Outcome{}, errors.New("one of sixteen")
	}
	time.Sleep(v.Delay)
	terms := make([]float64, 4)
	for i, x := range e.Vector("x") {
		if i%n == me {
			terms[i] = (x - v.Target) * (x - v.Target)
		}
	}
	if e.Choice("rule") == "bcm" && 3%n == me {
		terms[3]++
	}
	// The directory is that of all: each finds what the others have written.
	errs := []error{os.WriteFile(filepath.Join(e.Dir, fmt.Sprint(me)), nil, 0o666), e.Team.Allreduce(terms)}
	files, err := os.ReadDir(e.Dir)
	if len(files) != n {
		errs = append(errs, err, fmt.Errorf("%d files are in %s, want one of each rank", len(files), e.Dir))
	}
	errs = append(errs, e.Team.Barrier())
	sum := terms[0]
	for _, t := range terms[1:] {
		sum += t
	}
	return optimizee.Outcome{Fitness: []float64{sum}}, errors.Join(errs...)
}

func teamKinds() config.Kinds {
	all := kinds
	all.Optimizees = append([]optimizee.Type{{Name: "shared_valley", New: func() optimizee.Optimizee { return &sharedValley{valley{Target: 1}} }}}, kinds.Optimizees...)
	return all
}

const teamSearch = "seed: 5\noptimizee: {type: shared_valley}\noptimizer: {type: cmaes}\nstop: {evaluations: %d}\n" +
	"execution: {ranks_per_evaluation: %d, parallel: 1, slots: 1, on_failure: {retries: 1}}\n"

func teamPlan(t *testing.T, evaluations, k int) *config.Plan {
	t.Helper()
	p, err := config.Parse("run.yaml", fmt.Appendf(nil, teamSearch, evaluations, k), teamKinds())
	if err != nil {
		t.Fatal(err)
	}
	return p.In(filepath.Join(t.TempDir(), "run"))
}

// on runs a plan on so many ranks.
func on(t *testing.T, ctx context.Context, ranks int, p *config.Plan, options ...run.Option) (result run.Result) {
	t.Helper()
	for rank, err := range everywhere(ranks, func(comm mpi.Comm) error {
		r, err := run.Run(ctx, comm, p, options...)
		if comm.Rank() == 0 {
			result = r
		}
		return err
	}) {
		if err != nil {
			t.Fatalf("rank %d of %d: %v", rank, ranks, err)
		}
	}
	return result
}

func TestRunIsTheSameInTeamsOfAnySizeAndTellsThem(t *testing.T) {
	want := on(t, t.Context(), 1, teamPlan(t, 200, 1))
	if want.Failures == 0 || want.Best == nil {
		t.Fatalf("%+v", want)
	}
	for _, c := range []struct {
		ranks, size int
		teams, idle string
	}{{4, 1, "", ""}, {3, 2, "[1 2]", ""}, {6, 2, "[1 2] [3 4]", "5"}, {9, 4, "[1 2 3 4] [5 6 7 8]", ""}, {7, 4, "[1 2 3 4]", "5 6"}} {
		p := teamPlan(t, 200, c.size)
		var log bytes.Buffer
		got := on(t, t.Context(), c.ranks, p, run.Log(&log, zerolog.InfoLevel))
		if got.TrajectoryHash != want.TrajectoryHash || got.Failures != want.Failures || len(got.Lost) > 0 {
			t.Errorf("%d ranks in teams of %d: %+v, want the trajectory of %+v", c.ranks, c.size, got, want)
		}
		var manifest struct {
			Ranks, Slots int
			Teams        []struct {
				Ranks []int
				Hosts []string
			}
			Idle      []int `json:"ranks_idle"`
			Placement []struct{ Rank, Slots int }
		}
		b, err := os.ReadFile(filepath.Join(p.Output.Dir, "manifest.json"))
		if err == nil {
			err = json.Unmarshal(b, &manifest)
		}
		if err != nil {
			t.Fatal(err)
		}
		var teams []string
		members := 0
		for _, team := range manifest.Teams {
			teams = append(teams, fmt.Sprint(team.Ranks))
			members += len(team.Ranks)
			if host, _ := os.Hostname(); !slices.Equal(team.Hosts, []string{host}) {
				t.Errorf("a team's hosts are %v", team.Hosts)
			}
			if !strings.Contains(log.String(), fmt.Sprintf("\"ranks\":%s", strings.ReplaceAll(fmt.Sprint(team.Ranks), " ", ","))) {
				t.Errorf("team %v is not told:\n%s", team.Ranks, &log)
			}
		}
		idle := strings.Trim(fmt.Sprint(manifest.Idle), "[]")
		if got := strings.Join(teams, " "); got != c.teams || idle != c.idle {
			t.Errorf("%d ranks in teams of %d: %s, %s idle; want %s, %s\n%s", c.ranks, c.size, got, idle, c.teams, c.idle, b)
		}
		if c.size > 1 && (manifest.Slots != len(manifest.Teams) || len(manifest.Placement) != members) {
			t.Errorf("%d slots, want one for each team; the places are those of %d ranks, want %d", manifest.Slots, len(manifest.Placement), members)
		}
		if told := strings.Count(log.String(), "those that are left over idle"); told != min(len(manifest.Idle), 1) {
			t.Errorf("%d ranks idle, which is told %d times:\n%s", len(manifest.Idle), told, &log)
		}
	}
}

// A run that ends in the middle of its evaluations goes on in teams of another size.
func TestRunInTeamsGoesOnInOthers(t *testing.T) {
	want := on(t, t.Context(), 1, teamPlan(t, 200, 1))
	first := teamPlan(t, 200, 2)
	for i, c := range []struct{ ranks, size int }{{5, 2}, {5, 4}, {2, 1}, {7, 3}} {
		p, err := config.Parse("run.yaml", fmt.Appendf(nil, teamSearch, 200, c.size), teamKinds())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		var options []run.Option
		if i > 0 {
			options = append(options, run.Resume())
		}
		if i < 3 {
			options = append(options, run.Watch(0, func(run.Progress) {
				if n++; n == 40 {
					cancel()
				}
			}))
		}
		got := on(t, ctx, c.ranks, p.In(first.Output.Dir), options...)
		if i < 3 && !got.Reason.Resumable() {
			t.Fatalf("session %d ended by itself: %v", i, got.Reason)
		}
		if i == 3 && got.TrajectoryHash != want.TrajectoryHash {
			t.Errorf("the trajectory is %s, want %s", got.TrajectoryHash, want.TrajectoryHash)
		}
	}
}

func TestRunWantsRanksForATeam(t *testing.T) {
	for _, ranks := range []int{1, 2, 4} {
		p := teamPlan(t, 10, 4)
		errs := everywhere(ranks, func(comm mpi.Comm) error {
			_, err := run.Run(t.Context(), comm, p)
			return err
		})
		want := strings.Replace(fmt.Sprintf("execution.ranks_per_evaluation = 4: there are %d ranks, want at least 5", ranks), "are 1 ranks", "is 1 rank", 1)
		if err := errs[0]; err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, run.ErrUsage) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := run.Slots(p, ranks); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for ranks, want := range map[int]int{5: 1, 8: 1, 9: 2, 1025: 256} {
		if got, err := run.Slots(teamPlan(t, 10, 4), ranks); got != want || err != nil {
			t.Errorf("%d ranks: %d slots, %v, want %d", ranks, got, err, want)
		}
	}
}
