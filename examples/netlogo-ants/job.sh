#!/bin/bash
#SBATCH --job-name=netlogo-ants --nodes=1 --ntasks-per-node=1 --cpus-per-task=128 --time=10:00:00
#SBATCH --signal=USR2@120 --requeue --open-mode=append

# See first, by hand, that NetLogo opens the model; if it cannot, it prints why, and never ends:
# NETLOGO=/path/to/netlogo-headless.sh ./l2l-mpi eval --config examples/netlogo-ants/run-full.yaml
#
# Submit it from the root of the repository: NETLOGO=/path/to/netlogo-headless.sh sbatch examples/netlogo-ants/job.sh. It goes on by itself
# when its time is over.
: "${NETLOGO:?wants the path of netlogo-headless.sh}"
srun --mpi=pmix --cpus-per-task="$SLURM_CPUS_PER_TASK" ./l2l-mpi --config examples/netlogo-ants/run-full.yaml --resume
# Not every launcher hands out the program's exit code; status knows better. 75 is a run that is to be resumed.
./l2l-mpi status runs/netlogo-ants-full
if [ $? = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
