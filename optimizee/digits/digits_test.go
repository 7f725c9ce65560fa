package digits

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func open(t *testing.T, d *Digits) *Digits {
	t.Helper()
	if err := d.Open(); err != nil {
		t.Fatal(err)
	}
	return d
}

// individual is a point of the initial distribution.
func individual(t *testing.T, d *Digits, seed uint64) optimizee.Params {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	var x []float64
	for _, c := range d.Space().Coordinates() {
		x = append(x, c.Mean+c.Std*rng.NormFloat64())
	}
	params, err := d.Space().Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	return params
}

func TestDigitsImagesAreThoseOfTheDataSet(t *testing.T) {
	all, err := images()
	if err != nil || len(all) != 1797 {
		t.Fatalf("%d images, %v; want 1797", len(all), err)
	}
	var counts [classes]int
	var sum float64
	for _, im := range all {
		counts[im.digit]++
		for _, g := range im.grey {
			if g < 0 || g > 1 {
				t.Fatalf("grey value %v", g)
			}
			sum += 16 * g
		}
	}
	// Of scikit-learn: numpy.bincount(target) and data.sum().
	if want := [classes]int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}; counts != want || sum != 561718 {
		t.Errorf("counts %v and sum %v, want %v and 561718", counts, sum, want)
	}
}

func TestDigitsNetworkIsWhatItsFormulaSays(t *testing.T) {
	net := newNetwork(2)
	hidden, output := make([]float64, net.hiddenWeights()), make([]float64, net.outputWeights())
	var im [pixels]float64
	im[3], im[60] = 0.5, 1
	hidden[0], hidden[1+3] = 0.1, 2                     // unit 0: bias, pixel 3
	hidden[1+pixels+1+60] = -1                          // unit 1: pixel 60
	output[3*4], output[3*4+1], output[3*4+2] = 1, 2, 3 // digit 4: bias, unit 0, unit 1
	p := make([]float64, classes)
	net.classify(hidden, output, &im, p)
	e := math.Exp(1 + 2*math.Tanh(1.1) + 3*math.Tanh(-1))
	for k := range p {
		want := 1 / (e + 9)
		if k == 4 {
			want = e / (e + 9)
		}
		if math.Abs(p[k]-want) > 1e-15 {
			t.Errorf("probability of %d: %v, want %v", k, p[k], want)
		}
	}
}

func TestDigitsFitnessIsTheCrossEntropyOfOutputsAndTargets(t *testing.T) {
	d := open(t, &Digits{Hidden: 5, Batch: 20})
	out, err := d.Evaluate(t.Context(), optimizee.Evaluation{Params: individual(t, d, 1), Instance: 3})
	if err != nil || len(out.Outputs) != d.NumOutputs() || len(out.Targets) != d.NumOutputs() {
		t.Fatalf("%d outputs and %d targets, %v; want %d", len(out.Outputs), len(out.Targets), err, d.NumOutputs())
	}
	loss := 0.0
	for i, target := range out.Targets {
		loss -= target * math.Log(out.Outputs[i])
	}
	if math.Abs(out.Fitness[0]-loss/20) > 1e-12 || loss == 0 {
		t.Errorf("fitness %v, want %v", out.Fitness[0], loss/20)
	}
}

func TestDigitsEpochOfInstancesShowsEachTrainingImageOnceAndNoneThatIsHeldOut(t *testing.T) {
	d := open(t, &Digits{Hidden: 1, Batch: 100})
	const per = 13
	var first []int
	for instance := range per {
		first = append(first, d.minibatch(instance)...)
	}
	second := slices.Clone(d.minibatch(per))
	if slices.Equal(first[:100], second) {
		t.Error("the second epoch has the order of the first")
	}
	if !slices.Equal(first[200:300], d.minibatch(2)) {
		t.Error("an instance is not always the same mini-batch")
	}
	slices.Sort(first)
	if n := len(slices.Compact(slices.Clone(first))); n != 1300 || first[0] < 0 || first[len(first)-1] >= 1797-heldOut {
		t.Errorf("an epoch has %d different images, from %d to %d", n, first[0], first[len(first)-1])
	}
}

func TestDigitsReportCountsCorrectImages(t *testing.T) {
	d := open(t, &Digits{Hidden: 3})
	space := d.Space()
	x := make([]float64, space.Dim())
	x[d.net.hiddenWeights()+7*(1+3)] = 1 // the bias of digit 7: everything is a 7
	params, err := space.Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	sevens := 0
	for _, im := range d.test {
		if im.digit == 7 {
			sevens++
		}
	}
	var text strings.Builder
	if err := d.Report(t.Context(), optimizee.Evaluation{Params: params}, &text); err != nil {
		t.Fatal(err)
	}
	if fields := strings.Fields(strings.Split(text.String(), "held out")[1]); fields[0] != "45" || sevens != 45 || fields[1] != "450" {
		t.Errorf("%d sevens are held out; the report says\n%s", sevens, &text)
	}
}

func TestDigitsRefusesSettingsThatCannotBe(t *testing.T) {
	for _, d := range []*Digits{{Hidden: 0, Batch: 10}, {Hidden: 3, Batch: 1348}, {Hidden: 3, Batch: -1}} {
		if err := d.Open(); err == nil {
			t.Errorf("%d hidden units and mini-batches of %d are taken", d.Hidden, d.Batch)
		}
	}
}
