//go:build simulators

package examples

import (
	"math"
	"testing"
)

// TestSimulatorBrianNetworkFiresAsTunedWhenWiredAnew tunes a network. Random search comes to errors of 1.2 to 2.1 tolerances, and 1.2 to 2.2 in
// other wirings.
func TestSimulatorBrianNetworkFiresAsTunedWhenWiredAnew(t *testing.T) {
	t.Parallel()
	dir, result := simulate(t, "brian2-network")
	if e := fitness(t, result, "error"); e > 0.6 {
		t.Errorf("error %v tolerances, want 0.6", e)
	}
	report := heldOut(t, dir)
	for name, tolerance := range map[string]float64{"rate_e": 0.6, "rate_i": 1.2, "cv": 0.05, "fano": 0.2} {
		n := numbers(t, report, name)
		if target, mean := n[0], n[1]; math.Abs(mean-target) > tolerance {
			t.Errorf("%s: %v in other wirings, want %v ± %v", name, mean, target, tolerance)
		}
	}
	if n := numbers(t, report, "error"); n[0] > 0.8 {
		t.Errorf("error %v tolerances in other wirings, want 0.8", n[0])
	}
}
