package splitmix_test

import (
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/splitmix"
)

// The stream of seed 1234567 as the generator's authors publish it: its numbers are those of the multiples of the increment.
func TestMixGivesTheNumbersOfSplitMix64(t *testing.T) {
	x := uint64(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := splitmix.Mix(x); got != want {
			t.Errorf("number %d = %d, want %d", i, got, want)
		}
		x += 0x9e3779b97f4a7c15
	}
}
