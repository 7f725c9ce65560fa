package mapelites_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/design"
	"github.com/meta-optimization/l2l-mpi/optimizer/internal/rig"
	"github.com/meta-optimization/l2l-mpi/optimizer/mapelites"
	"github.com/meta-optimization/l2l-mpi/optimizer/optimizertest"
)

// arm is the planar robot arm on which MAP-Elites is usually shown: its outputs are where its hand is, in a circle of radius 1, and its
// loss is the variance of its joints' angles, as an arm should be smooth. Random arms are mostly crumpled up, their hands near the middle.
func arm(x []float64) (loss float64, hand []float64) {
	hand = []float64{0, 0}
	angle, mean := 0.0, 0.0
	for _, v := range x {
		angle += v
		hand[0] += math.Cos(angle) / float64(len(x))
		hand[1] += math.Sin(angle) / float64(len(x))
		mean += v / float64(len(x))
	}
	for _, v := range x {
		loss += (v - mean) * (v - mean) / float64(len(x))
	}
	return loss, hand
}

func armProblem() optimizer.Problem {
	p := optimizer.Box(12, -math.Pi, math.Pi)
	p.Outputs = 2
	return p
}

func armElites() mapelites.Params {
	par := mapelites.Defaults()
	par.Describe, par.Lower, par.Upper = "outputs", []float64{-1, -1}, []float64{1, 1}
	return par
}

// explore lets an optimizer look at n arms, and returns how many of the 20×20 cells of the hand's positions it has filled, and the QD score:
// the sum over those cells of how much the best arm is better than π², the largest loss.
func explore(t *testing.T, o optimizer.Optimizer, n int) (filled int, score float64) {
	t.Helper()
	best := map[int]float64{}
	for told := 0; told < n; {
		cs, err := o.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			loss, hand := arm(c.X)
			cell := int((hand[0]+1)*10)*20 + int((hand[1]+1)*10)
			if was, ok := best[cell]; !ok || loss < was {
				best[cell] = loss
			}
			if err := o.Tell([]optimizer.Evaluated{{ID: c.ID, Loss: []float64{loss}, Outputs: hand, Targets: hand}}); err != nil {
				t.Fatal(err)
			}
			told++
		}
	}
	for _, loss := range best {
		score += math.Pi*math.Pi - loss
	}
	return len(best), score
}

func TestMAPElitesFillsMoreCellsAtAHigherQDScoreThanRandomSearch(t *testing.T) {
	for seed := range uint64(3) {
		elites, err := mapelites.New(armProblem(), armElites(), seed)
		if err != nil {
			t.Fatal(err)
		}
		random, err := design.NewRandom(armProblem(), design.RandomDefaults(), seed)
		if err != nil {
			t.Fatal(err)
		}
		filled, score := explore(t, elites, 10_000)
		randomFilled, randomScore := explore(t, random, 10_000)
		if filled < 3*randomFilled/2 || score < 2*randomScore {
			t.Errorf("seed %d: %d cells and a score of %.0f, random search %d and %.0f; want 1.5 and 2 times as much", seed, filled, score,
				randomFilled, randomScore)
		}
		if n := len(elites.Elites()); n != filled {
			t.Errorf("seed %d: %d elites in %d cells", seed, n, filled)
		}
	}
}

func TestMAPElitesKeepsTheBestOfEachCell(t *testing.T) {
	o, err := mapelites.New(armProblem(), armElites(), 4)
	if err != nil {
		t.Fatal(err)
	}
	explore(t, o, 2000)
	last := -1
	for _, e := range o.Elites() {
		loss, hand := arm(e.X)
		cell := int((hand[0]+1)*10)*20 + int((hand[1]+1)*10)
		if e.Cell != cell || e.Loss[0] != loss || !slices.Equal(e.Features, hand) {
			t.Fatalf("elite %+v, want cell %d, loss %v, hand %v", e, cell, loss, hand)
		}
		if e.Cell <= last {
			t.Fatalf("cell %d comes after cell %d", e.Cell, last)
		}
		last = e.Cell
	}
}

// With its features among the model's outputs, and by isolines, it keeps the contract as with its defaults.
func TestMAPElitesWithOutputsKeepsTheContract(t *testing.T) {
	optimizertest.Run(t, func(p optimizer.Problem, seed uint64) (optimizer.Optimizer, error) {
		par := armElites()
		par.Vary = "isoline"
		return mapelites.New(p, par, seed)
	})
}

