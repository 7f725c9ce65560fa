package child

import (
	"slices"
	"strings"
	"testing"
)

func TestScrubEnvDropsWhatMakesAChildThisRank(t *testing.T) {
	env := strings.Fields(`PATH=/bin HOME=/root=x OMP_NUM_THREADS=2 SLURMD_NODENAME=n1 MPI_HOME=/opt
		OMPI_COMM_WORLD_SIZE=4 OMPI_MCA_orte_hnp_uri=1 PMIX_RANK=0 PMI_FD=9 PMI2_X=1 ORTE_X=1 PRTE_X=1 OPAL_X=1
		HYDRA_X=1 HYDI_X=1 MPIR_X=1 MPICH_X=1 MPI_LOCALNRANKS=4 MPI_LOCALRANKID=0
		OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=self,vader OMPI_MCA_btl_tcp_if_include=eth0
		SLURM_JOB_ID=7 SLURM_JOB_NODELIST=n1 SLURM_CPU_BIND=quiet SLURM_CPU_BIND_LIST=0x1 SLURM_NTASKS=4
		SLURM_NTASKS_PER_NODE=2 SLURM_TASKS_PER_NODE=2 SLURM_STEP_ID=0 SLURM_STEPID=0 SLURM_STEP_NUM_TASKS=4 SLURM_DISTRIBUTION=block`)
	user := strings.Fields(`PATH=/bin HOME=/root=x OMP_NUM_THREADS=2 SLURMD_NODENAME=n1 MPI_HOME=/opt
		OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=self,vader OMPI_MCA_btl_tcp_if_include=eth0`)
	before := slices.Clone(env)
	if got := ScrubEnv(env, false); !slices.Equal(got, user) {
		t.Errorf("for mpirun:\n got %q\nwant %q", got, user)
	}
	if got, want := ScrubEnv(env, true), append(user, "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=n1"); !slices.Equal(got, want) {
		t.Errorf("for srun:\n got %q\nwant %q", got, want)
	}
	if !slices.Equal(env, before) {
		t.Error("ScrubEnv changed its argument")
	}
}
