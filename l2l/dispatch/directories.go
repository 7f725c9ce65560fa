package dispatch

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// directories are the private directories of a rank's evaluations.
type directories struct {
	base string // an absolute path; "" means that there are none
	keep int    // directories of failed evaluations that stay
	all  bool   // those of evaluations that succeeded stay as well
	left bool   // a session that was killed may have left some

	borrowed bool // they are those of the team's leader, who makes them and removes them

	mu   sync.Mutex
	kept int
}

// newDirectories are those in base.
func newDirectories(base string, keep int, all bool) directories {
	_, err := os.Stat(base)
	return directories{base: base, keep: keep, all: all, left: err == nil}
}

// directoryOf is the name of an evaluation's directory; that of a copy has -copy- and a number after it.
func directoryOf(k key) string {
	return fmt.Sprintf("%d-%d-%d-%d", k.Individual, k.Instance, k.Replicate, k.Attempt)
}

var directory = regexp.MustCompile(`^(-?\d+-\d+-\d+-\d+)(-copy-\d+)?$`)

// Sweep removes from base the directories of evaluations, copies included, that none of the failed results are of: a session that was killed has left
// them, and a resumed one need not evaluate the same in the same place. Nobody may be evaluating there.
func Sweep(base string, failed iter.Seq[*l2l.Result]) error {
	entries, err := os.ReadDir(base)
	if len(entries) == 0 {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	}
	stays := map[string]bool{}
	for r := range failed {
		stays[directoryOf(keyOfResult(r))] = true
	}
	var errs []error
	for _, e := range entries {
		if of := directory.FindStringSubmatch(e.Name()); of != nil && !stays[of[1]] {
			errs = append(errs, os.RemoveAll(filepath.Join(base, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// open names the directories of a call, and makes them if the optimizee wants that; those that it made before an error are there. nil means
// that the optimizee has none.
func (d *directories) open(s *slot, call []l2l.Evaluation) ([]string, error) {
	o, ok := s.optimizee.(optimizee.Scratch)
	if !ok || d.base == "" {
		return nil, nil
	}
	dirs := make([]string, len(call))
	for i, e := range call {
		dirs[i] = filepath.Join(d.base, directoryOf(keyOf(e)))
		if e.Copy > 0 { // another rank may use that of the first one
			dirs[i] += fmt.Sprintf("-copy-%d", e.Copy)
		}
		if !o.NeedsDir() || d.borrowed {
			continue
		}
		err := os.Mkdir(dirs[i], 0o777)
		switch {
		case errors.Is(err, fs.ErrNotExist): // the first one
			err = os.MkdirAll(dirs[i], 0o777)
		case errors.Is(err, fs.ErrExist): // of the same evaluation before a resume
			err = errors.Join(os.RemoveAll(dirs[i]), os.Mkdir(dirs[i], 0o777))
		}
		if err != nil {
			return dirs, fmt.Errorf("no directory for the evaluation: %w", err)
		}
	}
	return dirs, nil
}

// close removes the directories of evaluations that succeeded, unless all are to stay, and those of failed ones that are too many.
func (d *directories) close(s *slot, dirs []string, rs []l2l.Result) {
	if d.borrowed {
		return
	}
	for i, dir := range dirs {
		made := s.optimizee.(optimizee.Scratch).NeedsDir() || d.left
		if rs[i].Ending != l2l.OK {
			if _, err := os.Stat(dir); err != nil || d.another() {
				continue
			}
			made = true
		}
		if made && (rs[i].Ending != l2l.OK || !d.all) {
			_ = os.RemoveAll(dir) // what cannot be removed is in nobody's way
		}
	}
}

// discard removes the directories of evaluations that were given up with the run: a resumed one makes them again.
func (d *directories) discard(dirs []string) {
	if d.borrowed {
		return
	}
	for _, dir := range dirs {
		_ = os.RemoveAll(dir)
	}
}

// another reports whether one more directory may be kept, and counts it.
func (d *directories) another() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept >= d.keep {
		return false
	}
	d.kept++
	return true
}
