//go:build mpirun || simulators || slurm

package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// launcher is the compiler wrapper of an MPI that the variable MPIS names as WRAPPER:LAUNCHER, and the words that start a program with its
// launcher, before -n.
func launcher(mpi string) (mpicc string, launch []string) {
	mpicc, mpirun, _ := strings.Cut(mpi, ":")
	launch = []string{mpirun}
	if exec.Command(mpicc, "--showme:version").Run() == nil { // Open MPI
		launch = append(launch, "--oversubscribe")
		if os.Getuid() == 0 {
			launch = append(launch, "--allow-run-as-root")
		}
	}
	return mpicc, slices.Clip(launch)
}

// inPath is an environment in whose path some commands start others.
func inPath(t *testing.T, commands map[string][]string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, argv := range commands {
		path, err := exec.LookPath(argv[0])
		if err == nil {
			text := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", strings.Join(append([]string{path}, argv[1:]...), " "))
			err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return []string{fmt.Sprintf("PATH=%s:%s", dir, os.Getenv("PATH"))}
}
