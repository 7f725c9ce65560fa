//go:build mpirun || simulators

package examples

import (
	"os"
	"os/exec"
	"slices"
	"strings"
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
