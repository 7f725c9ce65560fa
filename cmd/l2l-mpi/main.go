// Command l2l-mpi is two-loop optimisation on any number of ranks: l2l-mpi --config run.yaml, or the same under mpirun or srun.
package main

import "github.com/meta-optimization/l2l-mpi/l2l/app"

func main() { app.Main() }
