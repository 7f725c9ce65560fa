package kit

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// cloudOf is a completed generation of directions with these losses; NaN is a failure.
func cloudOf(directions []Direction, losses ...float64) *Cloud {
	c := &Cloud{Directions: directions}
	for _, l := range losses {
		m := Member{Asked: true, Told: true, Failed: math.IsNaN(l)}
		if !m.Failed {
			m.Loss = []float64{l}
		}
		c.Members = append(c.Members, m)
	}
	return c
}

// By hand for n = 4: ln 3 − ln k is 1.098612, 0.405465, 0, −0.287682; the positive ones sum to 1.504077.
func TestCloudUtilitiesAreThoseOfThePaper(t *testing.T) {
	nan := math.NaN()
	four := Scatter(rand.New(rand.NewPCG(1, 1)), 4, false)
	const best, second, rest = 0.730423 - 0.25, 0.269577 - 0.25, -0.25
	for _, c := range []struct {
		what       string
		directions []Direction
		losses     []float64
		want       []float64
	}{
		{"all different", four, []float64{3, -1, 7, 2}, []float64{rest, best, rest, second}},
		{"equals share", four, []float64{1, 1, 5, 9}, []float64{(best + second) / 2, (best + second) / 2, rest, rest}},
		{"a flat loss teaches nothing", four, []float64{5, 5, 5, 5}, []float64{0, 0, 0, 0}},
		{"the failed are the worst, and equals", four, []float64{nan, 8, nan, nan}, []float64{-best / 3, best, -best / 3, -best / 3}},
		{"all failed", four, []float64{nan, nan, nan, nan}, []float64{0, 0, 0, 0}},
		{"the centre is not learnt from", append(slices.Clone(four), Direction{}), []float64{3, -1, 7, 2, -9},
			[]float64{rest, best, rest, second, 0}},
	} {
		got := cloudOf(c.directions, c.losses...).Utilities()
		for i, want := range c.want {
			if math.Abs(got[i]-want) > 1e-6 {
				t.Errorf("%s: utilities %v, want %v", c.what, got, c.want)
				break
			}
		}
	}
}

func TestNoiseOfADirectionIsTheSameHoweverOftenItIsDrawn(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	ds := append(Scatter(rng, 7, true), Direction{})
	fresh := func(d Direction) []float64 { return NewNoise(50).Of(d) }
	s := NewNoise(50)
	for range 200 {
		d := ds[rng.IntN(len(ds))]
		if got := s.Of(d); !slices.Equal(got, fresh(d)) {
			t.Fatalf("%+v after others differs from %+v alone", d, d)
		}
	}
	for i := 1; i < 7; i += 2 {
		a, b := fresh(ds[i-1]), fresh(ds[i])
		for j := range a {
			if a[j] != -b[j] {
				t.Fatalf("directions %d and %d are not opposite", i-1, i)
			}
		}
	}
	if slices.Equal(fresh(ds[0]), fresh(ds[2])) || slices.Max(fresh(ds[7])) != 0 {
		t.Error("pairs are equal, or the centre is none")
	}
}
