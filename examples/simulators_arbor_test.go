//go:build simulators

package examples

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestSimulatorArborFollowsARecordedCellOnStepsItWasNotFittedTo(t *testing.T) {
	result := simulate(t, "arbor-cell")
	b, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "result.json"), b, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "arbor-cell/test.py", dir)
	cmd.Env = append(os.Environ(), "PYTHONPATH=../optimizee/process/python/src")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, steps := range map[string]float64{"training": 6, "held out": 10} {
		n := numbers(t, string(out), name)
		exact, within, latency, voltage := n[1], n[2], n[3], n[4]
		if n[0] != steps || within < steps-1 || exact < 0.6*steps || latency > 4 || voltage > 3 {
			t.Errorf("%s, %v steps: counts %v exact and %v within 1, latency %v ms, voltage %v mV; want all but one within 1, 60 %% exact, 4 ms, 3 mV",
				name, n[0], exact, within, latency, voltage)
		}
	}
}
