package cem

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit/linalg"
)

// DistributionParams configures the distribution that [Search] and [FACE] sample from and fit to the elite.
type DistributionParams struct {
	Distribution string  `yaml:"distribution" doc:"one normal distribution or a mixture of several; the noisy ones are sampled with additional variance, so that they do not contract too early" range:"gaussian | noisy_gaussian | mixture | noisy_mixture"`
	Components   int     `yaml:"components" doc:"normal distributions in a mixture" range:"[2, 100]"`
	Covariance   string  `yaml:"covariance" doc:"of each normal distribution; a full one needs an elite of 5 n individuals or more for each" range:"full | diagonal"`
	Smoothing    float64 `yaml:"smoothing" doc:"share of the old distribution in the new one" range:"[0, 1)"`
	NoiseStd     float64 `yaml:"noise_std" doc:"noise of the noisy distributions: the standard deviation added, as a fraction of each coordinate's width" range:"(0, inf)"`
	NoiseDecay   float64 `yaml:"noise_decay" doc:"factor on noise_std after each fit" range:"[0, 1]"`
	TempDecay    float64 `yaml:"temp_decay" doc:"accept individuals behind the elite, too, with probability exp(−(loss − largest loss of the elite)/T); T begins at the spread of the losses and is multiplied by this after each fit; 0: the elite alone" range:"[0, 1]"`
	TolX         float64 `yaml:"tol_x" doc:"stop when the standard deviation in every coordinate has fallen below this fraction of its width" range:"[0, 1)"`
}

// maxFullDim is the largest dimension with full covariance matrices: 32 MB each, and seconds for each fit.
const maxFullDim = 2000

func defaultDistribution() DistributionParams {
	return DistributionParams{Distribution: "gaussian", Components: 3, Covariance: "diagonal", Smoothing: 0.3, NoiseStd: 0.05, NoiseDecay: 0.95,
		TolX: 1e-12}
}

func (p *DistributionParams) resolve(problem optimizer.Problem) error {
	if n := kit.NewFrame(problem, kit.Clipped).Dim(); p.Covariance == "full" && n > maxFullDim {
		return fmt.Errorf("%w: it has %d coordinates, want at most %d for a full covariance (a categorical one counts once for each choice); "+
			"choose covariance: diagonal",
			optimizer.ErrUnsuited, n, maxFullDim)
	}
	return kit.SingleObjective(problem)
}

func (p *DistributionParams) components() int {
	if p.Distribution == "gaussian" || p.Distribution == "noisy_gaussian" {
		return 1
	}
	return p.Components
}

func (p *DistributionParams) noisy() bool {
	return p.Distribution == "noisy_gaussian" || p.Distribution == "noisy_mixture"
}

// distribution is a mixture of normal distributions over the numbers of a frame, fitted by expectation maximisation; of one component,
// that is by mean and covariance. Before the first fit it is the problem's initial distribution.
//
// Each fit begins at the distribution before it. So components keep their identity, and smoothing, which mixes each with what it was, is
// the same for one component and for several. Expectation maximisation is chosen rather than variational Bayes because of that, and
// because its one weakness, a component that collapses onto a single point, is met by a prior that is worth one point.
type distribution struct {
	problem optimizer.Problem
	par     DistributionParams
	frame   *kit.Frame
	s       *distributionState
	roots   [][]float64 // of the covariances that are sampled from; nil until needed
	weights []float64   // of the components, made with roots
}

type distributionState struct {
	Known       kit.Warm    // what a warm start told; nil once it has been used
	Components  []component // none before the first fit
	NoiseStd    float64     // of the next fit
	Temperature float64     // of the next fit; 0 before the first
	Average     kit.Average // of the means of the largest component
}

// component is a normal distribution with its share of the mixture.
type component struct {
	Weight float64
	Mean   codec.Vector
	Cov    codec.Vector // covariance, n×n row-major, upper triangle; or n variances
	Noise  codec.Vector // variances added to it where it is sampled, n; none if the distribution is not noisy
}

func newDistribution(problem optimizer.Problem, par DistributionParams, s *distributionState) *distribution {
	s.NoiseStd = par.NoiseStd
	return &distribution{problem: problem, par: par, frame: kit.NewFrame(problem, kit.Clipped), s: s}
}

// changed must be called when the state has.
func (d *distribution) changed() { d.roots, d.weights = nil, nil }

// check returns ErrState for a state that cannot be one.
func (d *distribution) check(s distributionState) error {
	n := d.frame.Dim()
	if len(s.Average.X) != 0 && len(s.Average.X) != n {
		return fmt.Errorf("%w: the average of its means has another length", optimizer.ErrState)
	}
	for _, c := range s.Components {
		if len(c.Mean) != n || len(c.Cov) != d.covLen() || d.par.noisy() && len(c.Noise) != n {
			return fmt.Errorf("%w: its distribution has other sizes", optimizer.ErrState)
		}
	}
	return nil
}

