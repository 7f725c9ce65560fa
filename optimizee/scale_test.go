package optimizee_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// wide is a log-scaled parameter over all positive doubles of full precision.
func wide() optimizee.Space {
	return optimizee.Space{{Name: "v", Lower: 0x1p-1022, Upper: math.MaxFloat64, Log: true}}
}

// through returns what the model gets where v is asked for, and the coordinate of it.
func through(t *testing.T, s optimizee.Space, v float64) (got, c float64) {
	t.Helper()
	x, err := s.Encode(map[string]any{"v": v})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	return p.Float("v"), x[0]
}

func TestSpaceLogScaleKeepsDecimalNumbersAsTheyAreWritten(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for exponent := -306; exponent <= 307; exponent++ {
		for range 40 {
			digits := 1 + rng.IntN(10)
			text := strconv.FormatInt(1+rng.Int64N(int64(math.Pow10(digits))-1), 10) + "e" + strconv.Itoa(exponent-digits)
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || v < 0x1p-1022 {
				continue
			}
			if got, _ := through(t, wide(), v); got != v {
				t.Fatalf("%s becomes %v", text, got)
			}
		}
	}
	for _, v := range []float64{0.001, 0.01, 0.1, 1, 10, 100, 1000, 0.3, 0.7, 1e-9, 6.02214076e23, 1.380649e-23, 0.999999999, 1.000000001} {
		if got, _ := through(t, wide(), v); got != v {
			t.Errorf("%v becomes %v", v, got)
		}
	}
}

// Whatever a model has once been given it is given again, when the value is read from a table and asked for.
func TestSpaceLogScaleKeepsEveryValueThatASearchHasProposed(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	changed := 0
	for i := range 200_000 {
		c := (2*rng.Float64() - 1) * 708
		if i%2 == 0 {
			c /= math.Pow(10, 20*rng.Float64()) // near 0, where a coordinate has more digits than its value
		}
		p, err := wide().Decode([]float64{c})
		if err != nil {
			t.Fatal(err)
		}
		v := p.Float("v")
		if got, _ := through(t, wide(), v); got != v {
			t.Fatalf("the coordinate %v is %v, which becomes %v", c, v, got)
		}
		if exact := math.Exp(c); math.Abs(v-exact) > 2e-13*exact {
			t.Fatalf("the coordinate %v is %v, want %v", c, v, exact)
		}
		if v != math.Exp(c) && math.Abs(c) < 5 {
			changed++
		}
	}
	if changed > 2 {
		t.Errorf("%d coordinates of a usual range stand for decimal numbers, want next to none", changed)
	}
}

// A number of any digits is as near as its coordinate, a double, can be.
func TestSpaceLogScaleKeepsOtherNumbersToTheErrorOfTheirCoordinate(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		v := math.Exp((2*rng.Float64()-1)*10) * (1 + rng.Float64())
		got, c := through(t, wide(), v)
		if math.Abs(got-v) > v*(math.Abs(c)+2)*0x1p-52 {
			t.Fatalf("%v becomes %v", v, got)
		}
	}
}

func TestSpaceLogScaleReachesBothBoundsExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		lower := math.Exp((2*rng.Float64() - 1) * 300)
		s := optimizee.Space{{Name: "v", Lower: lower, Upper: lower * (1 + 1e6*rng.Float64()), Log: true}}
		for _, bound := range []float64{s[0].Lower, s[0].Upper} {
			if got, _ := through(t, s, bound); got != bound {
				t.Fatalf("%v becomes %v", bound, got)
			}
		}
		c := s.Coordinates()[0]
		for _, of := range []struct{ x, want float64 }{{c.Lower, s[0].Lower}, {c.Upper, s[0].Upper}} {
			p, err := s.Decode([]float64{of.x})
			if err != nil || p.Float("v") != of.want {
				t.Fatalf("the coordinate of a bound is %v, want %v", p.Float("v"), of.want)
			}
		}
	}
}

func TestSpaceValuesAreFinite(t *testing.T) {
	inf := math.Inf(1)
	s := optimizee.Space{{Name: "free", Lower: -inf, Upper: inf, Std: 1}, {Name: "gain", Lower: 1, Upper: inf, Log: true, Mean: 2, Std: 1}}
	for _, x := range []float64{-inf, -1e300, 800, 1e300, inf} {
		p, err := s.Decode([]float64{x, x})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"free", "gain"} {
			if v := p.Float(name); math.IsInf(v, 0) || math.IsNaN(v) {
				t.Errorf("%s = %v at coordinate %v, want a finite number", name, v, x)
			}
		}
	}
}

func BenchmarkSpaceDecodesALogScale(b *testing.B) {
	s := optimizee.Space{{Name: "v", Lower: 1e-3, Upper: 1e3, Log: true, Size: 100}}
	x := make([]float64, 100)
	for i := range x {
		x[i] = -6 + 0.123*float64(i)
	}
	for b.Loop() {
		if _, err := s.Decode(x); err != nil {
			b.Fatal(err)
		}
	}
}
