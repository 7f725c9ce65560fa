// Command custom-optimizer is a program with an optimizer of its own: compass search, in compass.go. It is every rank of a run, as l2l-mpi is:
// go run ./examples/custom-optimizer --config examples/custom-optimizer/run.yaml
package main

import (
	"github.com/meta-optimization/l2l-mpi/l2l/app"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

func main() {
	app.Program{Optimizers: []optimizer.Algorithm{algorithm()}}.Main()
}
