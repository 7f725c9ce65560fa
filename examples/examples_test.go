// Package examples runs the examples as their READMEs tell.
package examples

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/app/programtest"
)

// built are the programs of all tests.
var built programtest.Built

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// program builds a program of the repository, and returns a path to it that is the test's own.
func program(t *testing.T, pkg string, command ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a program, and runs it to its end")
	}
	if len(command) == 0 {
		command = []string{"go", "build"}
	}
	return built.Path(t, pkg, command...)
}

// run runs a program on a configuration, in a directory of its own, and returns what it prints and its result.json.
func run(t *testing.T, config string, argv ...string) (stdout string, result map[string]any) {
	t.Helper()
	return runIn(t, filepath.Join(t.TempDir(), "run"), config, argv...)
}

// runIn does so in a directory.
func runIn(t *testing.T, dir, config string, argv ...string) (stdout string, result map[string]any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	argv = append(argv, "--config", config, "--set", "output.dir="+dir, "--quiet")
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", argv, err, out, &stderr)
	}
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err == nil {
		err = json.Unmarshal(b, &result)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), result
}

// tested is what l2l-mpi test prints of a run.
func tested(t *testing.T, l2l, dir string) (stdout string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), l2l, "test", dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", cmd.Args, err, out, &stderr)
	}
	return string(out)
}

// numbers are the numbers of the line of a report that begins with label.
func numbers(t *testing.T, report, label string) []float64 {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + label + ` +(.*)$`).FindStringSubmatch(report)
	if line == nil {
		t.Fatalf("no line %q in\n%s", label, report)
	}
	var all []float64
	for _, field := range strings.Fields(line[1]) {
		x, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

func TestQuickstartFitsTheHeldOutSteps(t *testing.T) {
	l2l, dir := program(t, "../cmd/l2l-mpi"), filepath.Join(t.TempDir(), "run")
	out, _ := runIn(t, dir, "quickstart/run.yaml", l2l)
	n := numbers(t, out, "held out")
	if m := numbers(t, tested(t, l2l, dir), "held out"); m[0] != n[2] || m[1] != n[0] || m[2] != n[1] || m[5] != n[5] || m[6] != n[6] {
		t.Errorf("the test finds %v, want the numbers of the report, %v", m, n)
	}
	exact, within, of, latency, voltage, interpolated := n[0], n[1], n[2], n[3], n[4], n[5]
	if exact <= interpolated {
		t.Errorf("held out: %v exact, interpolated %v; want more", exact, interpolated)
	}
	if rest := regexp.MustCompile(`Rest: cell (\S+) mV, fit (\S+) mV`).FindStringSubmatch(out); rest == nil || rest[1] != rest[2] {
		t.Errorf("rest %q, want that of the cell", rest)
	}
	if of != 16 || within != of || exact < 0.7*of || latency > 3 || voltage > 1.5 {
		t.Errorf("held out: %v exact and %v within 1 of %v, latency %v ms, voltage %v mV; want all within 1, 70 %% exact, 3 ms, 1.5 mV",
			exact, within, of, latency, voltage)
	}
	for _, want := range []string{`C +[\d.]+ pF`, `tau_w +[\d.]+ ms`, `error +[\d.]+, to minimise`, `interpolated counts`} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("the report has no %s:\n%s", want, out)
		}
	}
}

// The weights of the fitness were chosen on other cells, which do not come with the program.
func TestQuickstartIsWorthMoreThanInterpolationWhereCurrentsAreFew(t *testing.T) {
	out, _ := run(t, "quickstart/run.yaml", program(t, "../cmd/l2l-mpi"), "--set", "optimizee.train=[-100, 100, 200, 300]", "--set", "stop.evaluations=3000")
	if n := numbers(t, out, "held out"); n[2] != 24 || n[0] < 1.4*n[5] || n[1] < n[6]+5 {
		t.Errorf("held out: %v exact and %v within 1 of %v, interpolated %v and %v; want half as many again exact, and more within 1", n[0], n[1], n[2], n[5], n[6])
	}
}

func TestFastSpikingCellIsFollowedOnItsFirstPulsesOnly(t *testing.T) {
	out, _ := run(t, "fast-spiking/run.yaml", program(t, "../cmd/l2l-mpi"))
	if n := numbers(t, out, "held out, first pulses"); n[1] < 7 || n[2] != 8 || n[0] < n[5] || n[1] < n[6] {
		t.Errorf("first pulses: %v exact and %v within 1 of %v, want 7 of 8 within 1, and of both no fewer than interpolated, %v and %v", n[0], n[1], n[2], n[5], n[6])
	}
	if n := numbers(t, out, "held out, second pulses"); n[1] > n[2]/2 {
		t.Errorf("second pulses: %v within 1 of %v: the README says that they are not followed", n[1], n[2])
	}
}

