package statistics_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/report/statistics"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestQuantileIsLinearBetweenValues(t *testing.T) {
	sorted := []float64{1, 2, 4, 8}
	for p, want := range map[float64]float64{0: 1, 0.5: 3, 0.25: 1.75, 1: 8} {
		near(t, "quantile", statistics.Quantile(sorted, p), want, 1e-15)
	}
	if !math.IsNaN(statistics.Quantile(nil, 0.5)) {
		t.Error("a quantile of nothing is a number")
	}
}

func TestSpearmanIsThatOfRanks(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5}
	near(t, "of a monotonous function", statistics.Spearman(x, []float64{1, 8, 27, 64, 1000}), 1, 1e-15)
	near(t, "by hand", statistics.Spearman(x, []float64{2, 1, 4, 3, 5}), 1-6*4.0/(5*24), 1e-12) // 1 - 6 sum d^2 / n(n^2-1)
	if !math.IsNaN(statistics.Spearman(x, []float64{1, 1, 1, 1, 1})) {
		t.Error("a constant correlates")
	}
}

// The values are those of the tables of Mann and Whitney (1947): for n = m = 5, P(U <= 2) = 0.0079 and P(U <= 4) = 0.0476.
func TestMannWhitneyIsThatOfTheTable(t *testing.T) {
	smaller, p := statistics.MannWhitney([]float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10})
	near(t, "smaller", smaller, 1, 0)
	near(t, "p", p, 2.0/252, 1e-12)
	// x has ranks 1, 2, 3, 5, 6: U = 17 - 15 = 2, of which P(U <= 2) = 4/252.
	smaller, p = statistics.MannWhitney([]float64{1, 2, 3, 5, 6}, []float64{4, 7, 8, 9, 10})
	near(t, "smaller", smaller, 23.0/25, 1e-12)
	near(t, "p", p, 8.0/252, 1e-12)
	if _, p = statistics.MannWhitney([]float64{1, 1, 1}, []float64{1, 1}); p != 1 {
		t.Errorf("equal values have p = %v", p)
	}
	// The normal approximation agrees with the exact distribution where both can be had.
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := make([]float64, 25), make([]float64, 28)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	for i := range y {
		y[i] = rng.NormFloat64() + 0.6
	}
	_, exact := statistics.MannWhitney(x, y)
	_, normal := statistics.MannWhitney(append(x, x[0]), y) // a tie
	if exact > 0.2 || math.Abs(exact-normal) > 0.03 {
		t.Errorf("exact %v, by approximation %v", exact, normal)
	}
}

// The example is worked out by hand: 0.01*4, 0.04*1, 0.03*2 raised to what stands before it, 0.005*... in order.
func TestHolmMultipliesBySmallerAndSmallerNumbers(t *testing.T) {
	got := statistics.Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, "p", got[i], want, 1e-12)
	}
}

func TestImportanceFindsTheParametersThatMatter(t *testing.T) {
	const n = 2000
	rng := rand.New(rand.NewPCG(3, 3))
	columns := make([]statistics.Column, 4)
	loss := make([]float64, n)
	for k := range columns {
		columns[k] = statistics.Column{Values: make([]float64, n), Lower: 0, Upper: 1}
		for i := range n {
			columns[k].Values[i] = rng.Float64()
		}
	}
	columns[3].Choices = 3
	for i := range n {
		columns[3].Values[i] = float64(rng.IntN(3))
		x := columns[0].Values[i] - 0.3
		loss[i] = x*x + 0.05*columns[1].Values[i] // column 2 does not matter
		if columns[3].Values[i] != 1 {
			loss[i] += 0.02
		}
	}
	got := statistics.Importance(columns, statistics.Good(loss, 0.1))
	if !(got[0] > got[1] && got[1] > 3*got[2] && got[3] > 3*got[2]) {
		t.Errorf("importances %v", got)
	}
	_, chance := statistics.Resampled(columns, loss, 0.1, 30, 1)
	if !(got[2] < 1.5*chance[2] && got[1] > 2*chance[1] && got[3] > 2*chance[3]) {
		t.Errorf("importances %v, and %v by chance", got, chance)
	}
}

