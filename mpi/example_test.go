package mpi_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

// Ranks that are goroutines talk to each other as those of real MPI do. Here each adds its part, and rank 0 says what came out.
func ExampleLocal() {
	rank := func(comm mpi.Comm) error {
		sum := []float64{float64(comm.Rank() + 1)}
		if err := comm.Reduce(context.Background(), 0, mpi.Sum, sum); err != nil {
			return err
		}
		if comm.Rank() == 0 {
			fmt.Println("the sum of", comm.Size(), "ranks:", sum[0])
		}
		return comm.Close()
	}
	var ranks sync.WaitGroup
	for _, comm := range mpi.Local(4) {
		ranks.Go(func() {
			if err := rank(comm); err != nil {
				log.Fatal(err)
			}
		})
	}
	ranks.Wait()
	// Output: the sum of 4 ranks: 10
}
