package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// Check returns the error, which is ErrUsage, with which Run would refuse the plan with these options before it starts anything: because of what it is to
// begin with, or of the directory. It changes nothing. What only shows when a program is started, it does not know.
func Check(plan *config.Plan, list ...Option) error {
	o := optionsOf(list)
	_, _, err := checked(plan, o, place(plan, o))
	return usage(err)
}

// place is the directory of a run: the plan's, or where a run is resumed, the last one of its name; "" for a new one, and in memory.
func place(plan *config.Plan, o options) string {
	switch {
	case o.memory:
		return ""
	case plan.Output.Dir == "" && o.resume:
		return lastDirectory(plan.Name)
	}
	return plan.Output.Dir
}

// checked checks all that can be known of a run in dir before it begins. It returns the plan, which of a run that goes on is as config.Plan.Continued
// has it, and what a new run begins with.
func checked(plan *config.Plan, o options, dir string) (_ *config.Plan, begins []optimizer.Solution, err error) {
	var errs []error
	if o.memory && o.resume {
		errs = append(errs, errors.New("a run in memory cannot be resumed"))
	}
	if !o.memory {
		errs = append(errs, checkDirectory(plan, dir, o.resume))
	}
	if o.resume && dir != "" && hasBegun(dir) {
		if begun, ok := beginning(dir); ok { // otherwise, what is wrong with the journal is said where it is replayed
			if err := plan.SearchesAs(begun); err != nil {
				return nil, nil, errors.Join(append(errs, err)...)
			}
			if plan, err = plan.Continued(begun.Config); err == nil {
				_, err = goesOn(plan, begun)
			}
			errs = append(errs, err)
		}
		return plan, nil, errors.Join(errs...)
	}
	begins, err = known(plan)
	return plan, begins, errors.Join(append(errs, err)...)
}

// checkDirectory returns an error for a directory that a run cannot be in, unless it goes on with one that is there. "" is a new directory.
func checkDirectory(plan *config.Plan, dir string, resume bool) error {
	if dir == "" {
		return checkWritable(numbered(plan.Name))
	}
	if journal.Exists(dir) {
		if !resume {
			return taken(dir)
		}
		return checkWritable(dir)
	}
	for _, name := range remains {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("output.dir: %s holds %s of a run, and no journal; choose another directory", dir, name)
		}
	}
	return checkWritable(dir)
}

// taken is the error for a directory that holds a run that is not to go on.
func taken(dir string) error {
	return fmt.Errorf("output.dir: %s holds a run; go on with it by --resume, or choose another directory", dir)
}

// checkWritable returns an error if a directory cannot be made, because there is something else in its place, or if nothing can be in it.
func checkWritable(dir string) error {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("output.dir = %s: %s is a file, want a directory", dir, at)
		case err == nil:
			if err := unix.Access(at, unix.W_OK|unix.X_OK); err != nil {
				return fmt.Errorf("output.dir = %s: %s cannot be written to: %w", dir, at, err)
			}
			return nil
		case filepath.Dir(at) == at:
			return nil
		}
	}
}

// goesOn returns what of the plan differs from that of the run that has begun so, and an error where that would be another search.
func goesOn(plan *config.Plan, begun l2l.Begun) ([]config.Difference, error) {
	if err := plan.SearchesAs(begun); err != nil {
		return nil, err
	}
	return plan.Resumable(begun.Config)
}

// beginning is the first event of the run in dir, if it can be read.
func beginning(dir string) (begun l2l.Begun, ok bool) {
	for e, err := range journal.Read(dir, 0) {
		if err == nil {
			begun, ok = e.Event.(l2l.Begun)
		}
		break
	}
	return begun, ok
}
