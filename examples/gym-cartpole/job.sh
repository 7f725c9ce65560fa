#!/bin/bash
#SBATCH --job-name=gym-cartpole --nodes=1 --ntasks-per-node=1 --cpus-per-task=64 --time=01:00:00
#SBATCH --requeue --open-mode=append

# Submit it from the root of the repository: sbatch examples/gym-cartpole/job.sh. It goes on by itself when its time is over.
. examples/jobs/slurm.sh examples/gym-cartpole/run-full.yaml runs/gym-cartpole-full
