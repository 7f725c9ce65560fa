//go:build slurm

package examples

import (
	"os"
	"strings"
	"testing"
)

// TestSlurmRunsTheGuideAsPrinted follows the guide under the Slurm that .ci/start-slurm starts, with that MPI of the variable MPIS which starts by PMI-2, as
// the others do not start reliably over nodes that are one machine. sbatch waits for the end of its job, as a reader would.
func TestSlurmRunsTheGuideAsPrinted(t *testing.T) {
	for _, m := range strings.Fields(os.Getenv("MPIS")) {
		mpicc, launch := launcher(m)
		if len(launch) > 1 { // Open MPI
			continue
		}
		follow(t, guide(t), []string{"mpi", "slurm"}, append(inPath(t, map[string][]string{"mpicc": {mpicc}, "mpirun": launch}),
			"SBATCH_WAIT=1", "L2L_SRUN_MPI=pmi2"))
		return
	}
	t.Fatalf("MPIS is %q, want MPICH", os.Getenv("MPIS"))
}