// covLen is the length of a covariance.
func (d *distribution) covLen() int {
	n := d.frame.Dim()
	if d.par.Covariance == "full" {
		return n * n
	}
	return n
}

// sample returns n random individuals; the first time, those that a warm start told of, and random ones.
func (d *distribution) sample(n int, rng *rand.Rand) [][]float64 {
	known := d.s.Known
	d.s.Known = nil
	if known != nil {
		return known.Population(d.problem, rng, n)
	}
	xs := make([][]float64, n)
	for i := range xs {
		xs[i] = d.draw(rng)
	}
	return xs
}

// draw returns a random individual.
func (d *distribution) draw(rng *rand.Rand) []float64 {
	if len(d.s.Components) == 0 {
		return d.problem.Draw(rng)
	}
	if d.roots == nil {
		for _, c := range d.s.Components {
			d.roots, d.weights = append(d.roots, root(len(c.Mean), c.sampled())), append(d.weights, c.Weight)
		}
	}
	k := kit.Pick(d.weights, rng.Float64())
	z := make([]float64, d.frame.Dim())
	for j := range z {
		z[j] = rng.NormFloat64()
	}
	transform(d.roots[k], z)
	floats.Add(z, d.s.Components[k].Mean)
	return d.frame.Point(z)
}

// centres are the individuals at the means of the components, from the largest share to the smallest, and at the average of the largest one's means;
// none before the first fit.
func (d *distribution) centres() (points [][]float64) {
	if len(d.s.Components) == 0 {
		return nil
	}
	for _, c := range slices.SortedStableFunc(slices.Values(d.s.Components), func(a, b component) int { return cmp.Compare(b.Weight, a.Weight) }) {
		points = append(points, d.frame.Point(c.Mean))
	}
	return append(points, d.frame.Point(d.s.Average.X))
}

// learn fits the distribution to a sample, sorted by loss, with an elite of so many individuals.
func (d *distribution) learn(sample []kit.Ranked, elite int, rng *rand.Rand) {
	if len(sample) == 0 {
		return
	}
	if d.par.TempDecay > 0 && len(d.s.Components) == 0 {
		d.s.Temperature = kit.InitialTemperature(sample)
	}
	var kept [][]float64
	for _, r := range d.accept(sample, min(elite, len(sample)), rng) {
		kept = append(kept, d.frame.Preimage(r.X))
	}
	d.s.Temperature *= d.par.TempDecay
	d.fit(kept, rng)
}

// accept returns the elite of a sorted sample, and of the others each with its probability at the present temperature.
func (d *distribution) accept(sample []kit.Ranked, elite int, rng *rand.Rand) []kit.Ranked {
	kept := slices.Clone(sample[:elite])
	if d.par.TempDecay > 0 {
		for _, r := range sample[elite:] {
			if kit.Metropolis(rng, r.Loss-sample[elite-1].Loss, d.s.Temperature) {
				kept = append(kept, r)
			}
		}
	}
	return kept
}

// fit replaces the distribution by the one of largest likelihood, smoothed.
func (d *distribution) fit(points [][]float64, rng *rand.Rand) {
	old := d.s.Components
	if len(old) == 0 {
		d.s.Components = d.maximise(points, d.seeds(points, rng))
	} else {
		d.s.Components = smoothed(d.par.Smoothing, old, d.maximise(points, old))
	}
	for k := range d.s.Components {
		c := &d.s.Components[k]
		d.raise(c.Cov)
		if d.par.noisy() {
			c.Noise = make([]float64, d.frame.Dim())
			for j := range c.Noise {
				c.Noise[j] = d.s.NoiseStd * d.s.NoiseStd * math.Abs(rng.NormFloat64())
			}
		}
	}
	d.s.Average.Add(slices.MaxFunc(d.s.Components, func(a, b component) int { return cmp.Compare(a.Weight, b.Weight) }).Mean)
	d.s.NoiseStd *= d.par.NoiseDecay
	d.changed()
}

// quieten halves the noise that the distribution is sampled with, and that of the fits to come. It returns false, and does nothing, where there is
// no noise, or so little that it does not matter: where in no coordinate of any component in use it adds a hundredth to the variance.
func (d *distribution) quieten() bool {
	matters := false
	for _, c := range d.s.Components {
		for j, v := range c.Noise {
			matters = matters || c.Weight > 0 && v > 0.01*c.Cov[d.diagonal(j)]
		}
	}
	if !matters {
		return false
	}
	for _, c := range d.s.Components {
		floats.Scale(0.25, c.Noise)
	}
	d.s.NoiseStd /= 2
	d.changed()
	return true
}

