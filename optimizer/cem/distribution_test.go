package cem

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

func newDistributionOf(n int, change func(*DistributionParams)) *distribution {
	par := defaultDistribution()
	if change != nil {
		change(&par)
	}
	return newDistribution(optimizer.Box(n, 0, 1), par, &distributionState{}) // of width 1, so that numbers of the frame are the coordinates
}

// twoClusters are points around (0.2, 0.2), a third of them, and around (0.8, 0.6), with standard deviations 0.03 and 0.05.
func twoClusters(rng *rand.Rand, n int) [][]float64 {
	points := make([][]float64, n)
	for i := range points {
		points[i] = []float64{0.8 + 0.05*rng.NormFloat64(), 0.6 + 0.05*rng.NormFloat64()}
		if i%3 == 0 {
			points[i] = []float64{0.2 + 0.03*rng.NormFloat64(), 0.2 + 0.03*rng.NormFloat64()}
		}
	}
	return points
}

func TestDistributionIsFittedByMeanAndUnbiasedCovariance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	points := twoClusters(rng, 7)
	var x, y []float64
	for _, p := range points {
		x, y = append(x, p[0]), append(y, p[1])
	}
	for _, covariance := range []string{"full", "diagonal"} {
		d := newDistributionOf(2, func(p *DistributionParams) { p.Covariance = covariance })
		d.fit(points, rng)
		c := d.s.Components[0]
		rig.Near(t, "mean x", c.Mean[0], stat.Mean(x, nil))
		rig.Near(t, "mean y", c.Mean[1], stat.Mean(y, nil))
		rig.Near(t, "variance x", c.Cov[0], stat.Variance(x, nil))
		rig.Near(t, "variance y", c.Cov[len(c.Cov)-1], stat.Variance(y, nil))
		if covariance == "full" {
			rig.Near(t, "covariance", c.Cov[1], stat.Covariance(x, y, nil))
		}
	}
}

