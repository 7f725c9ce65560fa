package functions

import (
	"cmp"
	"math"
	"slices"
)

// The random numbers and rotations that define the instances of the BBOB functions.

// uniform returns n numbers in (0, 1) from the generator of BBOB: S. K. Park and K. W. Miller's minimal standard, x ← 16807 x mod
// 2^31 − 1 (1988), shuffled through a table of 32 entries as C. Bays and S. D. Durham do it (1976).
func uniform(n, seed int) []float64 {
	const modulus, entries, share, warmUp = 1<<31 - 1, 32, 1<<26 + 1, 8
	x := max(int64(seed), 1)
	next := func() int64 {
		x = 16807 * x % modulus
		return x
	}
	for range warmUp {
		next()
	}
	var table [entries]int64
	for i := range table {
		table[entries-1-i] = next()
	}
	last := table[0]
	out := make([]float64, n)
	for i := range out {
		at := last / share
		last, table[at] = table[at], next()
		out[i] = max(float64(last)/modulus, 1e-99)
	}
	return out
}

// gaussian returns n standard normal numbers: G. E. P. Box and M. E. Muller's transform of uniform (1958).
func gaussian(n, seed int) []float64 {
	u := uniform(2*n, seed)
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Sqrt(-2*math.Log(u[i])) * math.Cos(2*math.Pi*u[n+i])
		if out[i] == 0 {
			out[i] = 1e-99
		}
	}
	return out
}

// argsort returns the indices of v in the order of its values.
func argsort(v []float64) []int {
	at := make([]int, len(v))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(i, j int) int { return cmp.Compare(v[i], v[j]) })
	return at
}

// matrix is a list of rows.
type matrix [][]float64

// rotation returns a random orthogonal matrix: gaussian numbers, filled in by columns, which Gram and Schmidt's procedure makes
// orthonormal.
func rotation(n, seed int) matrix {
	g := gaussian(n*n, seed)
	column := func(j int) []float64 { return g[j*n : (j+1)*n] }
	for j := range n {
		c := column(j)
		for k := range j {
			before := column(k)
			product := dot(c, before)
			for i := range c {
				c[i] -= product * before[i]
			}
		}
		length := math.Sqrt(dot(c, c))
		for i := range c {
			c[i] /= length
		}
	}
	m := newMatrix(n)
	for i := range m {
		for j := range m[i] {
			m[i][j] = column(j)[i]
		}
	}
	return m
}

func newMatrix(n int) matrix {
	m := make(matrix, n)
	for i := range m {
		m[i] = make([]float64, n)
	}
	return m
}

// diagonal returns the matrix with diagonal d.
func diagonal(d []float64) matrix {
	m := newMatrix(len(d))
	for i := range d {
		m[i][i] = d[i]
	}
	return m
}

// times returns m·b.
func (m matrix) times(b matrix) matrix {
	out := newMatrix(len(m))
	for i := range m {
		for k, mik := range m[i] {
			for j, bkj := range b[k] {
				out[i][j] += mik * bkj
			}
		}
	}
	return out
}

// linear returns the map x ↦ m x, whose result is good until its next call.
func (m matrix) linear() func(x []float64) []float64 {
	y := make([]float64, len(m))
	return func(x []float64) []float64 {
		for i, row := range m {
			y[i] = dot(row, x)
		}
		return y
	}
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
