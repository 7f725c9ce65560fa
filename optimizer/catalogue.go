package optimizer

// Catalogue lists the algorithms in the order in which they are best read about.
func Catalogue() []Algorithm {
	return []Algorithm{
		cmaesAlgorithm(), asyncCMAESAlgorithm(), evolutionStrategiesAlgorithm(), snesAlgorithm(), xnesAlgorithm(),
		geneticAlgorithm(), geneticAsyncAlgorithm(),
		jadeAlgorithm(), lshadeAlgorithm(), deAsyncAlgorithm(), psoAlgorithm(), psoAsyncAlgorithm(), portfolioAlgorithm(),
		crossEntropyAlgorithm(), faceAlgorithm(),
		annealingAlgorithm(), parallelTemperingAlgorithm(),
		gradientAlgorithm(),
		nsga2Algorithm(), nsga3Algorithm(), ibeaAlgorithm(), mapElitesAlgorithm(),
		bayesAlgorithm(), enkfAlgorithm(), abcSMCAlgorithm(),
		gridAlgorithm(), sobolAlgorithm(), latinHypercubeAlgorithm(), randomAlgorithm(),
	}
}
