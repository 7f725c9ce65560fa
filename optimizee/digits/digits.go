// Package digits is an optimizee: a small network that learns to read handwritten digits. It is a family of tasks, each a mini-batch of images,
// and has model outputs with targets, for optimizers that learn from these (the ensemble Kalman filter). Some images are held out: they are
// in no task, and the report shows what the network makes of them.
package digits

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/meta-optimization/l2l-mpi/l2l/schema"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// Type describes the optimizee for the catalogue.
var Type = optimizee.Type{
	Name:  "digits",
	Title: "Perceptron that reads handwritten digits of 8×8 pixels",
	Doc: "A perceptron with one hidden layer reads handwritten digits of 8×8 pixels; " +
		"the parameters are its weights, the fitness is its cross-entropy on a " +
		"mini-batch of the training images, and the model outputs are its class probabilities. Instance i is mini-batch i. The report shows the " +
		"accuracy on all training images and on images that are held out.",
	Reference: "Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, " +
		"UCI Machine Learning Repository, doi 10.24432/C50P49 (CC BY 4.0), as " +
		"distributed with scikit-learn",
	New: func() optimizee.Optimizee { return &Digits{Hidden: 16, Batch: 100} },
}

const (
	pixels  = 64
	classes = 10
	heldOut = 450 // the last images: a quarter, in part of writers who wrote none of the others
)

// Digits is the optimizee. Its configuration is read by Open, which must come before all other methods.
type Digits struct {
	Hidden int `yaml:"hidden" doc:"units of the hidden layer" range:"[1, 10000]"`
	Batch  int `yaml:"batch" doc:"images in a mini-batch; 0 is all 1,347 training images" range:"[0, 1347]"`

	train, test []image
	net         *network
	epoch       int   // whose order is below; −1: none yet
	order       []int // of the training images, from which mini-batches are cut
}

var (
	_ optimizee.Opener   = (*Digits)(nil)
	_ optimizee.Modeller = (*Digits)(nil)
	_ optimizee.Reporter = (*Digits)(nil)
	_ optimizee.Tester   = (*Digits)(nil)
)

// image is a digit with its grey values, 0 to 1, row by row.
type image struct {
	digit int
	grey  [pixels]float64
}

//go:embed data/digits.csv.gz
var compressed []byte

// images reads all images, once.
var images = sync.OnceValues(func() ([]image, error) { return parse(bytes.NewReader(compressed)) })

func parse(r io.Reader) ([]image, error) {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(zipped)
	rows.FieldsPerRecord = 1 + pixels
	var all []image
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var im image
		for i, cell := range row {
			v, err := strconv.Atoi(cell)
			switch {
			case err != nil:
				return nil, err
			case i == 0:
				im.digit = v
			default:
				im.grey[i-1] = float64(v) / 16
			}
		}
		all = append(all, im)
	}
}

// Open reads the images.
func (d *Digits) Open() error {
	if err := schema.Check("", d); err != nil {
		return fmt.Errorf("digits: %w", err)
	}
	all, err := images()
	if err != nil {
		return fmt.Errorf("digits: the embedded images: %w", err)
	}
	d.train, d.test = all[:len(all)-heldOut], all[len(all)-heldOut:]
	d.net, d.epoch = newNetwork(d.Hidden), -1
	return nil
}

// Close does nothing.
func (d *Digits) Close() error { return nil }

// Space is the weights of the two layers, a row for each unit, its bias first. They start as normal numbers that keep the units' inputs
// near one (LeCun et al. 1998, Efficient BackProp, section 4.6), and have no bounds.
func (d *Digits) Space() optimizee.Space {
	layer := func(name string, size, in int, doc string) optimizee.Parameter {
		return optimizee.Parameter{
			Name: name, Size: size, Lower: math.Inf(-1), Upper: math.Inf(1), Std: 1 / math.Sqrt(float64(in)),
			Doc: doc,
		}
	}
	return optimizee.Space{
		layer("hidden", d.net.hiddenWeights(), 1+pixels, "from the pixels to the hidden layer, a row per unit, its bias first"),
		layer("output", d.net.outputWeights(), 1+d.Hidden, "from the hidden layer to the digits, a row per digit, its bias first"),
	}
}

