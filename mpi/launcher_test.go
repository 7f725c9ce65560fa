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
		n, by := launched(environ(test.env))
		if n != test.n || by != test.by {
			t.Errorf("%s: %d by %q, want %d by %q", test.name, n, by, test.n, test.by)
		}
	}
}

func TestRemedyNamesTheMPIOfSrunThatTheLibrarySpeaks(t *testing.T) {
	for _, c := range []struct{ library, env, want string }{
		{"Open MPI v4.1.4", "SLURM_STEP_ID=0 SLURM_MPI_TYPE=pmi2", "by srun --mpi=pmix instead of --mpi=pmi2, or by that library's own mpirun"},
		{"Open MPI v4.1.4", "SLURM_STEP_ID=0 SLURM_MPI_TYPE=none", "by srun --mpi=pmix instead of --mpi=none, or by that library's own mpirun"},
		{"MPICH Version: 4.0.2", "SLURM_STEP_ID=0 SLURM_MPI_TYPE=pmix", "by srun --mpi=pmi2 instead of --mpi=pmix, or by that library's own mpirun"},
		{"MPICH Version: 4.0.2", "SLURM_STEP_ID=0 SLURM_MPI_TYPE=pmi2",
			"by srun with another --mpi than pmi2 (srun --mpi=list tells which there are), or by that library's own mpirun"},
		{"Intel(R) MPI Library 2021.9", "SLURM_STEP_ID=0", "by srun --mpi=pmi2, or by that library's own mpirun"},
		{"MPICH Version: 4.0.2", "SLURM_STEP_ID=0 SLURM_MPI_TYPE=pmix OMPI_COMM_WORLD_SIZE=4", "by that library's own mpirun"},
		{"MPICH Version: 4.0.2", "SLURM_JOB_ID=3", "by that library's own mpirun"},
	} {
		if got := remedy(c.library, environ(c.env)); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.library, c.env, got, c.want)
		}
	}
}

// environ is an environment of NAME=VALUE words.
func environ(words string) func(string) string {
	env := map[string]string{}
	for _, v := range strings.Fields(words) {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func TestOpenMPIIsKnownToNeedPMIxUnderSrun(t *testing.T) {
	for _, c := range []struct {
		library, env      string
		without, hopeless bool
	}{
		{"Open MPI v4.1.4", "SLURM_STEP_ID=0 PMI_RANK=0", true, false},
		{"Open MPI v5.0.3", "SLURM_STEP_ID=0 PMI_RANK=0", true, true},
		{"Open MPI v10.0.0", "SLURM_STEP_ID=0 PMI_RANK=0", true, true},
		{"Open MPI v4.1.4", "SLURM_STEP_ID=0", true, true},
		{"Open MPI v4.1.4", "SLURM_STEP_ID=0 PMIX_RANK=0", false, false},
		{"Open MPI v4.1.4", "SLURM_STEP_ID=0 OMPI_COMM_WORLD_SIZE=2", false, false},
		{"Open MPI v4.1.4", "SLURM_JOB_ID=1", false, false},
		{"MPICH Version: 4.0.2", "SLURM_STEP_ID=0", false, false},
	} {
		if without, hopeless := withoutPMIx(c.library, environ(c.env)); without != c.without || hopeless != c.hopeless {
			t.Errorf("%s, %s: %v, %v; want %v, %v", c.library, c.env, without, hopeless, c.without, c.hopeless)
		}
	}
}
