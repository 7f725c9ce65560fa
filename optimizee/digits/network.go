package digits

import "math"

// network is a perceptron with one hidden layer: tanh units, then a softmax over the ten digits.
type network struct {
	hidden int
	h      []float64 // activity of the hidden layer
}

func newNetwork(hidden int) *network { return &network{hidden, make([]float64, hidden)} }

// Lengths of the weights: a row for each unit of a layer, its bias first.
func (n *network) hiddenWeights() int { return n.hidden * (1 + pixels) }
func (n *network) outputWeights() int { return classes * (1 + n.hidden) }

// classify writes the probability of each digit to p, len 10. Weights have the lengths above.
func (n *network) classify(hidden, output []float64, image *[pixels]float64, p []float64) {
	for i := range n.h {
		row := hidden[i*(1+pixels):][:1+pixels]
		n.h[i] = math.Tanh(affine(row, image[:]))
	}
	largest := math.Inf(-1)
	for k := range p {
		p[k] = affine(output[k*(1+n.hidden):][:1+n.hidden], n.h)
		largest = max(largest, p[k])
	}
	sum := 0.0
	for k := range p {
		p[k] = math.Exp(p[k] - largest)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
}

// affine is w[0] + w[1:]·x.
func affine(w, x []float64) float64 {
	sum := w[0]
	w = w[1:][:len(x)]
	for i, v := range x {
		sum += w[i] * v
	}
	return sum
}