// Most individuals of a search that has converged lie near together, and a few of its beginning far away. A tenth of them cannot have more than ten times the
// density of all.
func TestImportanceIsBoundedWhereMostRowsLieNearTogether(t *testing.T) {
	const n, share = 200, 0.1
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 9))
		column, loss := statistics.Column{Values: make([]float64, n), Lower: 0, Upper: 1}, make([]float64, n)
		for i := range n {
			column.Values[i] = 0.4 + 0.05*rng.NormFloat64()
			if i < n/20 {
				column.Values[i] = rng.Float64()
			}
			loss[i] = math.Abs(column.Values[i]-0.4) + 0.02*rng.NormFloat64()
		}
		got := statistics.Importance([]statistics.Column{column}, statistics.Good(loss, share))
		_, chance := statistics.Resampled([]statistics.Column{column}, loss, share, 40, seed)
		if most := 1/share - 1; got[0] > most || chance[0] > most {
			t.Errorf("seed %d: importance %v, and %v by chance, want at most %v", seed, got[0], chance[0], most)
		}
	}
}

// A column whose good points all lie in one of m equal choices has (m-1)^2/m + (m-1)/m = m-1.
func TestImportanceOfAChoiceIsThatByHand(t *testing.T) {
	const n = 400000 // so many that the one that each choice is counted more does not matter
	values := make([]float64, n)
	var good []int
	for i := range values {
		values[i] = float64(i % 4)
		if i%4 == 2 {
			good = append(good, i)
		}
	}
	got := statistics.Importance([]statistics.Column{{Values: values, Choices: 4}}, good)
	near(t, "importance", got[0], 3, 1e-3)
}

// The indices of Ishigami's function with a = 7 and b = 0.1 are known: 0.3139, 0.4424 and 0 (Ishigami and Homma 1990). A fourth parameter, a choice,
// adds variance of a known size.
func TestFirstOrderIsThatOfIshigami(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const n = 6000
	columns := make([]statistics.Column, 4)
	y := make([]float64, n)
	for i := range n {
		var x [3]float64
		for k := range x {
			x[k] = math.Pi * (2*rng.Float64() - 1)
			columns[k].Values = append(columns[k].Values, x[k])
		}
		choice := float64(rng.IntN(3))
		columns[3].Values = append(columns[3].Values, choice)
		y[i] = 1e6 + math.Sin(x[0]) + 7*math.Pow(math.Sin(x[1]), 2) + 0.1*math.Pow(x[2], 4)*math.Sin(x[0]) + 2*choice
	}
	columns[3].Choices = 3
	const variance, added = 13.8446, 4 * 2.0 / 3 // of the function, and of twice a choice from 0, 1, 2
	got := statistics.FirstOrder(columns, y)
	for k, share := range []float64{0.3139 * variance, 0.4424 * variance, 0, added} {
		near(t, "the index", got[k], share/(variance+added), 0.03)
	}
	for k, drawn := range statistics.FirstOrderResampled(columns, y, 20, 1) {
		for _, v := range drawn {
			near(t, "the index of a resample", v, got[k], 0.06)
		}
	}
}

func TestFirstOrderOfWhatDoesNotMatterIsAboutZero(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	sum := 0.0
	for range 50 {
		c := statistics.Column{}
		var y []float64
		for range 100 {
			c.Values, y = append(c.Values, rng.Float64()), append(y, rng.NormFloat64())
		}
		sum += statistics.FirstOrder([]statistics.Column{c}, y)[0] / 50
	}
	near(t, "the mean index of noise", sum, 0, 0.05) // it is cut at 0
	constant := statistics.Column{Values: []float64{1, 1, 1, 1, 1, 1, 1, 1}}
	near(t, "the index of a constant", statistics.FirstOrder([]statistics.Column{constant}, []float64{1, 2, 3, 4, 5, 6, 7, 8})[0], 0, 0)
	if v := statistics.FirstOrder([]statistics.Column{constant}, constant.Values)[0]; !math.IsNaN(v) {
		t.Errorf("the index for what does not vary is %v", v)
	}
}
