#!/bin/bash
# The full fit on a cluster: sbatch examples/arbor-cell/job.sh, in the repository, after make and pip install -r examples/arbor-cell/requirements.txt
#SBATCH --job-name=arbor-cell
#SBATCH --nodes=4 --ntasks-per-node=1 --cpus-per-task=40 --time=01:00:00
#SBATCH --signal=USR2@120 --requeue --open-mode=append
srun --mpi=pmix --cpus-per-task="$SLURM_CPUS_PER_TASK" ./l2l-mpi --config examples/arbor-cell/run-full.yaml --set output.dir=runs/arbor-cell-full --resume
# Not every launcher hands out the program's exit code; status knows better. 75 is a run that is to be resumed.
./l2l-mpi status runs/arbor-cell-full
if [ $? = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
