package mpi

import (
	"os"
	"strconv"
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
