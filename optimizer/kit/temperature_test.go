package kit

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

func TestMetropolisAcceptsAsOftenAsItShould(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	inf := math.Inf(1)
	for _, c := range []struct{ rise, temperature, want float64 }{
		{-1, 2, 1}, {0, 2, 1}, {0, 0, 1}, {-1, 0, 1}, {1, 0, 0}, {inf, 2, 0}, {-inf, 0, 1}, {math.NaN(), 2, 0}, {1, 5e-324, 0},
		{1, 2, math.Exp(-0.5)}, {3, 1, math.Exp(-3)}, {1, 1e300, 1},
	} {
		const draws = 20000
		accepted := 0.0
		for range draws {
			if Metropolis(rng, c.rise, c.temperature) {
				accepted += 1.0 / draws
			}
		}
		if math.Abs(accepted-c.want) > 0.01 {
			t.Errorf("a rise of %v at %v is accepted in a share of %v, want %v", c.rise, c.temperature, accepted, c.want)
		}
	}
}

func TestInitialTemperatureIsTheDeviationOfTheLosses(t *testing.T) {
	sample := func(losses ...float64) (rs []Ranked) {
		for _, l := range losses {
			rs = append(rs, Ranked{Loss: l})
		}
		return rs
	}
	rig.Near(t, "without losses", InitialTemperature(nil), 1)
	rig.Near(t, "of one loss", InitialTemperature(sample(3)), 1)
	rig.Near(t, "of equal losses", InitialTemperature(sample(3, 3, 3, 3, 3)), 1)
	rig.Near(t, "of 0 … 8", InitialTemperature(sample(0, 1, 2, 3, 4, 5, 6, 7, 8)), 4/1.349)
	rig.Near(t, "with an absurd one", InitialTemperature(sample(0, 1, 2, 3, 4, 5, 6, 7, 1e300)), 4/1.349)
	rig.Near(t, "where most are equal", InitialTemperature(sample(1, 1, 1, 1, 1, 1, 1, 2)), 1/1.349)
	if h := InitialTemperature(sample(-math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64, math.MaxFloat64)); math.IsInf(h, 0) {
		t.Errorf("of huge losses: %v", h)
	}
}
