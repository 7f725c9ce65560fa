#!/bin/bash
#SBATCH --job-name=tvb-brain
#SBATCH --nodes=8 --ntasks-per-node=1 --cpus-per-task=128 --time=01:00:00
#SBATCH --signal=USR2@120 --requeue --open-mode=append
# Maps the brain on a grid of 64 x 64 points. Submit it in the directory of l2l-mpi and its .venv, where examples/tvb-brain/requirements.txt is installed.
export PATH=$PWD/.venv/bin:$PATH
srun --mpi=pmix --cpus-per-task="$SLURM_CPUS_PER_TASK" ./l2l-mpi --config examples/tvb-brain/run-full.yaml --set output.dir=runs/tvb-brain-full --resume
# Not every launcher hands out the program's exit code; status knows better. 75 is a run that is to be resumed.
./l2l-mpi status runs/tvb-brain-full
if [ $? = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
