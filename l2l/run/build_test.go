package run

import (
	"context"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

func TestBuildHasAnIDThatTheLinkerGave(t *testing.T) {
	if id := thisBuild().ID; len(id) < 40 || strings.ContainsRune(id, 0) || strings.Count(id, "/") == 0 {
		t.Errorf("got %q", id)
	}
}

// A rank of another build must be told apart by its first message, also one that has fields more, or that knows nothing of builds.
func TestRunRefusesRanksOfAnotherBuildAndNamesBoth(t *testing.T) {
	own := newHello()
	type later struct {
		Host  string
		Build struct{ Version, ID, Compiler string }
		GPUs  []int
	}
	other := later{Host: "node7", GPUs: []int{0}}
	other.Build.Version, other.Build.ID = "v9.9.9", "abcdef"
	for want, theirs := range map[string]any{
		"version v9.9.9, build abcdef":      other,
		"one that does not say its version": struct{ Host string }{"node7"},
	} {
		comms := mpi.Local(2)
		done := make(chan error, 1)
		go func() {
			b, err := codec.Marshal(theirs)
			if err == nil {
				_, err = comms[1].Gatherv(context.Background(), 0, b)
			}
			var told briefing
			if err == nil {
				err = receive(context.Background(), comms[1], &told)
			}
			if err == nil && !told.Over {
				t.Error("the rank is told that the run begins")
			}
			done <- err
		}()
		_, err := Run(context.Background(), comms[0], nil)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), own.Build.String()) || !strings.Contains(err.Error(), "rank 1 on node7") {
			t.Errorf("got %v, want both builds, one of them %s", err, want)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}