// smoothed is s·old + (1 − s)·fitted, component by component.
func smoothed(s float64, old, fitted []component) []component {
	mix := func(a, b []float64) []float64 {
		out := make([]float64, len(b))
		floats.AddScaled(out, s, a)
		floats.AddScaled(out, 1-s, b)
		return out
	}
	out := make([]component, len(fitted))
	for k, f := range fitted {
		out[k] = component{Weight: s*old[k].Weight + (1-s)*f.Weight, Mean: mix(old[k].Mean, f.Mean), Cov: mix(old[k].Cov, f.Cov)}
	}
	return out
}

// seeds are components to begin the first fit with: around points that lie far from each other (Arthur and Vassilvitskii 2007, k-means++), with
// the covariance of all points, divided by k^(2/n) because each of k components has its part of the volume (Fraley and Raftery 2007,
// doi 10.1007/s00357-007-0004-5).
func (d *distribution) seeds(points [][]float64, rng *rand.Rand) []component {
	mean, cov := d.moments(points)
	k := d.par.components()
	if k == 1 {
		return []component{{Weight: 1, Mean: mean, Cov: cov}}
	}
	means := [][]float64{points[rng.IntN(len(points))]}
	for len(means) < k {
		distances := make([]float64, len(points))
		for i, p := range points {
			distances[i] = math.Inf(1)
			for _, m := range means {
				distances[i] = min(distances[i], floats.Distance(p, m, 2)*floats.Distance(p, m, 2))
			}
		}
		means = append(means, points[kit.Pick(distances, rng.Float64()*floats.Sum(distances))])
	}
	floats.Scale(math.Pow(float64(k), -2/float64(d.frame.Dim())), cov)
	out := make([]component, k)
	for i, m := range means {
		out[i] = component{Weight: 1 / float64(k), Mean: slices.Clone(m), Cov: slices.Clone(cov)}
	}
	return out
}

// moments are the mean and the unbiased covariance of points. Of a single one, the covariance is the present one of all components together, or
// before the first fit that of coordinates spread over their whole width.
func (d *distribution) moments(points [][]float64) (mean, cov []float64) {
	one := make([]float64, len(points))
	floats.AddConst(1, one)
	mean, cov = d.weighted(points, one)
	if len(points) > 1 {
		floats.Scale(1/float64(len(points)-1), cov)
		return mean, cov
	}
	for j := range d.frame.Dim() {
		cov[d.diagonal(j)] = 1.0 / 12
	}
	if len(d.s.Components) > 0 {
		clear(cov)
		for _, c := range d.s.Components {
			floats.AddScaled(cov, c.Weight, c.Cov)
		}
	}
	return mean, cov
}

// weighted returns the weighted mean of points, and the weighted sum of the squares around it.
func (d *distribution) weighted(points [][]float64, w []float64) (mean, squares []float64) {
	n := d.frame.Dim()
	mean, squares = make([]float64, n), make([]float64, d.covLen())
	for i, p := range points {
		floats.AddScaled(mean, w[i], p)
	}
	floats.Scale(1/floats.Sum(w), mean)
	away := make([]float64, n)
	for i, p := range points {
		floats.SubTo(away, p, mean)
		if len(squares) == n {
			for j, a := range away {
				squares[j] += w[i] * a * a
			}
		} else {
			blas64.Syr(w[i], linalg.Column(away), blas64.Symmetric{N: n, Stride: n, Data: squares, Uplo: blas.Upper})
		}
	}
	return mean, squares
}

// diagonal is the index of variance j in a covariance.
func (d *distribution) diagonal(j int) int {
	if d.par.Covariance == "full" {
		return j * (d.frame.Dim() + 1)
	}
	return j
}

// raise brings variances up to the frame's floor, and above 0.
func (d *distribution) raise(cov []float64) {
	for j, floor := range d.frame.Floor {
		at := d.diagonal(j)
		cov[at] = max(cov[at], floor*floor, 1e-30)
	}
}

