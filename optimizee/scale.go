package optimizee

import (
	"math"
	"strconv"
)

// A log-scaled parameter is searched by the logarithm of its value, and e^(log v) is seldom v again, to the last digit: 0.01 becomes
// 0.009999999999999995. The functions here translate so that a value that somebody has written down reaches the model as it was written.
//
// There are fewer doubles c with |c| > 1 than doubles v = e^c, so that not every v can have a coordinate of its own. Bounds have, and decimal numbers
// of at most logDigits digits, and whatever a coordinate has once been translated to. Any other value is translated to the nearest one that has.

// logDigits is to how many significant digits a decimal number is exact on a log scale. With each further digit ten times as many of the coordinates
// that a search proposes would stand for a decimal number that is some units in the last place beside e^c. With ten it is one in a
// million.
const logDigits = 10

// fromLog is the value of a coordinate c, the natural logarithm: a bound at, or beyond, the bound's own logarithm; the decimal number of at most
// logDigits digits whose logarithm is c, if there is one; otherwise e^c.
func (p Parameter) fromLog(c float64) float64 {
	v := math.Exp(c)
	switch {
	case v < p.Lower*(1+1e-12) && c <= math.Log(p.Lower):
		return p.Lower
	case v > p.Upper*(1-1e-12) && c >= math.Log(p.Upper):
		return p.Upper
	}
	if d := v; mayBeDecimal(v, c) {
		if d, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'e', logDigits-1, 64), 64); math.Log(d) == c {
			v = d
		}
	}
	return v
}

// mayBeDecimal is whether v = e^c can be the decimal number of at most logDigits digits whose logarithm is c. It is quick, and true for one value
// in a thousand: times a power of ten that leaves one digit to spare, such a number is whole, up to the error of e^c.
func mayBeDecimal(v, c float64) bool {
	scaled := v * math.Pow10(logDigits-int(math.Floor(c/math.Ln10)))
	if !(scaled > 1 && scaled < 1<<53) { // near the ends of the doubles
		return true
	}
	return math.Abs(scaled-math.Round(scaled)) <= scaled*(math.Abs(c)+8)*0x1p-52
}

// toLog is the coordinate of a value v between the bounds: fromLog(toLog(v)) is v wherever any coordinate stands for v, and otherwise
// the nearest value that one stands for.
func (p Parameter) toLog(v float64) float64 {
	c := math.Log(v)
	best, distance := c, math.Abs(p.fromLog(c)-v)
	// The coordinates that may stand for v are next to each other where |c| > 1, and below that as close as the last digit of v tells them apart.
	step := max(math.Nextafter(math.Abs(c), math.Inf(1))-math.Abs(c), 0x1p-55)
	for i := 1.0; i <= 12 && distance > 0; i++ {
		for _, near := range [2]float64{c - i*step, c + i*step} {
			if d := math.Abs(p.fromLog(near) - v); d < distance {
				best, distance = near, d
			}
		}
	}
	return best
}
