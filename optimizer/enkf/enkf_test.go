package enkf

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
)

// linear is a model g = A u whose targets y are A u* and noise.
type linear struct {
	A *mat.Dense // m×n
	y []float64
}

const linearNoise = 0.5

func newLinear(seed uint64, m, n int) linear {
	rng := rand.New(rand.NewPCG(seed, 0))
	l := linear{mat.NewDense(m, n, nil), make([]float64, m)}
	for i := range m {
		for j := range n {
			l.A.Set(i, j, rng.NormFloat64())
		}
	}
	truth := make([]float64, n)
	for j := range truth {
		truth[j] = rng.NormFloat64()
	}
	copy(l.y, l.outputs(truth))
	for i := range l.y {
		l.y[i] += linearNoise * rng.NormFloat64()
	}
	return l
}

func (l linear) outputs(u []float64) []float64 {
	var g mat.VecDense
	g.MulVec(l.A, mat.NewVecDense(len(u), u))
	return g.RawVector().Data
}

func (l linear) evaluate(c optimizer.Candidate) optimizer.Evaluated {
	ev := optimizer.Evaluated{ID: c.ID, Outputs: l.outputs(c.X), Targets: l.y, Loss: []float64{0}}
	for i, g := range ev.Outputs {
		ev.Loss[0] += (l.y[i] - g) * (l.y[i] - g)
	}
	return ev
}

// posterior is the Kalman filter's, after a normal prior.
func (l linear) posterior(mean []float64, cov *mat.SymDense) ([]float64, *mat.Dense) {
	m, n := l.A.Dims()
	var cross, innovation, gain, move, moved, update, after mat.Dense
	cross.Mul(cov, l.A.T())
	innovation.Mul(l.A, &cross)
	for i := range m {
		innovation.Set(i, i, innovation.At(i, i)+linearNoise*linearNoise)
	}
	var inverse mat.Dense
	if err := inverse.Inverse(&innovation); err != nil {
		panic(err)
	}
	gain.Mul(&cross, &inverse)
	missing := mat.NewDense(m, 1, slices.Clone(l.y))
	missing.Sub(missing, mat.NewDense(m, 1, l.outputs(mean)))
	move.Mul(&gain, missing)
	moved.Add(mat.NewDense(n, 1, slices.Clone(mean)), &move)
	update.Mul(&gain, cross.T())
	after.Sub(cov, &update)
	return moved.RawMatrix().Data, &after
}

// normalPrior is a problem of n parameters with a standard normal prior, and m outputs.
func normalPrior(n, m int) optimizer.Problem {
	p := optimizer.Problem{Outputs: m}
	for range n {
		p.Coords = append(p.Coords, optimizer.Coordinate{Lower: math.Inf(-1), Upper: math.Inf(1), Std: 1})
	}
	return p
}

func newSearch(t *testing.T, problem optimizer.Problem, par Params) *Search {
	t.Helper()
	o, err := New(problem, par, 1)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// moments are the mean and the covariance of points.
func moments(points [][]float64) ([]float64, *mat.SymDense) {
	x := mat.NewDense(len(points), len(points[0]), slices.Concat(points...))
	mean := make([]float64, len(points[0]))
	for j := range mean {
		mean[j] = stat.Mean(mat.Col(nil, j, x), nil)
	}
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, x, nil)
	return mean, &cov
}

func TestEnKFTakesALinearModelToTheKalmanSolution(t *testing.T) {
	l := newLinear(3, 12, 4)
	o := newSearch(t, normalPrior(4, 12), Params{PopSize: 2000, Noise: []float64{linearNoise}, Repetitions: 1, Inflation: 1})
	if _, err := o.Ask(1); err != nil {
		t.Fatal(err)
	}
	// The ensemble's own mean and covariance are the prior that the filter knows: its mean moves exactly as the Kalman filter's does.
	wantMean, wantCov := l.posterior(moments(o.Ensemble()))
	restart := newSearch(t, normalPrior(4, 12), o.par)
	rig.Generations(t, restart, 1, l.evaluate)
	mean, cov := moments(restart.Ensemble())
	for i := range mean {
		if math.Abs(mean[i]-wantMean[i]) > 1e-10 {
			t.Errorf("mean of parameter %d: %v, want %v", i, mean[i], wantMean[i])
		}
		for j := range mean {
			// The covariance is that of 2,000 random perturbations.
			scale := math.Sqrt(wantCov.At(i, i) * wantCov.At(j, j))
			if math.Abs(cov.At(i, j)-wantCov.At(i, j)) > 0.1*scale {
				t.Errorf("covariance of parameters %d and %d: %v, want %v within a tenth of %v", i, j, cov.At(i, j), wantCov.At(i, j), scale)
			}
		}
	}
}

func TestEnKFLearnsAsMuchInRepetitionsTogetherAsInOneGeneration(t *testing.T) {
	l := newLinear(4, 12, 4)
	once := newSearch(t, normalPrior(4, 12), Params{PopSize: 4000, Noise: []float64{linearNoise}, Repetitions: 1, Inflation: 1})
	four := newSearch(t, normalPrior(4, 12), Params{PopSize: 4000, Noise: []float64{linearNoise}, Repetitions: 4, Inflation: 1})
	rig.Generations(t, once, 1, l.evaluate)
	rig.Generations(t, four, 4, l.evaluate)
	wantMean, wantCov := moments(once.Ensemble())
	mean, cov := moments(four.Ensemble())
	for i := range mean {
		std := math.Sqrt(wantCov.At(i, i))
		if math.Abs(mean[i]-wantMean[i]) > 0.1*std || math.Abs(math.Sqrt(cov.At(i, i))-std) > 0.1*std {
			t.Errorf("parameter %d: %v ± %v, want %v ± %v", i, mean[i], math.Sqrt(cov.At(i, i)), wantMean[i], std)
		}
	}
}

