//go:build !mpi

package mpi

import "fmt"

// World is, in a program built without MPI, a world of one rank. It refuses to be one of several: each task of the
// launcher would take itself for the whole run.
func World(...Option) (Comm, error) {
	if n, by := Launched(); n > 1 {
		return nil, fmt.Errorf("mpi: a launcher started %d tasks (%s=%d), but this program is built without MPI and each "+
			"would run on its own; build it with MPI: make, or go build -tags mpi", n, by, n)
	}
	return Local(1)[0], nil
}

// Library names the MPI library that the program is built with.
func Library() string { return "none (goroutines)" }
