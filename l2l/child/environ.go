package child

import "strings"

// mpiPrefixes begin the variables by which a process is a task of an MPI job. A child that has them too takes itself for that same task
// when it calls MPI_Init, and hangs or fails.
var mpiPrefixes = []string{
	"OMPI_", "ORTE_", "OPAL_", "PRTE_", "PMIX_", // Open MPI
	"PMI_", "PMI2_", "HYDRA_", "HYDI_", "MPICH_", "MPIR_", "MPI_LOCALNRANKS=", "MPI_LOCALRANKID=", // MPICH
}

// slurmPrefixes begin the variables that bind a child srun to the CPUs and the task count of the step it is in.
var slurmPrefixes = []string{
	"SLURM_CPU_BIND", "SLURM_DISTRIBUTION=", "SLURM_NTASKS", "SLURM_STEPID=", "SLURM_STEP_", "SLURM_TASKS_PER_NODE=",
}

// userPrefixes begin variables that look like a launcher's but are the user's choice, which children should keep: the permission to run as
// root, and how to communicate.
var userPrefixes = []string{
	"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_MCA_btl", "OMPI_MCA_coll", "OMPI_MCA_mtl", "OMPI_MCA_osc", "OMPI_MCA_pml",
}

// ScrubEnv returns env, a list of "name=value", without what would make a child process take itself for this rank of an MPI job. With
// keepSlurm the child can still call srun for a step of its own in the same job; a child that calls mpirun must not have that, as mpirun
// would wait for the CPUs that this step holds.
func ScrubEnv(env []string, keepSlurm bool) []string {
	drop := append([]string{}, mpiPrefixes...)
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
