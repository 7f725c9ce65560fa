// Package nes is natural evolution strategies: the parameters of a normal distribution follow the gradient of the loss that is expected of
// individuals drawn from it. A generation's state holds the seeds of individuals, not their points, so that a million coordinates are no burden.
//
// [NewES] makes the one with one step for all coordinates (OpenAI-ES), for thousands to millions of parameters and noisy losses. [NewSNES] makes the
// one with a step for each coordinate, for parameters that hardly depend on each other and differ in scale. [NewXNES] makes the one with a full
// covariance, for some tens of parameters. Where package cmaes can be used, it needs fewer evaluations.
package nes

import (
	"math"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// Algorithms describes the algorithms of this package.
func Algorithms() []optimizer.Algorithm {
	return []optimizer.Algorithm{esAlgorithm(), snesAlgorithm(), xnesAlgorithm()}
}

// usualSize is the population of xNES and SNES in n dimensions where none is given, and how many times that of few slots it is.
func usualSize(n float64, problem optimizer.Problem) (size int, times float64) {
	usual := 4 + int(3*math.Log(n))
	size = kit.Usual(usual, problem, 1_000_000)
	return size, float64(size) / float64(usual)
}

// faster is a learning rate for a population that is larger than usual by so many times. The estimated gradient's random part is in proportion to
// 1/√λ, and the rate of few slots is as small as that wants it; it may grow by as much as the random part gets less (measured in
// bench/results/speedup.txt). Above 1 an update would go beyond what it aims at.
func faster(rate, times float64) float64 { return max(rate, min(1, rate*math.Sqrt(times))) }
