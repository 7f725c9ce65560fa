//go:build simulators

package examples

import "testing"

func TestSimulatorArborFollowsARecordedCellOnStepsItWasNotFittedTo(t *testing.T) {
	t.Parallel()
	dir, _ := simulate(t, "arbor-cell")
	report := heldOut(t, dir)
	for name, steps := range map[string]float64{"training": 6, "held out": 10} {
		n := numbers(t, report, name)
		exact, within, latency, voltage := n[1], n[2], n[3], n[4]
		if n[0] != steps || within < steps-1 || exact < 0.6*steps || latency > 4 || voltage > 3 {
			t.Errorf("%s, %v steps: counts %v exact and %v within 1, latency %v ms, voltage %v mV; want all but one within 1, 60 %% exact, 4 ms, 3 mV",
				name, n[0], exact, within, latency, voltage)
		}
	}
}
