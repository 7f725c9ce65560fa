package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/campaign"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// stubborn is a model that can not be got ready, or fails in each evaluation, where its user says so.
type stubborn struct {
	functions.Optimizee
	Ready bool `yaml:"ready"`
}

func (s *stubborn) Prepare(context.Context) error {
	if !s.Ready {
		return errors.New("the simulator does not start")
	}
	return nil
}

var kinds = config.Kinds{
	Optimizees: []optimizee.Type{functions.Type, {Name: "stubborn", New: func() optimizee.Optimizee {
		return &stubborn{functions.Optimizee{Spec: functions.Spec{Name: "sphere"}}, true}
	}}},
	Optimizers: catalogue.All(),
}

const text = `
base: {optimizee: {type: function, name: sphere, dim: 3}, optimizer: {type: random}, stop: {evaluations: 300}, execution: {slots: 2}}
vary: {optimizer: [{type: cmaes}, {type: jade}]}
seeds: 2
`

// members are those of a campaign in a new directory.
func members(t *testing.T, text string) []config.Member {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sweep.yaml")
	text += fmt.Sprintf("output: {dir: %s}\n", filepath.Join(filepath.Dir(file), "out"))
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	_, list, err := config.LoadCampaign(file, nil, kinds)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// campaignOn takes a campaign to its end, or to that of ctx, on so many goroutine ranks.
func campaignOn(t *testing.T, ctx context.Context, ranks int, list []config.Member, resume bool, options ...run.Option) (all []campaign.Member, ended []string) {
	t.Helper()
	all, err := campaign.Check(list, resume)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	errs := make([]error, ranks)
	for rank, comm := range mpi.Local(ranks) {
		group.Go(func() {
			if rank > 0 {
				errs[rank] = errors.Join(campaign.Follow(ctx, comm, kinds), comm.Close())
				return
			}
			lost, err := campaign.Run(ctx, comm, all, resume, func(m campaign.Member) { ended = append(ended, m.Name) }, options...)
			if len(lost) > 0 {
				err = errors.Join(err, fmt.Errorf("lost %v", lost))
			}
			errs[0] = errors.Join(err, comm.Close())
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return all, ended
}

func states(all []campaign.Member) string {
	var words []string
	for _, m := range all {
		words = append(words, string(m.State))
	}
	return strings.Join(words, " ")
}

// Each member is the run that it would be alone, on any number of ranks.
func TestCampaignRunsEachMemberAsItWouldRunAlone(t *testing.T) {
	var want []string
	for _, m := range members(t, text) {
		r, err := run.Run(t.Context(), mpi.Local(1)[0], m.Plan, run.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r.TrajectoryHash)
	}
	for _, ranks := range []int{1, 3} {
		all, ended := campaignOn(t, t.Context(), ranks, members(t, text), false)
		if got := strings.Join(ended, " "); got != "cmaes_seed=1 cmaes_seed=2 jade_seed=1 jade_seed=2" || states(all) != "finished finished finished finished" {
			t.Errorf("%d ranks: %s, %s", ranks, got, states(all))
		}
		for i, m := range all {
			if m.Result.TrajectoryHash != want[i] || m.Result.Dir != m.Plan.Output.Dir || filepath.Base(m.Result.Dir) != m.Name {
				t.Errorf("%d ranks, %s: %+v, want the trajectory %s", ranks, m.Name, m.Result, want[i])
			}
		}
	}
}

// A campaign that is interrupted in its second run leaves the rest to wait, and a resumed one does what is left, and no more.
func TestCampaignIsResumedWhereItWasInterrupted(t *testing.T) {
	whole, _ := campaignOn(t, t.Context(), 1, members(t, text), false)
	for _, ranks := range []int{1, 3} {
		list := members(t, text)
		ctx, cancel := context.WithCancel(t.Context())
		results := 0
		all, ended := campaignOn(t, ctx, ranks, list, false, run.Observe(func(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
			if _, ok := e.(l2l.Result); ok {
				if results++; results == 420 {
					cancel()
				}
			}
		}))
		if states(all) != "finished interrupted waiting waiting" || len(ended) != 2 {
			t.Fatalf("%d ranks: %s, %v", ranks, states(all), ended)
		}
		if _, err := campaign.Check(list, false); !errors.Is(err, run.ErrUsage) || !strings.Contains(err.Error(), "cmaes_seed=1: output.dir: ") {
			t.Errorf("without resume: %v", err)
		}
		first, err := os.ReadFile(filepath.Join(list[0].Plan.Output.Dir, "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		all, ended = campaignOn(t, t.Context(), ranks, list, true)
		if states(all) != "finished finished finished finished" || strings.Join(ended, " ") != "cmaes_seed=2 jade_seed=1 jade_seed=2" || !all[0].Before {
			t.Errorf("%d ranks: %s, %v", ranks, states(all), ended)
		}
		for i, m := range all[1:] {
			if m.Result.TrajectoryHash != whole[i+1].Result.TrajectoryHash || m.Result.Resumed != (i == 0) {
				t.Errorf("%d ranks, %s: %+v", ranks, m.Name, m.Result)
			}
		}
		if again, err := os.ReadFile(filepath.Join(list[0].Plan.Output.Dir, "manifest.json")); err != nil || string(again) != string(first) {
			t.Errorf("the first run, which was finished, was started again: %v", err)
		}
		if _, ended = campaignOn(t, t.Context(), ranks, list, true); len(ended) != 0 {
			t.Errorf("a campaign at its end has run %v", ended)
		}
	}
}

// A run that cannot start, and one whose evaluations all fail, leave the others as they are.
func TestCampaignGoesOnWhenAMemberFails(t *testing.T) {
	const text = `
base: {optimizee: {type: stubborn}, optimizer: {type: cmaes}, stop: {evaluations: 40}, execution: {slots: 1}}
runs: [{name: fine}, {name: unready, set: {optimizee.ready: false}}, {name: failing, set: {optimizee.fail: 0.999999}}, {name: last}]
`
	for _, ranks := range []int{1, 3} {
		list := members(t, text)
		all, ended := campaignOn(t, t.Context(), ranks, list, false)
		if states(all) != "finished failed failed finished" || len(ended) != 4 {
			t.Errorf("%d ranks: %s, %v", ranks, states(all), ended)
		}
		if all[1].Err == nil || !strings.Contains(all[1].Err.Error(), "the simulator does not start") || all[2].Err != nil ||
			!all[2].Result.Reason.Failed() {
			t.Errorf("%d ranks: %v; %v, %v", ranks, all[1].Err, all[2].Err, all[2].Result.Reason)
		}
		// What could not start is tried again, and what failed by its own rules is not.
		again, ended := campaignOn(t, t.Context(), ranks, list, true)
		if strings.Join(ended, " ") != "unready" || states(again) != "finished failed failed finished" {
			t.Errorf("%d ranks, resumed: %s, %v", ranks, states(again), ended)
		}
	}
}

func TestCampaignThatIsCalledOffEndsOnAllRanks(t *testing.T) {
	comms := mpi.Local(2)
	followed := make(chan error)
	go func() { followed <- errors.Join(campaign.Follow(t.Context(), comms[1], kinds), comms[1].Close()) }()
	err := errors.Join(campaign.CallOff(comms[0]), comms[0].Close())
	if err := errors.Join(err, <-followed); err != nil {
		t.Error(err)
	}
}

// One that has begun with another configuration is refused before anything is run.
func TestCampaignIsNotResumedWithAnotherSearch(t *testing.T) {
	list := members(t, text)
	campaignOn(t, t.Context(), 1, list[:1], false)
	changed := strings.Replace(text, "{type: cmaes}", "{type: cmaes, sigma: 0.11}", 1) + fmt.Sprintf("output: {dir: %s}\n", filepath.Dir(list[0].Plan.Output.Dir))
	file := filepath.Join(t.TempDir(), "sweep.yaml")
	if err := os.WriteFile(file, []byte(changed), 0o666); err != nil {
		t.Fatal(err)
	}
	_, other, err := config.LoadCampaign(file, nil, kinds)
	if err != nil {
		t.Fatal(err)
	}
	all, err := campaign.Check(other, true)
	if !errors.Is(err, run.ErrUsage) || !strings.Contains(err.Error(), "cmaes_seed=1: optimizer.sigma: the run was started with") {
		t.Errorf("%v", err)
	}
	if all[1].State != campaign.Waiting || all[0].State == report.Running {
		t.Errorf("%s", states(all))
	}
}
