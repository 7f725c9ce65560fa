#!/bin/bash
#SBATCH --job-name=netlogo-ants --nodes=1 --ntasks-per-node=1 --cpus-per-task=128 --time=10:00:00
#SBATCH --requeue --open-mode=append

# See first, by hand, that NetLogo opens the model; if it cannot, it prints why, and never ends:
# NETLOGO=/path/to/netlogo-headless.sh ./l2l-mpi eval --config examples/netlogo-ants/run-full.yaml
#
# Submit it from the root of the repository: NETLOGO=/path/to/netlogo-headless.sh sbatch examples/netlogo-ants/job.sh. It goes on by itself
# when its time is over.
: "${NETLOGO:?wants the path of netlogo-headless.sh}"
. examples/jobs/slurm.sh examples/netlogo-ants/run-full.yaml runs/netlogo-ants-full
