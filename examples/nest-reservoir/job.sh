#!/bin/bash
#SBATCH --job-name=nest-reservoir --nodes=1 --ntasks-per-node=1 --cpus-per-task=8 --time=02:00:00
#SBATCH --requeue --open-mode=append

# Submit it from the root of the repository: sbatch examples/nest-reservoir/job.sh. It goes on by itself when its time is over.
. examples/jobs/slurm.sh examples/nest-reservoir/run-full.yaml runs/nest-reservoir-full
