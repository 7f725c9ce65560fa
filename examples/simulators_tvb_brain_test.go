//go:build simulators

package examples

import (
	"math"
	"testing"
)

func TestSimulatorTVBBrainIsFoundAgainByCMAESInFewerEvaluationsThanAGridHas(t *testing.T) {
	t.Parallel()
	_, grid := run(t, "tvb-brain/run-grid.yaml", program(t, "../cmd/l2l-mpi"))
	dir, search := simulate(t, "tvb-brain")
	if g, s := grid["evaluations"].(float64), search["evaluations"].(float64); g != 225 || s >= g {
		t.Errorf("%v evaluations of CMA-ES and %v of the grid, want fewer than 225", s, g)
	}
	// Of five random searches as long, the best comes to 0.994.
	if g, s := fitness(t, grid, "correlation"), fitness(t, search, "correlation"); s < g || s < 0.999 {
		t.Errorf("correlation %v by CMA-ES and %v on the grid, want 0.999 and no less than that", s, g)
	}
	found := search["best"].(map[string]any)["parameters"].(map[string]any)
	if c, v := found["coupling"].(float64), found["speed"].(float64); math.Abs(c/1.6-1) > 0.02 || math.Abs(v/8.4-1) > 0.05 {
		t.Errorf("coupling %v and speed %v mm/ms, want 1.6 and 8.4", c, v)
	}
	if n := numbers(t, heldOut(t, dir), "correlation, mean of ten draws"); n[0] < 0.999 {
		t.Errorf("correlation %v under draws of the noise that the fit was not made with, want 0.999", n[0])
	}
}
