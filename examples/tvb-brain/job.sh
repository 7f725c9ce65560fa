#!/bin/bash
#SBATCH --job-name=tvb-brain
#SBATCH --nodes=8 --ntasks-per-node=1 --cpus-per-task=128 --time=01:00:00
#SBATCH --requeue --open-mode=append
# Maps the brain on a grid of 64 x 64 points. Submit it in the directory of l2l-mpi and its .venv, where examples/tvb-brain/requirements.txt is installed.
export PATH=$PWD/.venv/bin:$PATH
. examples/jobs/slurm.sh examples/tvb-brain/run-full.yaml runs/tvb-brain-full
