package figure

import (
	"fmt"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// posterior is the posterior sample of a run that has ended and has one; nil otherwise. what begins its caption.
func (d *Data) posterior() (members []Member, weights []float64, what string) {
	result, err := report.ReadResult(d.Run.Dir)
	if err != nil || len(result.Posterior) == 0 { // a run that goes on has no result
		return nil, nil, ""
	}
	squares := 0.0
	for _, p := range result.Posterior {
		m := Member{ID: p.Individual, search: p.X}
		if d.decode(&m) != nil {
			return nil, nil, ""
		}
		members, weights = append(members, m), append(weights, p.Weight)
		squares += p.Weight * p.Weight
	}
	return members, weights, fmt.Sprintf("The posterior sample of %s, which by their weights are worth %.0f of equal weight", count(len(members), "individual"), 1/squares)
}
