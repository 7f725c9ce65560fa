//go:build mpi

package mpi

import (
	"strings"
	"testing"
)

// As MPI can be started once in a process, and here without mpirun, this is one test; the rest is in mpitest.
func TestErrorsOfMPIAreReturned(t *testing.T) {
	c, err := World()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := World(); err == nil {
		t.Error("a second World was no error")
	}

	w := c.(*world)
	w.size, w.place = 8, append(w.place, make([]cInt, 7)...) // so that MPI has to find out that there is no rank 5
	err = c.Send(5, 0, nil)
	w.size = 1
	if err == nil {
		t.Fatal("Send to rank 5 of 1 was no error")
	}
	for _, word := range []string{"rank 0", "Send", "invalid rank", "class 6"} {
		if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(word)) {
			t.Errorf("error %q does not mention %q", err, word)
		}
	}

	if err := c.Send(0, 1, []byte("still usable")); err != nil {
		t.Error(err)
	}
	if got, _, err := c.Recv(t.Context(), 0, 1, nil); err != nil || string(got) != "still usable" {
		t.Errorf("received %q, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := c.Send(0, 1, nil); err != ErrClosed {
		t.Errorf("Send after Close returned %v, want ErrClosed", err)
	}
	if _, err := World(); err == nil {
		t.Error("World after Close was no error")
	}
}
