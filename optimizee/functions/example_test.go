package functions_test

import (
	"fmt"
	"log"

	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
)

// A function knows its domain and its optimum.
func ExampleNew() {
	rosenbrock, err := functions.New(functions.Spec{Name: "rosenbrock", Dim: 3})
	if err != nil {
		log.Fatal(err)
	}
	value := make([]float64, rosenbrock.Objectives)
	rosenbrock.Eval([]float64{0, 0, 0}, value)
	fmt.Println(value[0], rosenbrock.Gap(rosenbrock.ArgMin))

	sphere, err := functions.New(functions.Spec{Name: "bbob_f1", Dim: 10, Instance: 3}) // an instance has an optimum of its own
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sphere.Optimum, sphere.Lower, sphere.Upper)
	// Output:
	// 2 0
	// -247.11 -5 5
}
