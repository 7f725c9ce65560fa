package catalogue_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// TestRecommendersRecommendATrulyBetterPointThanTheLuckiest lets every algorithm that recommends a point search the sphere under noise as large as
// the loss itself, so that the luckiest are bad points with large noise.
func TestRecommendersRecommendATrulyBetterPointThanTheLuckiest(t *testing.T) {
	t.Parallel()
	const dim = 5
	recommenders := 0
	for _, a := range catalogue.All() {
		var recommended, told []float64 // true losses
		for seed := range uint64(5) {
			o, err := a.New(optimizer.Box(dim, -5, 5), a.Params(), seed+1)
			if errors.Is(err, optimizer.ErrUnsuited) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := o.(optimizer.Recommender); !ok {
				break
			}
			rng := rand.New(rand.NewPCG(seed, 7))
			budget := 1500
			if a.Name == "bayes" {
				budget = 80
			}
			loss := func(x []float64) float64 { return floats.Dot(x, x) }
			for n := 0; n < budget; {
				cs, err := o.Ask(0)
				if err != nil {
					t.Fatal(err)
				}
				if len(cs) == 0 {
					break
				}
				n += len(cs)
				for _, c := range cs {
					if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{loss(c.X) * (1 + rng.NormFloat64())}}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			recommended = append(recommended, loss(optimizer.Recommended(o)[0]))
			told = append(told, loss(o.Status().Best.X))
		}
		if len(told) == 0 {
			continue
		}
		recommenders++
		slices.Sort(recommended)
		slices.Sort(told)
		t.Logf("%s: recommended %.3g, best told %.3g", a.Name, recommended, told)
		if recommended[2] > told[2] {
			t.Errorf("%s: the median of true losses of what it recommends is %.3g, of the best told %.3g", a.Name, recommended[2], told[2])
		}
	}
	if recommenders < 8 {
		t.Errorf("%d algorithms recommend a point", recommenders)
	}
}
