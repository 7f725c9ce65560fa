package optimizer

import (
	"math"
	"math/rand/v2"
	"testing"
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
			if metropolis(rng, c.rise, c.temperature) {
				accepted += 1.0 / draws
			}
		}
		if math.Abs(accepted-c.want) > 0.01 {
			t.Errorf("a rise of %v at %v is accepted in a share of %v, want %v", c.rise, c.temperature, accepted, c.want)
		}
	}
}

func TestHotIsTheSpreadOfTheLosses(t *testing.T) {
	sample := func(losses ...float64) (rs []ranked) {
		for _, l := range losses {
			rs = append(rs, ranked{Loss: l})
		}
		return rs
	}
	near(t, "without losses", hot(nil), 1)
	near(t, "of one loss", hot(sample(3)), 1)
	near(t, "of equal losses", hot(sample(3, 3, 3, 3, 3)), 1)
	near(t, "of 0 … 8", hot(sample(0, 1, 2, 3, 4, 5, 6, 7, 8)), 4/1.349)
	near(t, "with an absurd one", hot(sample(0, 1, 2, 3, 4, 5, 6, 7, 1e300)), 4/1.349)
	near(t, "where most are equal", hot(sample(1, 1, 1, 1, 1, 1, 1, 2)), 1/1.349)
	if h := hot(sample(-math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64, math.MaxFloat64)); math.IsInf(h, 0) {
		t.Errorf("of huge losses: %v", h)
	}
}
