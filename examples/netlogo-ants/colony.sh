#!/bin/sh
# Runs one colony in NetLogo: colony.sh SEED WORLD. The weights are in params.csv; the table of BehaviorSpace goes to the standard output.
# The variable NETLOGO names the program; without it that is the stand-in for it, see README.md.
set -eu
echo "$1,$2" > task.csv
exec "${NETLOGO:-standin/netlogo-headless.sh}" --model ants.nlogo --experiment colony --threads 1 --table -
