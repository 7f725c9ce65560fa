//go:build simulators

package examples

import "testing"

// TestSimulatorGymnasiumCartPoleIsBalancedFromUnseenStarts trains a controller that has to hold the pole up and the cart at the centre. Random
// search comes to some 0.1 m.
func TestSimulatorGymnasiumCartPoleIsBalancedFromUnseenStarts(t *testing.T) {
	t.Parallel()
	dir, result := simulate(t, "gym-cartpole")
	if distance := fitness(t, result, "distance"); distance > 0.05 {
		t.Errorf("the cart is %v m from the centre in training, want 0.05 m", distance)
	}
	report := heldOut(t, dir)
	for _, label := range []string{"500 steps", "5000 steps"} {
		n := numbers(t, report, label)
		if stand, of, distance := n[0], n[1], n[2]; of != 20 || stand < 19 || distance > 0.05 {
			t.Errorf("%s: the pole stands from %v of %v unseen starts, %v m from the centre, want 19 of 20 and 0.05 m", label, stand, of, distance)
		}
	}
}

// TestSimulatorNestMountainCarReachesTheFlagFromUnseenStarts trains a spiking network from two starts. Random search comes to
// some 0.0, and the flag is at 0.5.
func TestSimulatorNestMountainCarReachesTheFlagFromUnseenStarts(t *testing.T) {
	t.Parallel()
	dir, result := simulate(t, "gym-mountaincar")
	if position := fitness(t, result, "position"); position < 0.55 {
		t.Errorf("position %v in training, want 0.55: at the flag, some steps before the last", position)
	}
	if n := numbers(t, heldOut(t, dir), "unseen starts"); n[1] != 20 || n[0] < 15 {
		t.Errorf("the flag is reached from %v of %v unseen starts, want 15 of 20", n[0], n[1])
	}
}
