// Package linalg looks at slices as the vectors and matrices of gonum's blas64. Matrices are row-major and dense; views share the slice's
// memory. What it does not do is calculate: that is for blas64, lapack64 and floats.
package linalg

import "gonum.org/v1/gonum/blas/blas64"

// Column is x as a vector.
func Column(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

// Rows is m as a matrix of rows of length n; len(m) is a multiple of n.
func Rows(n int, m []float64) blas64.General {
	return blas64.General{Rows: len(m) / n, Cols: n, Stride: n, Data: m}
}

// Zeros is a new matrix of zeros.
func Zeros(rows, columns int) blas64.General {
	return blas64.General{Rows: rows, Cols: columns, Stride: columns, Data: make([]float64, rows*columns)}
}

// Row is row i of m, which it shares.
func Row(m blas64.General, i int) []float64 { return m.Data[i*m.Stride:][:m.Cols] }

// Identity is the entries of a new n×n identity matrix.
func Identity(n int) []float64 {
	m := make([]float64, n*n)
	for i := range n {
		m[i*n+i] = 1
	}
	return m
}
