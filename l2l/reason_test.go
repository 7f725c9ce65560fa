package l2l

import "testing"

// TestReasonBlamesTheProgramOrThePoint has reasons as package optimizee/process words them.
func TestReasonBlamesTheProgramOrThePoint(t *testing.T) {
	for reason, want := range map[string]bool{
		"the program ended (exit status 1): ModuleNotFoundError: No module named 'nest'":                       true,
		"the program ended (exit status 1) without an answer: it said no hello, as programs of mode worker do": true,
		"the program ended (exit status 127): sh: 1: nrniv: not found":                                         true,
		`cannot start ["./model"]: permission denied`:                                                          true,
		"fitness: 1 number, want 2: error, cost":                                                               true,
		`no "error" among the keys "loss"`:                                                                     true,
		"TypeError: evaluate() missing 1 required positional argument: 'seed'":                                 true,
		"the program ended (exit status 3)":                                                                    false,
		"the program ended (exit status 1): RuntimeError: simulator diverged":                                  false,
		"ValueError: infeasible: x + y < 8":                                                                    false,
		"ZeroDivisionError: float division by zero":                                                            false,
		"fitness is NaN, want finite numbers":                                                                  false,
		"exit status 1\nModuleNotFoundError, further down":                                                     false,
	} {
		if got := blamesProgram(reason); got != want {
			t.Errorf("%q: %v, want %v", reason, got, want)
		}
	}
}
