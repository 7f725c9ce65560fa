//go:build mpirun || slurm

package main

import (
	"os/exec"
	"time"
)

// untilItEvaluates waits until the run in dir has results.
func untilItEvaluates(dir string) {
	for end := time.Now().Add(2 * time.Minute); journalSize(dir) <= 5000 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

func isOpenMPI(mpicc string) bool { return exec.Command(mpicc, "--showme:version").Run() == nil }
