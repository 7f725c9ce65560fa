#!/bin/bash
#SBATCH --nodes=8 --ntasks-per-node=1 --cpus-per-task=128 --time=01:00:00
#SBATCH --requeue --open-mode=append

# A run under Slurm, over as many jobs as it takes: it is requeued until it is finished, and no longer when it fails, or when a job evaluates nothing.
# Submitted where the program is, with a configuration, the run's directory, and what else the program takes:
#
#	sbatch examples/jobs/slurm.sh run.yaml runs/fit
#
# Options of sbatch before the script's name go before those above. A script of your own may have other lines with SBATCH, and end with
#
#	. examples/jobs/slurm.sh run.yaml runs/fit
#
# In a job array each job has a run of its own: its number goes behind the directory's name, and is the seed.
#
# The program is L2L_MPI, without which it is ./l2l-mpi, and srun's way to start an MPI is L2L_SRUN_MPI, pmix where that is not set.
config=$1 run=$2
shift 2
l2l=${L2L_MPI:-./l2l-mpi}
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
	run=$run-$SLURM_ARRAY_TASK_ID
	set -- --set seed="$SLURM_ARRAY_TASK_ID" "$@"
fi

# The run ends in order before the job does (stop.wall_time: auto). A rank that dies ends the others, who would wait for it.
before=$("$l2l" status --evaluations "$run")
srun --mpi="${L2L_SRUN_MPI:-pmix}" --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" \
	"$l2l" --config "$config" --set output.dir="$run" --resume "$@"

# Not every launcher hands out the program's exit code; status knows better. 75 is a run that is to be resumed.
"$l2l" status "$run"
state=$?
if [ $state = 75 ]; then
	if [ "$("$l2l" status --evaluations "$run")" = "$before" ]; then
		echo "slurm.sh: this job has evaluated nothing, and another one is not submitted" >&2
		state=1
	else
		scontrol requeue "$SLURM_JOB_ID"
	fi
fi
exit $state
