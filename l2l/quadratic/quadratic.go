// Package quadratic finds the minimum of a loss from noisy values of it at many points: it fits a quadratic function, which averages the noise of all
// of them, as far as it may be believed.
//
// Not its business: where the points come from, and whether the minimum is a good one, which only evaluations can tell.
package quadratic

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

const (
	perTerm = 2   // points that there must be for each coefficient
	most    = 300 // coefficients, above which the mixed ones are left out
	rounds  = 3   // of weighing the points anew
	spread  = 5.0 // deviations of the noise, of a value above the least, at which a point has half the weight
)

// Least is the number of points of n coordinates that a function is fitted to at least.
func Least(n int) int { return perTerm * (2*n + 1) }

// Minimum returns the minimum of a quadratic function fitted to values at points, all of the same length n. It lies within the cloud of the points:
// no further from its centre than √n deviations. ok is false where the points are too few, 4 n + 2 at least, or their values no numbers to fit.
//
// Points with values far above the least weigh less, so that the function fits around the minimum, where it is to be believed; but noise alone takes
// no weight from a point, for it is the fitted values that count. Curvatures that the values do not prove are taken for equal in the coordinates in
// which the cloud is round (ridge regression, the ridge by its marginal likelihood).
// Time O(N p² + p³) for N points and p coefficients, (n+1)(n+2)/2 where N is twice that, otherwise 2n+1.
func Minimum(points [][]float64, values []float64) (x []float64, ok bool) {
	if len(points) == 0 {
		return nil, false
	}
	weights := slices.Repeat([]float64{1}, len(points))
	var last *fit
	for range rounds {
		f := newFit(points, values, weights)
		if f == nil {
			break
		}
		last, weights = f, f.weigh()
	}
	if last == nil {
		return nil, false
	}
	x = last.minimum()
	return x, !floats.HasNaN(x)
}

// fit is a quadratic function of coordinates z in which the cloud of the weighted points is round: x = centre + L z.
type fit struct {
	n      int
	centre []float64
	l      *mat.TriDense
	mixed  bool      // it has coefficients of the products of two coordinates
	beta   []float64 // coefficients, in the order of basis
	fitted []float64 // its values at the points
	noise  float64   // standard deviation of what it leaves of the values
}

// newFit fits a function to values at weighted points; nil where it cannot.
func newFit(points [][]float64, values, weights []float64) *fit {
	n, size := len(points[0]), len(points)
	f := &fit{n: n, centre: make([]float64, n)}
	total := floats.Sum(weights)
	for i, p := range points {
		floats.AddScaled(f.centre, weights[i]/total, p)
	}
	cov := mat.NewSymDense(n, nil)
	d := make([]float64, n)
	for i, p := range points {
		floats.SubTo(d, p, f.centre)
		cov.SymRankOne(cov, weights[i]/total, mat.NewVecDense(n, d))
	}
	for j := range n {
		v := cov.At(j, j)
		if v == 0 { // of no account, as all z are 0
			v = 1
		}
		cov.SetSym(j, j, v*(1+1e-9))
	}
	var chol mat.Cholesky
	if !chol.Factorize(cov) {
		return nil
	}
	f.l = mat.NewTriDense(n, mat.Lower, nil)
	chol.LTo(f.l)
	p := (n + 1) * (n + 2) / 2
	f.mixed = p <= most && total >= float64(perTerm*p)
	if !f.mixed {
		p = 2*n + 1
	}
	if total < float64(perTerm*p) {
		return nil
	}
	phi := mat.NewDense(size, p, nil)
	y := make([]float64, size)
	for i, x := range points {
		z := mat.NewVecDense(n, nil)
		floats.SubTo(d, x, f.centre)
		if z.SolveVec(f.l, mat.NewVecDense(n, slices.Clone(d))) != nil {
			return nil
		}
		f.basis(phi.RawRowView(i), z.RawVector().Data)
		w := math.Sqrt(weights[i])
		floats.Scale(w, phi.RawRowView(i))
		y[i] = w * values[i]
	}
	var gram mat.SymDense
	gram.SymOuterK(1, phi.T())
	right := mat.NewVecDense(p, nil)
	right.MulVec(phi.T(), mat.NewVecDense(size, y))
	square := floats.Dot(y, y)
	best := math.Inf(-1)
	penalised := p - n - 2
	for e := -3; e <= 8; e++ {
		lambda := math.Pow(4, float64(e))
		a := mat.NewSymDense(p, nil)
		a.CopySym(&gram)
		for j := range p {
			if j >= n+2 {
				a.SetSym(j, j, a.At(j, j)+lambda)
			} else {
				a.SetSym(j, j, a.At(j, j)+1e-9) // so that a coordinate in which all points are alike does no harm
			}
		}
		var c mat.Cholesky
		if !c.Factorize(a) {
			continue
		}
		beta := mat.NewVecDense(p, nil)
		if c.SolveVecTo(beta, right) != nil {
			continue
		}
		rss := square - mat.Dot(beta, right) // of the residuals, and the penalty
		if !(rss > 0) {
			rss = square * 1e-15
		}
		evidence := -(total-float64(n+2))/2*math.Log(rss) - c.LogDet()/2 + float64(penalised)/2*math.Log(lambda)
		if evidence > best {
			best, f.beta = evidence, beta.RawVector().Data
		}
	}
	if f.beta == nil {
		return nil
	}
	sum := 0.0
	for i, w := range weights {
		v := floats.Dot(phi.RawRowView(i), f.beta) / math.Sqrt(w)
		f.fitted = append(f.fitted, v)
		sum += weights[i] * (values[i] - v) * (values[i] - v)
	}
	f.noise = math.Sqrt(sum / max(total-float64(p), total/2))
	return f
}