// Objectives is the cross-entropy, in nats per image.
func (d *Digits) Objectives() []optimizee.Objective {
	return []optimizee.Objective{{Name: "cross_entropy", Direction: optimizee.Minimise, Unit: "nat"}}
}

// NumOutputs is ten for each image of a mini-batch.
func (d *Digits) NumOutputs() int { return classes * d.batch() }

func (d *Digits) batch() int {
	if d.Batch == 0 {
		return len(d.train)
	}
	return d.Batch
}

// minibatch lists the training images of an instance: each epoch goes through them in another order, and leaves out the few that do not fill a
// mini-batch.
func (d *Digits) minibatch(instance int) []int {
	per := len(d.train) / d.batch()
	if epoch := instance / per; epoch != d.epoch {
		d.epoch, d.order = epoch, rand.New(rand.NewPCG(uint64(epoch), 0)).Perm(len(d.train))
	}
	return d.order[instance%per*d.batch():][:d.batch()]
}

// Evaluate classifies the images of a mini-batch. Outputs are the probabilities of the ten digits, image by image; targets are 1 for the digit
// that it is, and 0 for the others.
func (d *Digits) Evaluate(ctx context.Context, e optimizee.Evaluation) (optimizee.Outcome, error) {
	hidden, output := e.Vector("hidden"), e.Vector("output")
	out := optimizee.Outcome{Outputs: make([]float64, d.NumOutputs()), Targets: make([]float64, d.NumOutputs())}
	loss := 0.0
	for i, at := range d.minibatch(e.Instance) {
		if err := ctx.Err(); err != nil {
			return optimizee.Outcome{}, err
		}
		im := &d.train[at]
		p := out.Outputs[i*classes:][:classes]
		d.net.classify(hidden, output, &im.grey, p)
		out.Targets[i*classes+im.digit] = 1
		loss -= math.Log(max(p[im.digit], math.SmallestNonzeroFloat64))
	}
	out.Fitness = []float64{loss / float64(d.batch())}
	return out, nil
}

// Report writes how many images the network reads correctly.
func (d *Digits) Report(_ context.Context, e optimizee.Evaluation, w io.Writer) error {
	fmt.Fprintf(w, "%-16s %8s %8s %10s\n", "images", "correct", "of", "accuracy")
	for _, s := range d.read(e.Params) {
		fmt.Fprintf(w, "%-16s %8d %8d %10.4f\n", s.name, s.correct, s.of, float64(s.correct)/float64(s.of))
	}
	return nil
}

// Test implements optimizee.Tester, by the same counts.
func (d *Digits) Test(_ context.Context, found optimizee.Found, _, _ io.Writer) (scores optimizee.Scores, err error) {
	for _, s := range d.read(found.Params) {
		scores = append(scores, optimizee.Score{Of: s.name, Name: "correct", Value: float64(s.correct)},
			optimizee.Score{Of: s.name, Name: "images", Value: float64(s.of)},
			optimizee.Score{Of: s.name, Name: "accuracy", Value: float64(s.correct) / float64(s.of)})
	}
	return scores, nil
}

// count is how many images of a set a network reads correctly.
type count struct {
	name        string
	correct, of int
}

// read has a network read all images.
func (d *Digits) read(p optimizee.Params) []count {
	hidden, output := p.Vector("hidden"), p.Vector("output")
	return []count{
		{"training", d.correct(d.train, hidden, output), len(d.train)}, {"held out", d.correct(d.test, hidden, output), len(d.test)},
	}
}

// correct counts the images whose digit has the largest probability.
func (d *Digits) correct(images []image, hidden, output []float64) int {
	n := 0
	var p [classes]float64
	for i := range images {
		d.net.classify(hidden, output, &images[i].grey, p[:])
		best := 0
		for k := range p {
			if p[k] > p[best] {
				best = k
			}
		}
		if best == images[i].digit {
			n++
		}
	}
	return n
}
