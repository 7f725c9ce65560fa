package dispatch

import "slices"

// Teams are the teams of a run in which several ranks share each evaluation: the ranks of each, in order; the first one leads it. Rank 0 is in none.
//
// To rank 0, and its scheduler, a team is its leader: a worker of one slot. What the leader is given it shares with the other members.
type Teams [][]int

// NewTeams forms teams of size ranks. hosts are those of the ranks, by rank; of ranks whose hosts are unknown, "", it is taken for one. Each host's ranks
// form as many teams as they can, in their order; what is left over on several hosts forms teams together, in the order of ranks. So there are as many
// teams as ranks but 0 allow, and no more of them than must be have ranks of several hosts.
func NewTeams(hosts []string, size int) Teams {
	var teams Teams
	var left []int
	form := func(ranks []int) (rest []int) {
		for ; len(ranks) >= size; ranks = ranks[size:] {
			teams = append(teams, ranks[:size:size])
		}
		return ranks
	}
	on := map[string][]int{}
	for rank := 1; rank < len(hosts); rank++ {
		on[hosts[rank]] = append(on[hosts[rank]], rank)
	}
	for rank := 1; rank < len(hosts); rank++ { // hosts in the order of their first ranks
		if ranks := on[hosts[rank]]; len(ranks) > 0 && ranks[0] == rank {
			left = append(left, form(ranks)...)
		}
	}
	slices.Sort(left)
	form(left)
	slices.SortFunc(teams, func(a, b []int) int { return a[0] - b[0] })
	return teams
}

// Of is the team that a rank is in; nil for one that idles, and for rank 0.
func (t Teams) Of(rank int) []int {
	for _, team := range t {
		if slices.Contains(team, rank) {
			return team
		}
	}
	return nil
}

// Slots are those that rank 0 can give work to, by rank: one of each leader.
func (t Teams) Slots(ranks int) []int {
	slots := make([]int, ranks)
	for _, team := range t {
		slots[team[0]] = 1
	}
	return slots
}

// Idle are the ranks, of so many, that are in no team; rank 0 is not among them.
func (t Teams) Idle(ranks int) []int {
	in := make([]bool, ranks)
	for _, team := range t {
		for _, rank := range team {
			in[rank] = true
		}
	}
	var idle []int
	for rank := 1; rank < ranks; rank++ {
		if !in[rank] {
			idle = append(idle, rank)
		}
	}
	return idle
}
