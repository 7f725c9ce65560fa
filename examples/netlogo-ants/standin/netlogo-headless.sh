#!/bin/sh
# A stand-in for the command line of NetLogo's program of this name; see headless.py.
exec python3 -S -E "${0%/*}/headless.py" "$@"
