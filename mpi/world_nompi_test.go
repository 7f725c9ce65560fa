//go:build !mpi

package mpi

import (
	"strings"
	"testing"
)

func TestWorldWithoutMPIIsOneRankAndRefusesToBeOneOfSeveral(t *testing.T) {
	for _, name := range launchers {
		t.Setenv(name, "")
	}
	c, err := World(MaxIdle(0))
	if err != nil {
		t.Fatal(err)
	}
	if c.Size() != 1 || c.Rank() != 0 {
		t.Errorf("rank %d of %d, want 0 of 1", c.Rank(), c.Size())
	}
	t.Setenv("PMI_SIZE", "3")
	_, err = World()
	if err == nil {
		t.Fatal("World as one of 3 tasks was no error")
	}
	for _, word := range []string{"3 tasks", "PMI_SIZE", "make"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not mention %q", err, word)
		}
	}
}
