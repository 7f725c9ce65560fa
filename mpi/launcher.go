package mpi

import (
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

// launcherPrefixes begin the variables by which a process is a task of an MPI job. A child that has them too takes
// itself for that same task when it calls MPI_Init, and hangs or fails.
var launcherPrefixes = []string{
	"OMPI_", "ORTE_", "OPAL_", "PRTE_", "PMIX_", // Open MPI
	"PMI_", "PMI2_", "HYDRA_", "HYDI_", "MPICH_", "MPIR_", "MPI_LOCALNRANKS=", "MPI_LOCALRANKID=", // MPICH
}

// slurmPrefixes begin the variables that bind a child srun to the CPUs and the task count of the step it is in.
var slurmPrefixes = []string{
	"SLURM_CPU_BIND", "SLURM_DISTRIBUTION=", "SLURM_NTASKS", "SLURM_STEPID=", "SLURM_STEP_", "SLURM_TASKS_PER_NODE=",
}

// userPrefixes begin variables that look like a launcher's but are the user's choice, which children should keep: the
// permission to run as root, and how to communicate.
var userPrefixes = []string{
	"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_MCA_btl", "OMPI_MCA_coll", "OMPI_MCA_mtl", "OMPI_MCA_osc", "OMPI_MCA_pml",
}

// ScrubEnv returns env, a list of "name=value", without what would make a child process take itself for this rank.
// With keepSlurm the child can still call srun for a step of its own in the same job; a child that calls mpirun must not
// have that, as mpirun would wait for the CPUs that this step holds.
func ScrubEnv(env []string, keepSlurm bool) []string {
	drop := append([]string{}, launcherPrefixes...)
	if keepSlurm {
		drop = append(drop, slurmPrefixes...)
	} else {
		drop = append(drop, "SLURM_")
	}
	kept := make([]string, 0, len(env))
	for _, v := range env {
		if hasPrefix(v, userPrefixes) || !hasPrefix(v, drop) {
			kept = append(kept, v)
		}
	}
	return kept
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
