package mpi

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Unlocked calls f, which uses comm, on a goroutine of its own, and returns what it returns; the caller waits. Whoever has made comm by [World] is locked
// to a thread of the system: to hand something to another goroutine and to wait for it then costs two wake-ups of threads, some 10 µs, and 0.3 µs from a
// goroutine that is not locked. Where the MPI library wants all calls on one thread, f is called where the caller is.
//
// Where f panics, the caller does, with a text as value that has the stack of f. Where f calls runtime.Goexit, the caller's goroutine ends, too.
func Unlocked(comm Comm, f func() error) (err error) {
	if bound, ok := comm.(interface{ oneThread() bool }); ok && bound.oneThread() {
		return f()
	}
	var panicked any
	returned := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
		}()
		err = f()
		returned = true
	}()
	<-done
	switch {
	case panicked != nil:
		panic(panicked)
	case !returned:
		runtime.Goexit()
	}
	return err
}
