package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/mpi"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// checkTeams returns an error unless so many ranks have a team of size ranks.
func checkTeams(ranks, size int) error {
	if ranks <= size {
		are := fmt.Sprintf("are %d ranks", ranks)
		if ranks == 1 {
			are = "is 1 rank"
		}
		return fmt.Errorf("execution.ranks_per_evaluation = %d: there %s, want at least %d: rank 0 leads the run, and the others form teams", size, are, size+1)
	}
	return nil
}

// teamsOf forms teams of ranks that share evaluations, so many in each.
func teamsOf(ranks []hello, size int) (dispatch.Teams, error) {
	nodes := make([]string, len(ranks))
	for rank, h := range ranks {
		nodes[rank] = h.node()
	}
	return dispatch.NewTeams(nodes, size), checkTeams(len(ranks), size)
}

// seats are the evaluations that each rank takes part in at a time: as many as it has slots, or one as a member of a team.
func (r *leader) seats() []int {
	if r.teams == nil {
		return r.slots
	}
	seats := make([]int, len(r.ranks))
	for _, team := range r.teams {
		for _, rank := range team {
			seats[rank] = 1
		}
	}
	return seats
}

// newTeammate is the side of another rank than 0 where ranks share evaluations.
func newTeammate(ctx context.Context, comm mpi.Comm, p *config.Plan, own hello, b briefing) (server, error) {
	rank := comm.Rank()
	team := b.Teams.Of(rank)
	if team == nil {
		return dispatch.Spare{}, nil
	}
	opts, err := dispatchOptions(p, rank, 1, len(b.Teams)+1)
	if err != nil {
		return nil, err
	}
	opts.Place = func(slot int) optimizee.Place { return b.Places[rank].place(own, rank, slot, p.Execution.GPUsPerSlot) }
	return dispatch.NewTeammate(ctx, comm, team, opts)
}

// teamEntry is a team, in manifest.json.
type teamEntry struct {
	Ranks []int    `json:"ranks"` // the first one leads it
	Hosts []string `json:"hosts"` // of these, each once
}

// teamEntries are all teams.
func (r *leader) teamEntries() (entries []teamEntry) {
	for _, team := range r.teams {
		e := teamEntry{Ranks: team}
		for _, rank := range team {
			if host := r.ranks[rank].node(); !slices.Contains(e.Hosts, host) {
				e.Hosts = append(e.Hosts, host)
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// tellTeams tells which ranks share evaluations, a line for each of the first teams, and which idle: manifest.json has all.
func (r *leader) tellTeams() {
	const lines = 4
	entries := r.teamEntries()
	if len(entries) == 0 {
		return
	}
	several := 0
	for i, e := range entries {
		if i < lines {
			r.log.Info().Ints("ranks", e.Ranks).Strs("hosts", e.Hosts).Msg("a team")
		}
		if len(e.Hosts) > 1 {
			several++
		}
	}
	line := r.log.Info().Int("teams", len(entries)).Int("ranks_each", r.Execution.RanksPerEvaluation)
	if len(entries) > lines {
		line = line.Str("others", "in manifest.json")
	}
	if several > 0 {
		line = line.Int("on_several_hosts", several)
	}
	if idle := r.teams.Idle(len(r.ranks)); len(idle) > 0 {
		line.Ints("idle", idle).Msg("ranks share evaluations; those that are left over idle")
	} else {
		line.Msg("ranks share evaluations")
	}
}
