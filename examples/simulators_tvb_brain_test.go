//go:build simulators

package examples

import "testing"

func TestSimulatorTVBBrainIsTunedByCMAESInFewerEvaluationsThanAGridHas(t *testing.T) {
	const onTheGrid = 0 // correlation at the best of the 225 points of run-grid.yaml
	result := simulate(t, "tvb-brain")
	if n := result["evaluations"].(float64); n >= 225 {
		t.Errorf("%v evaluations, want fewer than the 225 of the grid", n)
	}
	if c := fitness(t, result, "correlation"); c < onTheGrid {
		t.Errorf("correlation %v, want %v or more, as on the grid", c, onTheGrid)
	}
}
