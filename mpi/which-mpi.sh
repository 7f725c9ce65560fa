#!/bin/sh
# which-mpi.sh PROGRAM: prints the one MPI library that PROGRAM loads. Fails if there is none, or more than one: two MPIs
# in a process crash.
set -eu
libs=$(ldd "$1" | grep -E '\blibmpi(ch|_[a-z0-9_]+)?\.so' || true)
if [ "$(printf '%s' "$libs" | grep -c .)" != 1 ]; then
	printf 'which-mpi.sh: %s loads these MPI libraries, want one:\n%s\n' "$1" "${libs:-none}" >&2
	exit 1
fi
echo "$1 uses MPI library $(echo $libs)"
