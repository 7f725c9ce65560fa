// Package normal is the standard normal distribution: density, probabilities and quantiles. Probabilities keep their digits
// in the tails.
package normal

import "math"

// LogDensity is the logarithm of the density at z.
func LogDensity(z float64) float64 { return -z*z/2 - math.Log(2*math.Pi)/2 }

// Below is the probability of a number below z, and Above of one above.
func Below(z float64) float64 { return Above(-z) }

// Above is the probability of a number above z; it has all its digits for large z.
func Above(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// Between is the probability of a number between a and b, a <= b.
func Between(a, b float64) float64 {
	if a > 0 {
		a, b = -b, -a // to the tail where small numbers keep their digits
	}
	return (math.Erfc(-b/math.Sqrt2) - math.Erfc(-a/math.Sqrt2)) / 2
}

// Quantile is the number below which a part p of the distribution lies, 0 < p < 1. It is −Inf for p < 1e-17, and loses digits before that.
func Quantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// UpperQuantile is the number above which a part p of the distribution lies.
func UpperQuantile(p float64) float64 { return -Quantile(p) }
