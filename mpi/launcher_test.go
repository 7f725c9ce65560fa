package mpi

import (
	"strings"
	"testing"
)

func TestLaunchedFindsTheInnermostLauncher(t *testing.T) {
	for _, test := range []struct {
		name string
		env  string
		n    int
		by   string
	}{
		{"alone", "", 1, ""},
		{"mpirun of Open MPI", "OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=2 PMIX_RANK=2", 4, "OMPI_COMM_WORLD_SIZE"},
		{"mpirun of Open MPI with one task", "OMPI_COMM_WORLD_SIZE=1", 1, "OMPI_COMM_WORLD_SIZE"},
		{"mpirun of MPICH", "PMI_SIZE=3 PMI_RANK=0 PMI_FD=9", 3, "PMI_SIZE"},
		{"batch script of sbatch -n 4", "SLURM_JOB_ID=7 SLURM_NTASKS=4 SLURM_NPROCS=4 SLURM_PROCID=0", 1, ""},
		{"shell of salloc -n 4", "SLURM_JOB_ID=7 SLURM_NTASKS=4", 1, ""},
		{"srun -n 4", "SLURM_JOB_ID=7 SLURM_NTASKS=4 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4", 4, "SLURM_STEP_NUM_TASKS"},
		{"srun -n 1 in sbatch -n 4", "SLURM_NTASKS=4 SLURM_STEP_ID=1 SLURM_STEP_NUM_TASKS=1", 1, "SLURM_STEP_NUM_TASKS"},
		{"srun --mpi=pmi2 -n 4", "PMI_SIZE=4 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4", 4, "PMI_SIZE"},
		{"mpirun -n 64 whose daemons srun started on 4 nodes", "OMPI_COMM_WORLD_SIZE=64 SLURM_STEP_NUM_TASKS=4", 64, "OMPI_COMM_WORLD_SIZE"},
		{"no number", "OMPI_COMM_WORLD_SIZE=many PMI_SIZE= SLURM_STEP_NUM_TASKS=-1", 1, ""},
	} {
		env := map[string]string{}
		for _, v := range strings.Fields(test.env) {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		n, by := launched(func(name string) string { return env[name] })
		if n != test.n || by != test.by {
			t.Errorf("%s: %d by %q, want %d by %q", test.name, n, by, test.n, test.by)
		}
	}
}
