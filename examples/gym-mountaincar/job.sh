#!/bin/bash
#SBATCH --job-name=gym-mountaincar --nodes=1 --ntasks-per-node=1 --cpus-per-task=128 --time=10:00:00
#SBATCH --requeue --open-mode=append

# Submit it from the root of the repository: sbatch examples/gym-mountaincar/job.sh. It goes on by itself when its time is over.
. examples/jobs/slurm.sh examples/gym-mountaincar/run-full.yaml runs/gym-mountaincar-full
