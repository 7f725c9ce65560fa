//go:build mpirun

package examples

import "testing"

// TestExamplesUnderMPIRunTheGuideAsPrinted follows the guide with each MPI of the variable MPIS, as the one whose mpicc and mpirun are in the path.
func TestExamplesUnderMPIRunTheGuideAsPrinted(t *testing.T) {
	for _, m := range mpis(t) {
		mpicc, launch := launcher(m)
		follow(t, guide(t), []string{"mpi"}, inPath(t, map[string][]string{"mpicc": {mpicc}, "mpirun": launch}))
	}
}
