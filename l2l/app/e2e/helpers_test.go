//go:build mpirun || slurm

package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"
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

// rankOf is the process of a rank.
func rankOf(t *testing.T, program string, rank int) int {
	t.Helper()
	for _, pid := range processes(program) {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // it may have ended
		for _, name := range []string{"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"} {
			if bytes.Contains(environ, fmt.Appendf(nil, "\x00%s=%d\x00", name, rank)) {
				return pid
			}
		}
	}
	t.Fatalf("there is no rank %d", rank)
	return 0
}
