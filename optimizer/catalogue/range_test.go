package catalogue_test

import (
	"errors"
	"math"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// Ranges as large as a space may have, 1e300, are searched like any others: what is proposed is finite.
func TestEveryAlgorithmSearchesTheLargestRangesThatASpaceMayHave(t *testing.T) {
	const large = 1e300
	for _, a := range catalogue.All() {
		if a.Name == "process" {
			continue // another program's
		}
		for name, c := range map[string]optimizer.Coordinate{
			"bounds": {Lower: -large, Upper: large}, "a normal distribution": {Lower: math.Inf(-1), Upper: math.Inf(1), Mean: large, Std: large},
		} {
			p := optimizer.Problem{Coords: []optimizer.Coordinate{c, c, c}}
			o, err := a.New(p, a.Params(), 1)
			if errors.Is(err, optimizer.ErrUnsuited) {
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", a.Name, err)
			}
			for told := 0; told < 40; {
				candidates, err := o.Ask(0)
				if err != nil {
					t.Fatalf("%s, %s: %v", a.Name, name, err)
				}
				if len(candidates) == 0 {
					break
				}
				results := make([]optimizer.Evaluated, len(candidates))
				for i, c := range candidates {
					loss := 0.0
					for _, x := range c.X {
						if math.IsNaN(x) || math.IsInf(x, 0) {
							t.Fatalf("%s, %s: proposes %v", a.Name, name, c.X)
						}
						loss += math.Abs(x/large - 0.3)
					}
					results[i] = optimizer.Evaluated{ID: c.ID, Loss: []float64{loss}}
				}
				if err := o.Tell(results); err != nil {
					t.Fatalf("%s, %s: %v", a.Name, name, err)
				}
				told += len(results)
			}
		}
	}
}