func TestEnKFIsLedToTheSolutionOfAllTargetsByMiniBatches(t *testing.T) {
	l := newLinear(5, 60, 3)
	problem := normalPrior(3, 6)
	o := newSearch(t, problem, Params{PopSize: 500, Noise: []float64{linearNoise}, Repetitions: 1, Inflation: 1})
	prior := make([]float64, 3)
	want, cov := l.posterior(prior, mat.NewSymDense(3, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}))
	batch := 0
	for batch = range 10 {
		rig.Generations(t, o, 1, func(c optimizer.Candidate) optimizer.Evaluated {
			ev := l.evaluate(c)
			ev.Outputs, ev.Targets = ev.Outputs[6*batch:][:6], ev.Targets[6*batch:][:6]
			return ev
		})
	}
	mean, _ := moments(o.Ensemble())
	for i := range mean {
		if std := math.Sqrt(cov.At(i, i)); math.Abs(mean[i]-want[i]) > 0.5*std {
			t.Errorf("parameter %d: %v, want %v within half of %v", i, mean[i], want[i], std)
		}
	}
}

func TestEnKFTakesANoiseForEachOutput(t *testing.T) {
	// Two outputs of the only parameter contradict each other; the exact one wins.
	o := newSearch(t, normalPrior(1, 2), Params{PopSize: 200, Noise: []float64{0.01, 10}, Repetitions: 1, Inflation: 1})
	rig.Generations(t, o, 1, func(c optimizer.Candidate) optimizer.Evaluated {
		return optimizer.Evaluated{ID: c.ID, Loss: []float64{0}, Outputs: []float64{c.X[0], c.X[0]}, Targets: []float64{1, -1}}
	})
	if mean, _ := moments(o.Ensemble()); math.Abs(mean[0]-1) > 0.01 {
		t.Errorf("mean %v, want 1", mean[0])
	}
	if _, err := New(normalPrior(1, 3), Params{Noise: []float64{1, 1}, Repetitions: 1, Inflation: 1}, 1); err == nil {
		t.Error("two numbers for three outputs are taken")
	}
}

func TestEnKFFitsANonlinearModelWithoutKnowingTheNoise(t *testing.T) {
	// A decaying exponential, amplitude and time constant, at ten times; one parameter is an integer.
	problem := optimizer.Problem{Outputs: 10, Coords: []optimizer.Coordinate{{Lower: 0, Upper: 20}, {Lower: 1, Upper: 50},
		{Kind: optimizer.Integer, Lower: -10, Upper: 10}}}
	outputs := func(x []float64) []float64 {
		g := make([]float64, 10)
		for i := range g {
			g[i] = x[0]*math.Exp(-5*float64(i)/x[1]) + x[2]
		}
		return g
	}
	y := outputs([]float64{8, 20, -3})
	o := newSearch(t, problem, Defaults())
	rig.Generations(t, o, 20, func(c optimizer.Candidate) optimizer.Evaluated {
		g := outputs(c.X)
		loss := 0.0
		for i := range g {
			loss += (g[i] - y[i]) * (g[i] - y[i])
		}
		return optimizer.Evaluated{ID: c.ID, Loss: []float64{loss}, Outputs: g, Targets: y}
	})
	x := o.Status().Best.X
	if math.Abs(x[0]-8) > 0.1 || math.Abs(x[1]-20) > 0.5 || x[2] != -3 {
		t.Errorf("best %v after %d individuals, want 8, 20, -3", x, o.Status().Told)
	}
}

func TestEnKFPutsFailedMembersWhereTheOthersAre(t *testing.T) {
	l := newLinear(6, 12, 2)
	o := newSearch(t, normalPrior(2, 12), Params{PopSize: 100, Noise: []float64{0.05}, Repetitions: 1, Inflation: 1})
	rig.Generations(t, o, 1, func(c optimizer.Candidate) optimizer.Evaluated {
		ev := l.evaluate(c)
		ev.Failed = c.ID%3 == 0
		return ev
	})
	mean, cov := moments(o.Ensemble())
	for j, u := range o.Ensemble() {
		for i := range u {
			if d := math.Abs(u[i] - mean[i]); d > 5*math.Sqrt(cov.At(i, i)) || d > 0.5 {
				t.Errorf("member %d: parameter %d is %v from the mean", j, i, d)
			}
		}
	}
}

// Defect 21 of the Python L2L: its ensemble Kalman filter updated twice, mixed the outputs of individuals up, and ignored a noise given as one
// number. See TestEnKFTakesALinearModelToTheKalmanSolution for the first two.
func TestEnKFHeedsItsNoise(t *testing.T) {
	l := newLinear(3, 6, 2)
	second := func(noise ...float64) []optimizer.Candidate {
		par := Defaults()
		par.Noise = noise
		o := newSearch(t, normalPrior(2, 6), par)
		rig.Generations(t, o, 1, l.evaluate)
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		return cs
	}
	one := second(0.5)
	if !reflect.DeepEqual(one, second(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)) {
		t.Error("one number is not taken for all outputs")
	}
	if reflect.DeepEqual(one, second(5)) {
		t.Error("the noise makes no difference")
	}
}
