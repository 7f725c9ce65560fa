package examples

import (
	"os/exec"
	"strings"
	"testing"
)

func TestProcessInPythonShellAndCppIsOptimised(t *testing.T) {
	l2l := program(t, "../cmd/l2l-mpi")
	for name, c := range map[string]struct {
		error      float64 // of the best individual, at most
		parameters map[string][2]float64
	}{
		"process-python": {0.8, map[string][2]float64{"rheobase": {0.35, 0.37}, "tau": {20, 24}, "refractory": {3, 3.8}}},
		"process-shell":  {0.0021, map[string][2]float64{"amplitude": {7.9, 8.1}, "tau": {22.5, 23.5}}},
		"process-cpp":    {1e-3, nil},
	} {
		_, result := run(t, name+"/run.yaml", l2l)
		best := result["best"].(map[string]any)
		if e := best["fitness"].(map[string]any)["error"].(float64); e > c.error || result["failures"] != 0.0 {
			t.Errorf("%s: error %v, want at most %v; %v failures", name, e, c.error, result["failures"])
		}
		for parameter, bounds := range c.parameters {
			if x := best["parameters"].(map[string]any)[parameter].(float64); x < bounds[0] || x > bounds[1] {
				t.Errorf("%s: %s = %v, want a value in %v", name, parameter, x, bounds)
			}
		}
	}
}

func TestProcessInPythonIsEvaluatedByHand(t *testing.T) {
	l2l := program(t, "../cmd/l2l-mpi")
	cmd := exec.Command(l2l, "eval", "--config", "process-python/run.yaml",
		"--param", "rheobase=0.36", "--param", "tau=22", "--param", "refractory=3.4")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "  error       0.755929 Hz, to minimise") {
		t.Errorf("eval: %v\n%s", err, out)
	}
}
