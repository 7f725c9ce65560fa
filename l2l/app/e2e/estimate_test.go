package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
)

// What check tells of the memory of rank 0 is within a factor of three of what a process takes that is all of the run: how much waits to be written
// depends on the disk.
func TestCheckTellsTheMemoryThatARunTakes(t *testing.T) {
	program := build(t, "go", "build")
	for name, text := range map[string]string{
		"small":           "optimizee: {type: traced}\noptimizer: {type: cmaes}\nstop: {evaluations: 10000}\n",
		"many parameters": "optimizee: {type: function, name: sphere, dim: 10000}\noptimizer: {type: snes, pop_size: 100}\nstop: {evaluations: 1000}\n",
		"covariance":      "optimizee: {type: function, name: sphere, dim: 400}\noptimizer: {type: cmaes, covariance: full}\nstop: {evaluations: 2000}\n",
	} {
		file := filepath.Join(t.TempDir(), "run.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, "%soutput: {dir: %s}\n", text, filepath.Join(filepath.Dir(file), "run")), 0o666); err != nil {
			t.Fatal(err)
		}
		check := exec.Command(program, "check", "--config", file)
		var told bytes.Buffer
		check.Stderr = &told
		if err := check.Run(); err != nil {
			t.Fatalf("%v\n%s", err, &told)
		}
		match := regexp.MustCompile(`([0-9.]+) (MB|GB) of memory`).FindStringSubmatch(told.String())
		if match == nil {
			t.Fatalf("%s: it tells no memory: %s", name, &told)
		}
		estimate, err := strconv.ParseFloat(match[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if match[2] == "GB" {
			estimate *= 1000
		}
		run := exec.Command(program, "--config", file, "--quiet", "--log-level", "error")
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		taken := float64(run.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) * 1024 / 1e6
		if estimate < taken/3 || estimate > taken*3 {
			t.Errorf("%s: it tells of %.3g MB, the run takes %.3g MB", name, estimate, taken)
		}
	}
}
