package kit

import (
	"math"
	"math/rand/v2"
)

// Metropolis decides, at a temperature T >= 0 in units of the loss, whether to take a loss that is larger by rise: always if it is not larger,
// else with probability exp(−rise/T) (Metropolis et al. 1953, doi 10.1063/1.1699114), which at T = 0 is never. An infinite rise is refused,
// and one that is not a number.
func Metropolis(rng *rand.Rand, rise, temperature float64) bool {
	if rise <= 0 {
		return true
	}
	return temperature > 0 && rng.Float64() < math.Exp(-rise/temperature)
}

// InitialTemperature is a temperature at which a search accepts nearly everything: the standard deviation of the losses of a random sample
// (White 1984, Concepts of Scale in Simulated Annealing), here estimated by their interquartile range, so that a few absurd ones do not matter.
// The sample is sorted by loss. The temperature is > 0 and finite.
func InitialTemperature(sample []Ranked) float64 {
	n := len(sample)
	for _, k := range []int{n / 4, 0} { // where half of them are equal, their whole range
		if n == 0 {
			break
		}
		if deviation := (sample[n-1-k].Loss - sample[k].Loss) / 1.349; deviation > 0 {
			return min(deviation, math.MaxFloat64)
		}
	}
	return 1
}
