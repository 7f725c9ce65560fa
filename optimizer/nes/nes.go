// Package nes is natural evolution strategies: the parameters of a normal distribution follow the gradient of the loss that is expected of
// individuals drawn from it. A generation's state holds the seeds of individuals, not their points, so that a million coordinates are no burden.
//
// [NewES] makes the one with one step for all coordinates (OpenAI-ES), for thousands to millions of parameters and noisy losses. [NewSNES] makes the
// one with a step for each coordinate, for parameters that hardly depend on each other and differ in scale. [NewXNES] makes the one with a full
// covariance, for some tens of parameters. Where package cmaes can be used, it needs fewer evaluations.
package nes

import "github.com/meta-optimization/l2l-mpi/optimizer"

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{esAlgorithm(), snesAlgorithm(), xnesAlgorithm()}
}