func TestDigitsAreReadWithoutGradients(t *testing.T) {
	l2l, dir := program(t, "../cmd/l2l-mpi"), filepath.Join(t.TempDir(), "run")
	out, _ := runIn(t, dir, "digits/run.yaml", l2l)
	n := numbers(t, out, "held out")
	if m := numbers(t, tested(t, l2l, dir), "held out"); m[0] != n[0] || m[1] != n[1] {
		t.Errorf("the test finds %v, want the numbers of the report, %v", m, n)
	}
	if n[1] != 450 || n[2] < 0.85 {
		t.Errorf("held out: %v of %v images are read correctly, want 85 %%", n[0], n[1])
	}
}

func TestATeamIsForAnOptimizeeThatCanBeShared(t *testing.T) {
	team := program(t, "./custom-team")
	for _, c := range []struct{ args, want string }{
		{"check --set execution.ranks_per_evaluation=2 --config custom-team/run.yaml",
			"3 ranks: rank 0 leads, and the others form 1 team of 2, a slot each\n"},
		{"check --set execution.ranks_per_evaluation=4 --ranks 64 --config custom-team/run.yaml",
			"64 ranks: rank 0 leads, and the others form 15 teams of 4, a slot each; 3 left over, to idle\n"},
		{"check --set execution.ranks_per_evaluation=4 --ranks 4 --config custom-team/run.yaml",
			"execution.ranks_per_evaluation = 4: there are 4 ranks, want at least 5"},
		{"check --set execution.ranks_per_evaluation=41 --config custom-team/run.yaml", "40 cells are too few for 41 ranks"},
		{"--set execution.ranks_per_evaluation=2 --config custom-team/run.yaml", "execution.ranks_per_evaluation = 2: there is 1 rank, want at least 3"},
		{"check --set execution.ranks_per_evaluation=2 --config quickstart/run.yaml", "execution.ranks_per_evaluation: 2, want 1, as optimizee"},
		{"check --set execution.ranks_per_evaluation=2 --config process-python/run.yaml", "optimizee.launcher: mpirun -n 4"},
	} {
		out, _ := exec.Command(team, strings.Fields(c.args)...).CombinedOutput() // some are to fail
		if !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %s, want %s", c.args, out, c.want)
		}
	}
}

func TestCustomProgramHasAnOptimizeeOfItsOwn(t *testing.T) {
	custom := program(t, "./custom")
	_, result := run(t, "custom/run.yaml", custom)
	best := result["best"].(map[string]any)
	if reward := best["fitness"].(map[string]any)["reward"].(float64); reward < 8.6 {
		t.Errorf("reward %v, want 8.6", reward)
	}
	out, err := exec.Command(custom, "describe", "ball").Output()
	if want := "wind  (number in [0, 20] m/s; default 5)"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("describe ball: %v\n%s", err, out)
	}
	out, err = exec.Command(custom, "eval", "--config", "custom/run.yaml", "--param", "angle=45", "--param", "speed=20").Output()
	if err != nil || !strings.Contains(string(out), "reward") {
		t.Errorf("eval: %v\n%s", err, out)
	}
}

func TestCustomOptimizerIsRunDescribedAndReplayed(t *testing.T) {
	custom := program(t, "./custom-optimizer")
	dir := filepath.Join(t.TempDir(), "run")
	_, result := run(t, "custom-optimizer/run.yaml", custom, "--set", "optimizee.delay=0s")
	value := result["best"].(map[string]any)["fitness"].(map[string]any)["value"].(float64)
	if evaluations := result["evaluations"]; math.Abs(value+3.32237) > 1e-5 || evaluations != 974.0 {
		t.Errorf("value %v after %v evaluations, want -3.32237 after 974", value, evaluations)
	}
	for _, c := range []struct{ args, want string }{
		{"describe compass", "tolerance  (number in (0, 1); default 1e-06)"},
		{"check --config custom-optimizer/run.yaml", "samples: 50"},
		{"--config custom-optimizer/run.yaml --quiet --set optimizee.delay=0s --set stop.generations=20 --set output.dir=" + dir, "generations: 20"},
		{"check --replay " + dir, "all as the optimizer does"},
		{"export " + dir + " --table generations", "step"},
	} {
		out, err := exec.Command(custom, strings.Fields(c.args)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
	}
}

func TestExamplesAreExplained(t *testing.T) {
	configs, err := filepath.Glob("*/run.yaml")
	if err != nil || len(configs) < 3 {
		t.Fatalf("%d examples, %v", len(configs), err)
	}
	for _, config := range configs {
		readme := filepath.Join(filepath.Dir(config), "README.md")
		text, err := os.ReadFile(readme)
		if err != nil || !strings.Contains(string(text), fmt.Sprintf("examples/%s", filepath.ToSlash(config))) {
			t.Errorf("%s does not say how to run %s (%v)", readme, config, err)
		}
	}
}
