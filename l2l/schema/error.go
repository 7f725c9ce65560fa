package schema

import (
	"errors"
	"strings"
)

// Error is what is wrong with the value at a path of a configuration. The owner of a struct names the path from the struct on, and whoever has the struct
// within another one moves it there: see [At].
type Error struct {
	Path []string // keys, and names of the user's choice, which may have dots
	Err  error    // the value and the rule
}

func (e *Error) Error() string { return strings.Join(e.Path, ".") + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// At is err as an Error about the value at a path. An Error moves under the path with its own, and so does each of several errors that
// are joined. It is nil if err is.
func At(err error, path ...string) error {
	switch e := err.(type) {
	case nil:
		return nil
	case *Error:
		return &Error{append(path[:len(path):len(path)], e.Path...), e.Err}
	case interface{ Unwrap() []error }:
		var errs []error
		for _, one := range e.Unwrap() {
			errs = append(errs, At(one, path...))
		}
		return errors.Join(errs...)
	}
	return &Error{path, err}
}
