//go:build simulators

package examples

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// TestSimulatorNeuronFindsTheFrontBetweenTwoConditions fits a cell that knows nothing of its prepulse to counts that differ by 13 spikes with one.
// Up to 15 spikes a straight front with that sum covers 120 spikes²; those of random search cover 75 to 80.
func TestSimulatorNeuronFindsTheFrontBetweenTwoConditions(t *testing.T) {
	t.Parallel()
	dir, result := simulate(t, "neuron-cell")
	var front [][]float64
	for _, member := range result["front"].([]any) {
		f := member.(map[string]any)["fitness"].(map[string]any)
		front = append(front, []float64{f["rest"].(float64), f["prepulse"].(float64)})
	}
	if v := optimizer.Hypervolume(front, []float64{15, 15}); v < 100 {
		t.Errorf("the front covers %v spikes², want 100", v)
	}
	report := heldOut(t, dir)
	if n := numbers(t, report, "best from rest"); n[2] > 3 || n[3] < 8 {
		t.Errorf("best from rest: errors of %v and %v spikes held out, want up to 3 from rest and more than 8 after the prepulse", n[2], n[3])
	}
}
