package optimizer_test

import (
	"fmt"
	"log"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/cmaes"
	"github.com/meta-optimization/l2l-mpi/optimizer/moo"
)

// An optimizer is asked for individuals and told their losses, in any order, until it has found what is wanted.
func Example() {
	problem := optimizer.Box(5, -5, 5) // five numbers between −5 and 5
	search, err := cmaes.New(problem, cmaes.Defaults(), 1)
	if err != nil {
		log.Fatal(err)
	}
	for search.Status().Best == nil || search.Status().Best.Loss[0] > 1e-8 {
		candidates, err := search.Ask(0) // as many as it wants evaluated now
		if err != nil {
			log.Fatal(err)
		}
		for _, c := range candidates {
			loss := 0.0
			for i, x := range c.X {
				loss += (x - float64(i+1)) * (x - float64(i+1))
			}
			if err := search.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{loss}}}); err != nil {
				log.Fatal(err)
			}
		}
	}
	fmt.Printf("%.2f\n", search.Status().Best.X)
	// Output: [1.00 2.00 3.00 4.00 5.00]
}

// With several objectives a search has no best individual but a front, of which no individual is better than another in everything.
func Example_severalObjectives() {
	problem := optimizer.Box(1, -10, 10)
	problem.Objectives = 2
	search, err := moo.NewNSGA2(problem, moo.NSGA2Defaults(), 1)
	if err != nil {
		log.Fatal(err)
	}
	for search.Status().Generation < 20 {
		candidates, err := search.Ask(0)
		if err != nil {
			log.Fatal(err)
		}
		var results []optimizer.Evaluated
		for _, c := range candidates {
			x := c.X[0]
			results = append(results, optimizer.Evaluated{ID: c.ID, Loss: []float64{x * x, (x - 2) * (x - 2)}}) // near 0, and near 2
		}
		if err := search.Tell(results); err != nil {
			log.Fatal(err)
		}
	}
	outside := 0
	for _, s := range search.Status().Front {
		if s.X[0] < -0.1 || s.X[0] > 2.1 {
			outside++
		}
	}
	fmt.Println(len(search.Status().Front) > 50, outside)
	// Output: true 0
}

// A search can be stopped at any moment, also while individuals are being evaluated, and goes on from its state as if nothing had happened.
func Example_resume() {
	problem := optimizer.Box(3, -5, 5)
	search, err := cmaes.New(problem, cmaes.Defaults(), 1)
	if err != nil {
		log.Fatal(err)
	}
	sphere := func(c optimizer.Candidate) optimizer.Evaluated {
		return optimizer.Evaluated{ID: c.ID, Loss: []float64{c.X[0]*c.X[0] + c.X[1]*c.X[1] + c.X[2]*c.X[2]}}
	}
	candidates, err := search.Ask(3)
	if err != nil {
		log.Fatal(err)
	}
	if err := search.Tell([]optimizer.Evaluated{sphere(candidates[0])}); err != nil { // the other two are under way
		log.Fatal(err)
	}
	state, err := search.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}

	resumed, err := cmaes.New(problem, cmaes.Defaults(), 1) // perhaps in another process
	if err != nil {
		log.Fatal(err)
	}
	if err := resumed.UnmarshalBinary(state); err != nil {
		log.Fatal(err)
	}
	for _, o := range []optimizer.Optimizer{search, resumed} {
		if err := o.Tell([]optimizer.Evaluated{sphere(candidates[1]), sphere(candidates[2])}); err != nil {
			log.Fatal(err)
		}
	}
	a, err := search.Ask(1)
	if err != nil {
		log.Fatal(err)
	}
	b, err := resumed.Ask(1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a[0].ID, b[0].ID, a[0].X[0] == b[0].X[0])
	// Output: 3 3 true
}
