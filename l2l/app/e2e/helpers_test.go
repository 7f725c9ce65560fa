//go:build mpirun || slurm

package main

import (
	"os/exec"
	"time"
)

// untilItEvaluates waits until the run in dir has results.
func untilItEvaluates(dir string) {
	for range 2000 {
		if journalSize(dir) > 5000 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func isOpenMPI(mpicc string) bool { return exec.Command(mpicc, "--showme:version").Run() == nil }
