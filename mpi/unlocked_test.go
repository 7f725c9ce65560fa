package mpi_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/mpi"
)

func TestUnlockedEndsAsWhatItCalls(t *testing.T) {
	comm := mpi.Local(1)[0]
	oops := errors.New("oops")
	if err := mpi.Unlocked(comm, func() error { return oops }); err != oops {
		t.Errorf("got %v, want the error of the function", err)
	}
	ended := make(chan any)
	go func() { // which Goexit ends
		defer func() { ended <- recover() }()
		_ = mpi.Unlocked(comm, func() error { runtime.Goexit(); return nil })
		t.Error("went on after runtime.Goexit")
	}()
	if p := <-ended; p != nil {
		t.Errorf("runtime.Goexit became a panic: %v", p)
	}
}

func TestUnlockedPanicsWithTheStackOfWhatItCalls(t *testing.T) {
	defer func() {
		text := fmt.Sprint(recover())
		if !strings.HasPrefix(text, "the reason\n") || !strings.Contains(text, "whatPanics") {
			t.Errorf("got %s", text)
		}
	}()
	_ = mpi.Unlocked(mpi.Local(1)[0], whatPanics)
}

func whatPanics() error { panic("the reason") }
