//go:build simulators

package examples

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// aliveIn is what the best colony of a run earns, and how much food it brings home, in worlds in which it has not been, on average.
func aliveIn(t *testing.T, dir string) (earned, food float64) {
	t.Helper()
	report := heldOut(t, dir)
	return numbers(t, report, "earned")[0], numbers(t, report, "food")[0]
}

func TestSimulatorNetLogoAntsBringFoodHomeInWorldsTheyHaveNotBeenIn(t *testing.T) {
	t.Parallel()
	dir, result := simulate(t, "netlogo-ants")
	first := filepath.Join(t.TempDir(), "run")
	runIn(t, first, "netlogo-ants/run.yaml", program(t, "../cmd/l2l-mpi"), "--set", "stop.generations=1")
	if earned := fitness(t, result, "earned"); earned < 90000 {
		t.Errorf("earned %v in the world of the run, want 90000", earned)
	}
	earned, food := aliveIn(t, dir)
	before, less := aliveIn(t, first)
	if earned < 60000 || food < 300 || food < 2*less {
		t.Errorf("in other worlds: earned %v, food %v; the best of the first generation %v, %v; want 60000, 300 and twice that", earned, food, before, less)
	}
	if again, _ := aliveIn(t, dir); again != earned {
		t.Errorf("the same colony earns %v and then %v", earned, again)
	}
}

func TestSimulatorNetLogoThatFailsCostsItsEvaluations(t *testing.T) {
	t.Parallel() // it mostly waits
	l2l := program(t, "../cmd/l2l-mpi")
	header := `"BehaviorSpace results (NetLogo 6.4.0)","Table version 2.0"`
	for name, c := range map[string]struct{ script, reason string }{
		"crashes":               {"echo 'java.lang.OutOfMemoryError: Java heap space' >&2; exit 1", "OutOfMemoryError"},
		"hangs":                 {"sleep 100", "timeout"},
		"prints garbage":        {"head -c 10000 /dev/urandom", "no match of fitness.regex"},
		"cannot open the model": {"echo 'Nothing named FOOD has been defined.' >&2; sleep 100", "took longer than the timeout of 10s: Nothing named FOOD has been defined."},
		"stops at an error": {`echo '` + header + `'; echo 'Run #1, RUNTIME ERROR: no such file' >&2; echo '"1","15","800","<RuntimePrimitiveException>","0","0"'`,
			"RUNTIME ERROR: no such file"},
		"raises in Java": {"echo 'java.lang.RuntimeException: no heap' >&2; yes '	at org.nlogo.nvm.Procedure.run(Procedure.scala:12)' | head -9000 >&2; exit 1",
			"the program ended (exit status 1): java.lang.RuntimeException: no heap\n"},
		"writes no row":        {"echo '" + header + "'; echo 'Run #1, RUNTIME ERROR: no such file' >&2", "RUNTIME ERROR"},
		"stops before its end": {`echo '` + header + `'; echo '"1","15","800","12","220","1"'`, "no match of fitness.regex"},
		"earns no number":      {`echo '"1","15","800","800","NaN","1"'`, "NaN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			script := filepath.Join(dir, "netlogo-headless.sh")
			if err := os.WriteFile(script, []byte("#!/bin/sh\n"+c.script+"\n"), 0o777); err != nil {
				t.Fatal(err)
			}
			timeout := "2m"
			if strings.Contains(c.reason, "timeout") {
				timeout = "10s"
			}
			cmd := exec.Command(l2l, "--config", "netlogo-ants/run.yaml", "--quiet", "--set", "output.dir="+dir+"/run",
				"--set", "stop.evaluations=2", "--set", "execution.timeout="+timeout)
			cmd.Env = append(cmd.Environ(), "NETLOGO="+script)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError // a run in which nothing succeeds has failed
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "2 individuals failed") {
				t.Errorf("the run: %v, want exit code 1\n%s", err, out)
			}
			reasons, err := filepath.Glob(dir + "/run/failures/*")
			if err != nil || len(reasons) == 0 {
				t.Fatalf("no reason is kept: %v", err)
			}
			if text, err := os.ReadFile(reasons[0]); err != nil || !strings.Contains(string(text), c.reason) {
				t.Errorf("the reason has no %q: %v\n%s", c.reason, err, text)
			}
		})
	}
}

// The stand-in is to do as NetLogo does where that matters: pheromone spreads alike in a world that is turned or mirrored, and an error in setup
// leaves a row and the exit code 0.
func TestSimulatorNetLogoStandInSpreadsAlikeToAllSidesAndWritesARowAfterAnError(t *testing.T) {
	const check = `
import random, sys
sys.path.insert(0, "netlogo-ants/standin")
from colony import PATCHES, WIDTH, patch, spread
draw = random.Random(1).random
def moved(field, to):
    out = [0.0] * WIDTH**2
    for x, y in PATCHES:
        out[patch(*to(x, y))] = field[patch(x, y)]
    return out
field = moved([draw() for _ in range(WIDTH**2)], lambda x, y: (x, y))
for to in (lambda x, y: (-x, y)), (lambda x, y: (-y, x)):
    assert spread(moved(field, to)) == moved(spread(field), to), "a side is preferred"
assert abs(sum(spread(field)) - 0.99 * sum(field)) < 1e-9, "pheromone is lost"
`
	if out, err := exec.Command("python3", "-c", check).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	for _, name := range []string{"ants.nlogo", "standin"} {
		source, err := filepath.Abs("netlogo-ants/" + name)
		if err == nil {
			err = os.Symlink(source, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	netlogo := exec.Command("standin/netlogo-headless.sh", "--model", "ants.nlogo", "--experiment", "colony", "--threads", "1", "--table", "-")
	netlogo.Dir = dir
	out, err := netlogo.Output()
	if want := `"1","15","800","<RuntimePrimitiveException>","0","0"` + "\n"; err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("without its files: %v\n%swant a last row %s", err, out, want)
	}
}
