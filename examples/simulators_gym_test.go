//go:build simulators

package examples

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tested is what the test.py of an example in Gymnasium prints of the best controller of a run.
func tested(t *testing.T, example string, result map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	b, err := json.Marshal(result)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "result.json"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", filepath.Join(example, "test.py"), dir)
	cmd.Env = append(os.Environ(), "PYTHONPATH=../optimizee/process/python/src")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// TestSimulatorGymnasiumCartPoleIsBalancedFromUnseenStarts trains a controller that has to hold the pole up and the cart at the centre. Random
// search comes to some 0.1 m.
func TestSimulatorGymnasiumCartPoleIsBalancedFromUnseenStarts(t *testing.T) {
	result := simulate(t, "gym-cartpole")
	if distance := fitness(t, result, "distance"); distance > 0.05 {
		t.Errorf("the cart is %v m from the centre in training, want 0.05 m", distance)
	}
	report := tested(t, "gym-cartpole", result)
	for _, label := range []string{"for  500 steps", "for 5000 steps"} {
		n := numbers(t, report, label)
		if stand, of, distance := n[0], n[1], n[2]; of != 20 || stand < 19 || distance > 0.05 {
			t.Errorf("%s: the pole stands from %v of %v unseen starts, %v m from the centre, want 19 of 20 and 0.05 m", label, stand, of, distance)
		}
	}
}

// TestSimulatorNestMountainCarReachesTheFlagFromUnseenStarts trains a spiking network from two starts. Random search comes to
// some 0.0, and the flag is at 0.5.
func TestSimulatorNestMountainCarReachesTheFlagFromUnseenStarts(t *testing.T) {
	result := simulate(t, "gym-mountaincar")
	if position := fitness(t, result, "position"); position < 0.55 {
		t.Errorf("position %v in training, want 0.55: at the flag, some steps before the last", position)
	}
	if n := numbers(t, tested(t, "gym-mountaincar", result), "unseen starts"); n[1] != 20 || n[0] < 15 {
		t.Errorf("the flag is reached from %v of %v unseen starts, want 15 of 20", n[0], n[1])
	}
}