func TestDistributionHasSamplesWithItsMoments(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	d := newDistributionOf(2, func(p *DistributionParams) { p.Covariance = "full" })
	d.s.Components = []component{{Weight: 1, Mean: []float64{0.4, 0.6}, Cov: []float64{0.004, 0.003, 0, 0.005}, Noise: []float64{0.002, 0}}}
	var x, y []float64
	for range 40000 {
		p := d.draw(rng)
		x, y = append(x, p[0]), append(y, p[1])
	}
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"mean x", stat.Mean(x, nil), 0.4}, {"mean y", stat.Mean(y, nil), 0.6}, {"variance x", stat.Variance(x, nil), 0.006},
		{"variance y", stat.Variance(y, nil), 0.005}, {"covariance", stat.Covariance(x, y, nil), 0.003},
	} {
		if math.Abs(c.got-c.want) > 0.03*c.want {
			t.Errorf("%s = %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestDistributionOfSeveralComponentsFindsClustersAndTheirShares(t *testing.T) {
	for _, covariance := range []string{"full", "diagonal"} {
		for seed := range uint64(5) {
			rng := rand.New(rand.NewPCG(seed, 3))
			d := newDistributionOf(2, func(p *DistributionParams) { p.Distribution, p.Components, p.Covariance = "mixture", 2, covariance })
			d.fit(twoClusters(rng, 600), rng)
			a, b := d.s.Components[0], d.s.Components[1]
			if a.Mean[0] > b.Mean[0] {
				a, b = b, a
			}
			if math.Abs(a.Weight-1.0/3) > 0.01 || floats.Distance(a.Mean, []float64{0.2, 0.2}, 2) > 0.01 ||
				floats.Distance(b.Mean, []float64{0.8, 0.6}, 2) > 0.01 {
				t.Errorf("%s, seed %d: components %+v and %+v", covariance, seed, a, b)
			}
			if sa, sb := math.Sqrt(a.Cov[0]), math.Sqrt(b.Cov[0]); math.Abs(sa-0.03) > 0.008 || math.Abs(sb-0.05) > 0.008 {
				t.Errorf("%s, seed %d: standard deviations %v and %v, want about 0.03 and 0.05", covariance, seed, sa, sb)
			}
		}
	}
}

func TestDistributionFitRaisesTheLikelihood(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	points := twoClusters(rng, 90)
	d := newDistributionOf(2, func(p *DistributionParams) { p.Distribution, p.Components = "mixture", 3 })
	begin := d.seeds(points, rng)
	_, before := d.expect(points, begin)
	_, after := d.expect(points, d.maximise(points, begin))
	if !(after > before+10) {
		t.Errorf("the logarithm of the likelihood goes from %v to %v", before, after)
	}
}

func TestDistributionKeepsAVarianceOfAComponentOnASinglePoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	points := append(twoClusters(rng, 40), []float64{0.5, 0.95})
	d := newDistributionOf(2, func(p *DistributionParams) { p.Distribution, p.Components, p.Smoothing = "mixture", 3, 0 })
	old := []component{
		{Weight: 0.3, Mean: []float64{0.2, 0.2}, Cov: []float64{0.01, 0.01}}, {Weight: 0.6, Mean: []float64{0.8, 0.6}, Cov: []float64{0.01, 0.01}},
		{Weight: 0.1, Mean: []float64{0.5, 0.95}, Cov: []float64{0.01, 0.01}},
	}
	d.s.Components = old
	d.fit(points, rng)
	alone := d.s.Components[2]
	if w := alone.Weight; math.Abs(w-1.0/41) > 1e-5 {
		t.Errorf("its share is %v, want one of 41 points", w)
	}
	if v := alone.Cov[0]; math.Abs(v-0.005) > 1e-4 { // (0 + 1 · 0.01) / (1 + 1)
		t.Errorf("its variance is %v, want half of what it was, 0.005", v)
	}
}

func TestDistributionAddsNoiseToWhatIsSampledWhichDecays(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	d := newDistributionOf(1, func(p *DistributionParams) { p.Distribution, p.NoiseStd, p.NoiseDecay = "noisy_gaussian", 0.1, 0.5 })
	mean := 0.0
	const fits = 2000
	for range fits {
		d.s.NoiseStd = 0.1
		d.fit([][]float64{{0.49}, {0.51}}, rng)
		c := d.s.Components[0]
		rig.Near(t, "sampled variance", c.sampled()[0], c.Cov[0]+c.Noise[0])
		rig.Near(t, "fitted variance", c.Cov[0], 0.0002)
		rig.Near(t, "noise of the next fit", d.s.NoiseStd, 0.05)
		mean += c.Noise[0] / fits
	}
	if want := 0.01 * math.Sqrt(2/math.Pi); math.Abs(mean-want) > 0.05*want { // the mean of |N(0, 1)| is √(2/π)
		t.Errorf("mean variance of the noise %v, want %v", mean, want)
	}
}

// Defect 11 of the Python L2L: it computed the probabilities of accepting non-elites from unsorted fitness, and applied them to sorted individuals.
func TestDistributionAcceptsANonEliteWithItsOwnProbability(t *testing.T) {
	d := newDistributionOf(1, func(p *DistributionParams) { p.TempDecay = 0.9 })
	var g kit.Generation
	shuffled := []float64{3, 0, 2.5, 1, 0.5, 7, 1.5} // the loss is written into the individual
	for _, l := range shuffled {
		g.Members = append(g.Members, kit.Member{X: []float64{l}, Loss: []float64{l}, Told: true})
	}
	sample := g.Ranked()
	d.s.Temperature = 0.8
	const elite, draws = 2, 20000 // the elite is 0 and 0.5
	rng := rand.New(rand.NewPCG(1, 1))
	accepted := map[float64]float64{}
	for range draws {
		for _, r := range d.accept(sample, elite, rng) {
			if r.X[0] != r.Loss {
				t.Fatalf("individual %v goes with loss %v", r.X[0], r.Loss)
			}
			accepted[r.Loss] += 1.0 / draws
		}
	}
	for _, l := range shuffled {
		if want := math.Min(1, math.Exp(-(l-0.5)/0.8)); math.Abs(accepted[l]-want) > 0.012 {
			t.Errorf("loss %v is accepted in a share of %.4f, want %.4f", l, accepted[l], want)
		}
	}
}

// Defect 13 of the Python L2L: it smoothed a mixture with itself.
func TestDistributionSmoothingMixesTheOldWithTheNew(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	first, second := twoClusters(rng, 60), twoClusters(rng, 60)
	for i := range second {
		second[i][0] += 0.1
	}
	after := func(smoothing float64) (old, now []component) {
		rng := rand.New(rand.NewPCG(3, 3))
		d := newDistributionOf(2, func(p *DistributionParams) { p.Distribution, p.Components, p.Smoothing = "mixture", 2, smoothing })
		d.fit(first, rng)
		old = d.s.Components
		d.fit(second, rng)
		return old, d.s.Components
	}
	old, fitted := after(0)
	_, now := after(0.25)
	for k := range now {
		mix := func(a, b float64) float64 { return 0.25*a + 0.75*b }
		rig.Near(t, "weight", now[k].Weight, mix(old[k].Weight, fitted[k].Weight))
		for j := range 2 {
			rig.Near(t, "mean", now[k].Mean[j], mix(old[k].Mean[j], fitted[k].Mean[j]))
			rig.Near(t, "variance", now[k].Cov[j], mix(old[k].Cov[j], fitted[k].Cov[j]))
		}
		if math.Abs(now[k].Mean[0]-fitted[k].Mean[0]) < 0.01 {
			t.Errorf("component %d lies where it would without smoothing", k)
		}
	}
}
