#!/bin/sh
# mpienv.sh MPICC COMMAND...: runs COMMAND with the flags that cgo needs to build with the MPI of the wrapper MPICC.
#
# The flags are taken from the wrapper and given in CGO_CFLAGS and CGO_LDFLAGS: these come before the flags that gompi has
# built in, which are the paths of one distribution's Open MPI. CC=$MPICC would not do, it comes after them.
set -eu
mpicc=$1
shift

command -v "$mpicc" >/dev/null || {
	echo "mpienv.sh: no $mpicc: install MPI or load its module, or name its compiler wrapper with MPICC=..." >&2
	exit 1
}

# pick KINDS WORD...: those words that are flags of the kinds.
pick() {
	kinds=$1
	shift
	printf '%s\n' "$@" | grep -E "^-($kinds)" | tr '\n' ' '
}

if compile=$("$mpicc" --showme:compile 2>/dev/null); then # Open MPI
	link=$("$mpicc" --showme:link)
elif compile=$("$mpicc" --cray-print-opts=cflags 2>/dev/null); then # Cray
	link=$("$mpicc" --cray-print-opts=libs)
else # MPICH, Intel MPI, MVAPICH
	compile=$("$mpicc" -compile_info)
	link=$("$mpicc" -link_info)
fi

# --as-needed drops the library that gompi names when the one before has everything: two MPIs in a process crash.
CGO_CFLAGS="${CGO_CFLAGS:--O2 -g} $(pick 'I|D|pthread' $compile)"
CGO_LDFLAGS="${CGO_LDFLAGS:-} $(pick 'L|l|Wl,|pthread' $link) -Wl,--as-needed"
export CGO_ENABLED=1 CGO_CFLAGS CGO_LDFLAGS
exec "$@"
