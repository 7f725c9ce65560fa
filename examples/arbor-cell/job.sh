#!/bin/bash
# The full fit on a cluster: sbatch examples/arbor-cell/job.sh, in the repository, after make and pip install -r examples/arbor-cell/requirements.txt
#SBATCH --job-name=arbor-cell
#SBATCH --nodes=4 --ntasks-per-node=1 --cpus-per-task=40 --time=01:00:00
#SBATCH --requeue --open-mode=append
. examples/jobs/slurm.sh examples/arbor-cell/run-full.yaml runs/arbor-cell-full
