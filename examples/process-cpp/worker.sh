#!/bin/sh
# Builds the worker where it is missing or older than its source, once for all slots, and becomes it.
cd "$(dirname "$0")"
flock worker.cpp sh -c '[ worker -nt worker.cpp ] && [ worker -nt l2l_worker.hpp ] || ${CXX:-g++} -std=c++17 -O2 -Wall -o worker worker.cpp' && exec ./worker
