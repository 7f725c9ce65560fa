package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestThePythonPackageKeepsItsPromises runs the tests of the Python package, as python -m pytest does. They try it with and without msgpack
// and numpy, where these are installed.
func TestThePythonPackageKeepsItsPromises(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command(python, "-c", "import sys; assert sys.version_info >= (3, 9), sys.version").CombinedOutput(); err != nil {
		t.Fatalf("%s: want Python 3.9 or later: %v\n%s", python, err, out)
	}
	source, err := filepath.Abs("python/src")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-m", "unittest")
	cmd.Dir = "python/tests"
	cmd.Env = append(cmd.Environ(), "PYTHONPATH="+source, "PYTHONDONTWRITEBYTECODE=1")
	if os.Getenv("PYTHON") != "" {
		cmd.Env = append(cmd.Env, "L2L_TEST_PACKAGES=1") // they are then required
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", python, err, out)
	}
}
