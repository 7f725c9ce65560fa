#!/bin/bash
#SBATCH --job-name=brian2-network --nodes=1 --ntasks-per-node=1 --cpus-per-task=64 --time=01:00:00
#SBATCH --requeue --open-mode=append

# Submit it from the root of the repository: sbatch examples/brian2-network/job.sh. It goes on by itself when its time is over.
. examples/jobs/slurm.sh examples/brian2-network/run-full.yaml runs/brian2-network-full