// maximise raises the likelihood of the points, from a mixture to begin with, until it hardly rises any more: expectation maximisation. The
// prior of each component's covariance is one more point, with the covariance that the component begins with.
func (d *distribution) maximise(points [][]float64, from []component) []component {
	if len(from) == 1 {
		mean, cov := d.moments(points)
		return []component{{Weight: 1, Mean: mean, Cov: cov}}
	}
	now := slices.Clone(from)
	before := math.Inf(-1)
	for range 100 {
		shares, likelihood := d.expect(points, now)
		for k, w := range shares {
			sum := floats.Sum(w)
			now[k].Weight = sum / float64(len(points))
			if sum < 1e-6 {
				continue // it stays where it is, and is hardly ever sampled
			}
			mean, cov := d.weighted(points, w)
			floats.Add(cov, from[k].Cov)
			floats.Scale(1/(sum+1), cov)
			now[k].Mean, now[k].Cov = mean, cov
		}
		if likelihood-before < 1e-6*float64(len(points)) {
			break
		}
		before = likelihood
	}
	return now
}

// expect returns, for each component, the probability of each point that it comes from it, and the logarithm of the points' likelihood.
func (d *distribution) expect(points [][]float64, mixture []component) (shares [][]float64, likelihood float64) {
	n := d.frame.Dim()
	logs := make([][]float64, len(mixture))
	away := make([]float64, n)
	for k, c := range mixture {
		logs[k] = make([]float64, len(points))
		cov := slices.Clone(c.Cov)
		d.raise(cov)
		r := root(n, cov)
		constant := math.Log(c.Weight) // −Inf for a component that is out of use
		for j := range n {
			constant -= math.Log(r[d.diagonal(j)])
		}
		for i, p := range points {
			floats.SubTo(away, p, c.Mean)
			invert(r, away)
			logs[k][i] = constant - floats.Dot(away, away)/2
		}
	}
	all := make([]float64, len(mixture))
	for i := range points {
		for k := range mixture {
			all[k] = logs[k][i]
		}
		sum := floats.LogSumExp(all)
		likelihood += sum
		for k := range mixture {
			logs[k][i] = math.Exp(all[k] - sum)
		}
	}
	return logs, likelihood
}

// sampled is the covariance that the component is sampled with.
func (c component) sampled() []float64 {
	cov, n := slices.Clone(c.Cov), len(c.Mean)
	for j, v := range c.Noise {
		if len(cov) > n {
			j += j * n
		}
		cov[j] += v
	}
	return cov
}

// widest is the largest standard deviation of any continuous coordinate in any component that is in use.
func (d *distribution) widest() float64 {
	widest := 0.0
	for _, c := range d.s.Components {
		cov := c.sampled()
		for j, floor := range d.frame.Floor {
			if floor == 0 && c.Weight > 0 {
				widest = max(widest, math.Sqrt(cov[d.diagonal(j)]))
			}
		}
	}
	return widest
}

// converged names the reason to stop, if there is one.
func (d *distribution) converged() string {
	if w := d.widest(); len(d.s.Components) > 0 && w > 0 && w < d.par.TolX {
		return fmt.Sprintf("tol_x: standard deviations are below %g of the widths", d.par.TolX)
	}
	return ""
}

// figures are what is worth watching.
func (d *distribution) figures() []optimizer.Figure {
	figures := []optimizer.Figure{{Name: "std_max", Value: d.widest()}}
	if d.par.TempDecay > 0 {
		figures = append(figures, optimizer.Figure{Name: "temperature", Value: d.s.Temperature})
	}
	return figures
}

// root returns the upper triangular R with RᵀR = cov, n×n; of n variances, their roots. Where rounding has made cov indefinite, its diagonal
// is raised by as little as is needed.
func root(n int, cov []float64) []float64 {
	r := slices.Clone(cov)
	if len(cov) == n {
		for j := range r {
			r[j] = math.Sqrt(r[j])
		}
		return r
	}
	for more := 1e-14; more < 1; more *= 10 {
		if _, ok := lapack64.Potrf(blas64.Symmetric{N: n, Stride: n, Data: r, Uplo: blas.Upper}); ok {
			return r
		}
		copy(r, cov)
		for j := range n {
			r[j*n+j] += more * cov[j*n+j]
		}
	}
	clear(r) // not even nearly a covariance: without its correlations
	for j := range n {
		r[j*n+j] = math.Sqrt(cov[j*n+j])
	}
	return r
}

// transform makes of a standard normal z, in place, one with the covariance of the root: Rᵀ z.
func transform(r, z []float64) {
	if len(r) == len(z) {
		floats.Mul(z, r)
		return
	}
	blas64.Trmv(blas.Trans, triangle(r, len(z)), linalg.Column(z))
}

// invert is the inverse of transform.
func invert(r, z []float64) {
	if len(r) == len(z) {
		floats.Div(z, r)
		return
	}
	blas64.Trsv(blas.Trans, triangle(r, len(z)), linalg.Column(z))
}

func triangle(r []float64, n int) blas64.Triangular {
	return blas64.Triangular{N: n, Stride: n, Data: r, Uplo: blas.Upper, Diag: blas.NonUnit}
}
