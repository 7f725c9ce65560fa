package normal_test

import (
	"math"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/kit/normal"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*math.Abs(want)) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestNormalHasItsProbabilitiesFarIntoTheTails(t *testing.T) {
	near(t, "above 0", normal.Above(0), 0.5)
	near(t, "above 1", normal.Above(1), 0.15865525393145705)
	near(t, "above 10", normal.Above(10), 7.619853024160527e-24)
	near(t, "below −10", normal.Below(-10), 7.619853024160527e-24)
	near(t, "between −1 and 1", normal.Between(-1, 1), 0.6826894921370859)
	near(t, "between 10 and 11", normal.Between(10, 11), 7.619853024160527e-24-1.9106595744986566e-28)
	near(t, "the density at 2", math.Exp(normal.LogDensity(2)), 0.05399096651318806)
}

func TestNormalQuantilesAreTheInversesOfProbabilities(t *testing.T) {
	for _, z := range []float64{-2, -0.3, 0.1, 1, 3} {
		if got := normal.Quantile(normal.Below(z)); math.Abs(got-z) > 1e-12 {
			t.Errorf("the quantile of the part below %v is %v", z, got)
		}
	}
	for _, p := range []float64{1e-4, 0.01, 0.3, 0.5, 0.9} {
		near(t, "above the upper quantile", normal.Above(normal.UpperQuantile(p)), p)
	}
}
