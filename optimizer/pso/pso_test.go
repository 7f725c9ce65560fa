package pso

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

func newSearch(t *testing.T, problem optimizer.Problem, seed uint64) *Search {
	t.Helper()
	o, err := New(problem, Defaults(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func newAsync(t *testing.T, problem optimizer.Problem, seed uint64) *Async {
	t.Helper()
	o, err := NewAsync(problem, Defaults(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The particle's next place lies in a ball around the centre of gravity, on whose surface it now is, carried on by inertia.
func TestPSOMovesAParticleIntoTheBallAroundTheCentreOfGravity(t *testing.T) {
	f := kit.NewFrame(optimizer.Box(3, 0, 100), kit.Clipped) // widths of 100
	rng := rand.New(rand.NewPCG(1, 1))
	x, v, p, l := []float64{0.4, 0.5, 0.6}, []float64{0.01, 0, -0.01}, []float64{45, 50, 52}, []float64{50, 40, 55}
	sum := make([]float64, 3)
	const n = 20_000
	var g [3]float64 // the centre, in widths, with the formula written out
	for j := range g {
		c := 0.5 + math.Log(2)
		g[j] = (x[j] + (x[j] + c*(p[j]/100-x[j])) + (x[j] + c*(l[j]/100-x[j]))) / 3
	}
	radius := 0.0
	for j := range g {
		radius += (g[j] - x[j]) * (g[j] - x[j])
	}
	radius = math.Sqrt(radius)
	for range n {
		s := swarm{Particles: []particle{
			{X: slices.Clone(x), V: slices.Clone(v), Best: kit.NewIndividual(p, []float64{2}, false)},
			{Best: kit.NewIndividual(l, []float64{1}, false)},
		}}
		y := s.move(f, rng, 0, 1)
		far := 0.0
		for j := range y {
			d := y[j]/100 - v[j]/(2*math.Log(2)) - g[j]
			sum[j] += d
			far += d * d
		}
		if math.Sqrt(far) > radius*(1+1e-9) {
			t.Fatalf("%v from the centre, the radius is %v", math.Sqrt(far), radius)
		}
	}
	for j := range sum {
		if math.Abs(sum[j]/n) > 0.02*radius {
			t.Errorf("coordinate %d is off the centre by %v on average; the radius is %v", j, sum[j]/n, radius)
		}
	}
}

func TestPSOReflectsAParticleAtABoundWithHalfItsVelocity(t *testing.T) {
	s := swarm{Particles: []particle{{X: []float64{0.9}, V: []float64{5}, Best: kit.NewIndividual([]float64{0.9}, []float64{1}, false)}}}
	y := s.move(kit.NewFrame(optimizer.Box(1, 0, 1), kit.Clipped), rand.New(rand.NewPCG(1, 1)), 0, 0)
	if v := s.Particles[0].V[0]; y[0] != 1 || math.Abs(v+5/(4*math.Log(2))) > 1e-9 {
		t.Errorf("at %v with velocity %v", y[0], v)
	}
}

func TestPSOTellsAParticleItsOwnBestAndThatOfThoseThatInformIt(t *testing.T) {
	s := swarm{Particles: make([]particle, 4), Links: []int{1, 1, 1, 2, 2, 2, 2, 2, 2, 0, 0, 0}} // 0→1, 1→2, 2→2, 3→0
	for i, loss := range []float64{1, 2, 3, 0} {
		s.Particles[i].Best = kit.NewIndividual(nil, []float64{loss}, false)
	}
	if got := s.informed(); !slices.Equal(got, []int{3, 0, 1, 3}) {
		t.Errorf("informed by %v", got)
	}
	s.Particles[3].Best = kit.Individual{}
	if got := s.informed(); !slices.Equal(got, []int{0, 0, 1, -1}) {
		t.Errorf("while the last has not succeeded, informed by %v", got)
	}
}

func TestPSOSolvesTheSphereAtThePublishedCost(t *testing.T) { // 5,495 evaluations for El-Abd's PSO (COCO data of 2009), on f1
	for name, make := range map[string]func(seed uint64) optimizer.Optimizer{
		"pso":       func(seed uint64) optimizer.Optimizer { return newSearch(t, optimizer.Box(5, -5, 5), seed) },
		"pso_async": func(seed uint64) optimizer.Optimizer { return newAsync(t, optimizer.Box(5, -5, 5), seed) },
	} {
		if used := rig.MedianEvaluations(t, make, "sphere", 1e-8, 10_000); used > 5000 {
			t.Errorf("%s: %d evaluations to 1e-8 (median of 9), want at most 5,000", name, used)
		}
	}
}

func TestPSOAsyncGrowsOnlyWhileAllParticlesAreUnderWay(t *testing.T) {
	o := newAsync(t, optimizer.Box(3, -5, 5), 1)
	rig.KeepBusy(t, o, 64, rig.Losses["sphere"], 1e-3, 3000)
	if n := len(o.s.Swarm.Particles); n != 64 {
		t.Errorf("%d particles for 64 under way", n)
	}
	o = newAsync(t, optimizer.Box(3, -5, 5), 1)
	rig.KeepBusy(t, o, 8, rig.Losses["sphere"], 1e-3, 3000)
	if n := len(o.s.Swarm.Particles); n != o.par.PopSize {
		t.Errorf("%d particles for 8 under way, want %d", n, o.par.PopSize)
	}
}
