#!/bin/bash
#SBATCH --job-name=brian2-network --nodes=1 --ntasks-per-node=1 --cpus-per-task=64 --time=01:00:00
#SBATCH --signal=USR2@120 --requeue --open-mode=append

# Submit it from the root of the repository: sbatch examples/brian2-network/job.sh. It goes on by itself when its time is over.
srun --mpi=pmix --cpus-per-task="$SLURM_CPUS_PER_TASK" ./l2l-mpi --config examples/brian2-network/run-full.yaml --set output.dir=runs/brian2-network-full --resume
# Not every launcher hands out the program's exit code; status knows better. 75 is a run that is to be resumed.
./l2l-mpi status runs/brian2-network-full
if [ $? = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
