#!/bin/bash
#PBS -N fit
#PBS -l select=8:ncpus=128:mpiprocs=1
#PBS -l walltime=01:00:00
#PBS -j oe

# A run under PBS, over as many jobs as it takes, as slurm.sh is under Slurm. It is submitted where the program is:
#
#	qsub -v config=run.yaml,run=runs/fit examples/jobs/pbs.sh
#
# It was not tested, as no PBS was there: see README.md.
cd "$PBS_O_WORKDIR" || exit 1
: "${config:?wants a configuration}" "${run:?wants the directory of the run}"
l2l=${L2L_MPI:-./l2l-mpi}

before=$("$l2l" status --evaluations "$run")
mpirun "$l2l" --config "$config" --set output.dir="$run" --resume

"$l2l" status "$run"
state=$?
if [ $state = 75 ]; then
	if [ "$("$l2l" status --evaluations "$run")" = "$before" ]; then
		echo "pbs.sh: this job has evaluated nothing, and another one is not submitted" >&2
		state=1
	else
		qsub -v "config=$config,run=$run,L2L_MPI=$l2l" examples/jobs/pbs.sh
	fi
fi
exit $state
