package optimizee_test

import (
	"fmt"
	"log"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// A space says what its parameters are. Optimizers see a vector: here the logarithm of tau, the index of the rule, and three weights.
func ExampleSpace() {
	space := optimizee.Space{
		{Name: "tau", Lower: 1, Upper: 100, Log: true, Unit: "ms"},
		{Name: "rule", Kind: optimizee.Categorical, Choices: []any{"stdp", "bcm"}},
		{Name: "w", Lower: -1, Upper: 1, Size: 3},
	}
	if err := space.Check(); err != nil {
		log.Fatal(err)
	}
	x, err := space.Encode(map[string]any{"tau": 10.0, "rule": "bcm", "w": []float64{0, 0.5, -0.5}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d numbers: %.3f\n", space.Dim(), x)
	params, err := space.Decode(x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f %s %v\n", params.Float("tau"), params.Choice("rule"), params.Vector("w"))
	// Output:
	// 5 numbers: [2.303 1.000 0.000 0.500 -0.500]
	// 10.0 bcm [0 0.5 -0.5]
}
