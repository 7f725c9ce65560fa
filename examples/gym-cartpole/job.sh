#!/bin/bash
#SBATCH --job-name=gym-cartpole --nodes=1 --ntasks-per-node=1 --cpus-per-task=64 --time=01:00:00
#SBATCH --signal=USR2@120 --requeue --open-mode=append

# Submit it from the root of the repository: sbatch examples/gym-cartpole/job.sh. It goes on by itself when its time is over.
srun --mpi=pmix --cpus-per-task="$SLURM_CPUS_PER_TASK" ./l2l-mpi --config examples/gym-cartpole/run-full.yaml --set output.dir=runs/gym-cartpole-full --resume
if [ $? = 75 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
