// Package moo is evolutionary multi-objective optimisation: a population breeds as many children, of both the best survive, and what is found is
// a front of compromises (Status.Front).
//
// [NewNSGA2] makes the first choice for two or three objectives. [NewNSGA3] makes the one for three and more whose front is to be covered
// evenly. [NewIBEA] makes the one for four and more, where nearly no individual dominates another. A weighted sum of objectives is one
// objective, which other packages search better.
package moo

import "github.com/meta-optimization/l2l-mpi/optimizer"

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{nsga2Algorithm(), nsga3Algorithm(), ibeaAlgorithm()}
}
