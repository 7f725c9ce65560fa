package neuron

import "math"

// powers are 2^(i/256).
var powers = func() (t [256]float64) {
	for i := range t {
		t[i] = math.Exp2(float64(i) / 256)
	}
	return t
}()

// exp is math.Exp to within 1e-12 of its value, at less than half the time. The integrator waits for one exponential per time step, and
// spends most of its time on it.
//
// x = (k/256) ln 2 + r with k whole and |r| <= ln 2 / 512, so that e^x = 2^(k/256) e^r: a table, the exponent's bits, and four terms
// of the series.
func exp(x float64) float64 {
	if !(x > -700 && x < 700) {
		return math.Exp(x)
	}
	const round = 3 << 51 // x + round − round is x as a whole number, which is in the low bits of the sum
	t := x*(256*math.Log2E) + round
	k := int64(math.Float64bits(t)) << 13 >> 13
	r := x - (t-round)*(math.Ln2/256)
	series := 1 + r*(1+r*(1.0/2+r*(1.0/6)))
	return math.Float64frombits(math.Float64bits(powers[k&255])+uint64(k>>8)<<52) * series
}