func TestMAPElitesSaysWhatItsCellsLack(t *testing.T) {
	mixed := optimizer.Problem{Coords: []optimizer.Coordinate{{Lower: 2, Upper: 4}, {Kind: optimizer.Categorical, Upper: 2},
		{Lower: math.Inf(-1), Upper: 9, Mean: 1, Std: 2}}}
	for want, change := range map[string]func(*mapelites.Params){
		"lower and upper are missing": func(p *mapelites.Params) { p.Describe = "outputs" },
		"features[1] = 12, want each once, and less than the number of parameters, 12": func(p *mapelites.Params) { p.Features = []int{0, 12} },
		"features[1] = 3, want each once":                                              func(p *mapelites.Params) { p.Features = []int{3, 3} },
		"2 features, 1 lower and 2 upper ends":                                         func(p *mapelites.Params) { p.Lower = []float64{0} },
		"feature 1: lower = 2 and upper = 2": func(p *mapelites.Params) {
			p.Lower, p.Upper = []float64{0, 2}, []float64{1, 2}
		},
		"want at most 1000000 together": func(p *mapelites.Params) { p.Cells = []int{1000, 1001} },
	} {
		par := mapelites.Defaults()
		change(&par)
		if _, err := mapelites.New(armProblem(), par, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	// What is chosen automatically: the bounds, half a step around whole numbers, two standard deviations without bounds.
	par := mapelites.Defaults()
	par.Features = []int{0, 1, 2}
	o, err := mapelites.New(mixed, par, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(o.Params().Lower, o.Params().Upper, o.Params().Cells); got != "[2 -0.5 -3] [4 2.5 5] [7 3 7]" {
		t.Errorf("chosen: %s", got)
	}
}

// Features to which all parameters contribute alike, as in the linear projections on which MAP-Elites is compared (Fontaine et al. 2020): what is far
// from the middle needs many parameters to go one way together, and lies on lines through elites.
func TestMAPElitesFillsMoreCellsOfAProjectionByIsolines(t *testing.T) {
	score := func(vary string) (qd float64) {
		par := mapelites.Defaults()
		par.Vary, par.Describe, par.Lower, par.Upper, par.Cells = vary, "outputs", []float64{-50, -50}, []float64{50, 50}, []int{50, 50}
		problem := optimizer.Box(20, -5, 5)
		problem.Outputs = 2
		o, err := mapelites.New(problem, par, 1)
		if err != nil {
			t.Fatal(err)
		}
		for o.Status().Told < 5000 {
			rig.Generations(t, o, 1, func(c optimizer.Candidate) optimizer.Evaluated {
				loss, out := 0.0, []float64{0, 0}
				for j, v := range c.X {
					loss += (v - 2) * (v - 2)
					out[j/10] += v
				}
				return optimizer.Evaluated{ID: c.ID, Loss: []float64{loss}, Outputs: out, Targets: out}
			})
		}
		for _, e := range o.Elites() {
			qd += 20*7*7 - e.Loss[0]
		}
		return qd
	}
	if lines, crossed := score("isoline"), score("crossover"); lines < 1.3*crossed {
		t.Errorf("a score of %.0f, by crossover %.0f, want 1.3 times as much", lines, crossed)
	}
}

// With one elite there is no line, and with whole numbers and choices alone hardly a move: children are new all the same.
func TestMAPElitesIsolinesLeadToNewPoints(t *testing.T) {
	par := mapelites.Defaults()
	par.Vary, par.PopSize, par.Cells = "isoline", 4, []int{1, 1}
	problem := optimizer.Problem{Coords: []optimizer.Coordinate{{Kind: optimizer.Integer, Upper: 9}, {Kind: optimizer.Categorical, Upper: 5}}}
	o, err := mapelites.New(problem, par, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		var before []float64
		if e := o.Elites(); len(e) > 0 {
			before = e[0].X
		}
		for _, c := range rig.Round(t, o, func(x []float64) float64 { return x[0] }) {
			if slices.Equal(c.X, before) {
				t.Fatalf("the child of %v is a copy", before)
			}
		}
	}
}
