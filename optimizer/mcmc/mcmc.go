// Package mcmc is searches by Markov chains, which walk at random and accept what is worse with a probability that depends on a temperature.
//
// [NewAnnealing] makes simulated annealing, whose temperature falls: for rugged losses and mixed spaces with some thousand evaluations per
// chain. [NewParallelTempering] makes chains at several fixed temperatures that swap places: for losses with several deep valleys, and to see a
// posterior distribution. A sample of a posterior with weights is what package abc gives.
package mcmc

import "github.com/meta-optimization/l2l-mpi/optimizer"

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{annealingAlgorithm(), parallelTemperingAlgorithm()}
}
