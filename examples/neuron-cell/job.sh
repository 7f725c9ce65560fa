#!/bin/bash
#SBATCH --job-name=neuron-cell --nodes=1 --ntasks-per-node=1 --cpus-per-task=64 --time=01:00:00
#SBATCH --requeue --open-mode=append

# Submit it from the root of the repository: sbatch examples/neuron-cell/job.sh. It goes on by itself when its time is over.
. examples/jobs/slurm.sh examples/neuron-cell/run-full.yaml runs/neuron-cell-full
