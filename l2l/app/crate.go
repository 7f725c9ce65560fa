package app

import (
	"errors"
	"io"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/crate"
)

// exportCrate writes the metadata of a run for archives.
func exportCrate(dir, output string, stdout io.Writer) error {
	err := writeTo(output, stdout, func(w io.Writer) error { return crate.Write(dir, w) })
	if errors.Is(err, report.ErrNoRun) {
		return usage(err)
	}
	if err != nil {
		return failure{exitFailed, err}
	}
	return nil
}
