package figure

import (
	"math"
	"testing"
)

// However many moments there are, the time of an evaluation is that of the moments around it.
func TestClockTellsTheTimeOfEveryEvaluation(t *testing.T) {
	for _, n := range []int64{1, 10, maxRows - 1, maxRows, 10 * maxRows} {
		var d Data
		for i := int64(1); i <= n; i++ {
			d.Elapsed = 3 + math.Sqrt(float64(i))
			d.tick(i)
		}
		if len(d.clock) > maxRows {
			t.Errorf("%d moments of %d are kept", len(d.clock), n)
		}
		for i := int64(1); i <= n; i++ {
			if got, want := d.elapsedBy(i), 3+math.Sqrt(float64(i)); math.Abs(got-want) > 0.1*want {
				t.Fatalf("evaluation %d of %d had ended after %v, want about %v", i, n, got, want)
			}
		}
	}
	if got := new(Data).elapsedBy(5); got != 0 {
		t.Errorf("without a moment it is %v", got)
	}
}
