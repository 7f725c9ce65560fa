//go:build simulators

package examples

import (
	"os/exec"
	"strings"
	"testing"
)

// TestSimulatorsOfTheGuideUseThePackageAsItInstallsIt follows the guide with what it downloads.
func TestSimulatorsOfTheGuideUseThePackageAsItInstallsIt(t *testing.T) {
	t.Parallel()
	follow(t, guide(t), []string{"network"}, nil)
}

// TestSimulatorsOfThePythonL2LRunUnchanged runs an optimizee of the Python L2L, as its page tells, and compares it with the function that it is.
func TestSimulatorsOfThePythonL2LRunUnchanged(t *testing.T) {
	const page = "guide/from-python-l2l.md"
	first := fences(t, "guide/1-first-run.md")[:1] // clones and builds
	follow(t, append(first, fences(t, page)...), []string{"l2l"}, nil)

	l2l := program(t, "../cmd/l2l-mpi")
	t.Setenv("PYTHONPATH", "../../../optimizee/process/python/src")
	_, result := run(t, "guide/python-l2l/run.yaml", l2l)
	if v := fitness(t, result, "value"); v > 1e-3 || result["failures"] != 0.0 {
		t.Errorf("value %v after %v evaluations, %v failures; want 1e-3, none", v, result["evaluations"], result["failures"])
	}
	out, err := exec.Command(l2l, "eval", "--config", "guide/python-l2l/run.yaml", "--param", "coords=[0.5, -1]").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "value   21.25, to minimise") { // 20 + 0.25 + 1 − 10 cos π − 10 cos 2π
		t.Errorf("Rastrigin's function at (0.5, -1): %v\n%s", err, out)
	}
}