// basis writes what the coefficients are multiplied by: 1, z, the sum of the squares, of which the coefficient is free as those before it, contrasts of the
// squares (Helmert's), and products. For normal z they are orthonormal, so that one ridge suits all that it is for.
func (f *fit) basis(row, z []float64) {
	n := f.n
	row[0] = 1
	copy(row[1:], z)
	iso := 0.0
	for _, v := range z {
		iso += (v*v - 1) / math.Sqrt2
	}
	row[n+1] = iso / math.Sqrt(float64(n))
	k, sum := n+2, 0.0
	for j := 1; j < n; j++ {
		sum += (z[j-1]*z[j-1] - 1) / math.Sqrt2
		row[k] = (sum - float64(j)*(z[j]*z[j]-1)/math.Sqrt2) / math.Sqrt(float64(j*(j+1)))
		k++
	}
	if f.mixed {
		for i := range n {
			for j := range i {
				row[k] = z[i] * z[j]
				k++
			}
		}
	}
}

// weigh returns weights for the next fit: less for points with fitted values far above the least, as long as enough points are left.
func (f *fit) weigh() []float64 {
	least := slices.Min(f.fitted)
	w := make([]float64, len(f.fitted))
	scale := spread * f.noise
	if scale == 0 || math.IsNaN(scale) {
		return slices.Repeat([]float64{1}, len(w))
	}
	for {
		for i, v := range f.fitted {
			q := (v - least) / scale
			w[i] = 1 / (1 + q*q)
		}
		if floats.Sum(w) >= 1.5*float64(perTerm*len(f.beta)) || floats.Sum(w) >= 0.9*float64(len(w)) {
			return w
		}
		scale *= 1.5
	}
}

// minimum is that within √n deviations of the centre.
func (f *fit) minimum() []float64 {
	n := f.n
	h := mat.NewSymDense(n, nil)
	square := make([]float64, n) // coefficients of (z_j²−1)/√2
	for j := range n {
		square[j] = f.beta[n+1] / math.Sqrt(float64(n))
	}
	k := n + 2
	for j := 1; j < n; j++ {
		c := f.beta[k] / math.Sqrt(float64(j*(j+1)))
		for i := range j {
			square[i] += c
		}
		square[j] -= float64(j) * c
		k++
	}
	for j := range n {
		h.SetSym(j, j, math.Sqrt2*square[j])
	}
	if f.mixed {
		for i := range n {
			for j := range i {
				h.SetSym(i, j, f.beta[k])
				k++
			}
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(h, true) {
		return slices.Clone(f.centre)
	}
	values := eig.Values(nil)
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	g := mat.NewVecDense(n, nil)
	g.MulVec(vectors.T(), mat.NewVecDense(n, slices.Clone(f.beta[1:n+1])))
	limit := math.Sqrt(float64(n))
	length := func(mu float64) float64 {
		sum := 0.0
		for j, v := range values {
			q := g.AtVec(j) / (v + mu)
			sum += q * q
		}
		return math.Sqrt(sum)
	}
	// The smallest mu >= 0 that makes H + mu I positive definite and the step short enough.
	least := max(0, -values[0])
	scale := max(math.Abs(values[0]), math.Abs(values[n-1]), floats.Norm(g.RawVector().Data, 2)/limit, 1e-300)
	low, high := least+1e-12*scale, least+2*scale
	mu := low
	if length(low) > limit {
		for length(high) > limit {
			high *= 2
		}
		for range 100 {
			mu = (low + high) / 2
			if length(mu) > limit {
				low = mu
			} else {
				high = mu
			}
		}
		mu = high
	}
	z := mat.NewVecDense(n, nil)
	for j, v := range values {
		z.SetVec(j, -g.AtVec(j)/(v+mu))
	}
	step, x := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	step.MulVec(&vectors, z)
	x.MulVec(f.l, step)
	out := x.RawVector().Data
	floats.Add(out, f.centre)
	return out
}
