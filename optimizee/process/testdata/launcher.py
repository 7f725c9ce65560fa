"""A launcher as those of MPI are: what it starts does not see its descriptors."""

import subprocess
import sys

sys.exit(subprocess.call(sys.argv[3:], close_fds=True))  # launcher.py -n 2 PROGRAM …
