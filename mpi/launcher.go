package mpi

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// launchers are the variables in which launchers tell a task how many tasks they started, innermost launcher first:
// mpirun starts its daemons on other nodes with srun, so that tasks of mpirun may see srun's count of daemons too.
//
// SLURM_NTASKS is not among them: the one task of a batch script has it as well. PMIx has no variable for the size, but
// srun --mpi=pmix sets srun's own.
var launchers = []string{
	"OMPI_COMM_WORLD_SIZE", // Open MPI's mpirun
	"PMI_SIZE",             // MPICH's, Intel's and Cray's mpirun, srun --mpi=pmi2
	"SLURM_STEP_NUM_TASKS", // srun
}

// Launched returns how many tasks of this program a launcher (mpirun, srun) says it started, and the environment
// variable that says so; 1 and "" without a launcher.
func Launched() (n int, by string) { return launched(os.Getenv) }

func launched(getenv func(string) string) (n int, by string) {
	for _, name := range launchers {
		if n, err := strconv.Atoi(getenv(name)); err == nil && n >= 1 {
			return n, name
		}
	}
	return 1, ""
}

// remedy says how a program is to be started that is built with the library of this name, where the way it was started does not do: a text that
// goes on after "start it".
func remedy(library string, getenv func(string) string) string {
	const own = "by that library's own mpirun"
	if !bySrun(getenv) {
		return own
	}
	plugin := "pmi2" // MPICH and its kin
	if strings.Contains(library, openMPI) {
		plugin = "pmix"
	}
	switch used := getenv("SLURM_MPI_TYPE"); used {
	case plugin:
		return fmt.Sprintf("by srun with another --mpi than %s (srun --mpi=list tells which there are), or %s", used, own)
	case "":
		return fmt.Sprintf("by srun --mpi=%s, or %s", plugin, own)
	default:
		return fmt.Sprintf("by srun --mpi=%s instead of --mpi=%s, or %s", plugin, used, own)
	}
}

// openMPI is in the name of that library.
const openMPI = "Open MPI v"

// bySrun reports whether srun started this program, and not an mpirun within its step.
func bySrun(getenv func(string) string) bool {
	return getenv("SLURM_STEP_ID") != "" && getenv("OMPI_COMM_WORLD_SIZE") == ""
}

// withoutPMIx reports whether a program that is built with Open MPI was started by srun without PMIx, so that this library mostly cannot start, and
// ends the program; and whether that is hopeless, because it cannot start by Slurm's older PMI either: up to version 4 there are builds that can.
func withoutPMIx(library string, getenv func(string) string) (without, hopeless bool) {
	_, version, is := strings.Cut(library, openMPI)
	if !is || !bySrun(getenv) || getenv("PMIX_RANK") != "" {
		return false, false
	}
	return true, getenv("PMI_RANK") == "" || version == "" || version[0] > '4' || len(version) > 1 && version[1] != '.'
}
