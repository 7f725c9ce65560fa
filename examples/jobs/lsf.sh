#!/bin/bash
#BSUB -J fit
#BSUB -n 8
#BSUB -R "span[ptile=1] affinity[core(128)]"
#BSUB -W 1:00
#BSUB -o fit.%J.out
#BSUB -Q "75"

# A run under LSF, over as many jobs as it takes, as slurm.sh is under Slurm: LSF submits it again where it ends with 75 (-Q). It is submitted where the
# program is:
#
#	config=run.yaml run=runs/fit bsub < examples/jobs/lsf.sh
#
# It was not tested, as no LSF was there: see README.md.
: "${config:?wants a configuration}" "${run:?wants the directory of the run}"
l2l=${L2L_MPI:-./l2l-mpi}

before=$("$l2l" status --evaluations "$run")
mpirun "$l2l" --config "$config" --set output.dir="$run" --resume

"$l2l" status "$run"
state=$?
if [ $state = 75 ] && [ "$("$l2l" status --evaluations "$run")" = "$before" ]; then
	echo "lsf.sh: this job has evaluated nothing, and another one is not submitted" >&2
	state=1
fi
exit $state
