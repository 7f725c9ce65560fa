package app

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/meta-optimization/l2l-mpi/optimizee/functions"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// scene is what the picture of an algorithm shows: where its individuals lie.
type scene struct {
	problem     optimizer.Problem
	evaluate    func(x []float64, e *optimizer.Evaluated)
	evaluations int

	at         func(x, loss []float64) [2]float64 // where an individual is drawn
	x, y       string                             // labels of the axes
	box        [4]float64                         // what is drawn: from and to, of each
	ground     func(x, y float64) float64         // loss, drawn as shades; nil where there is none
	front      [][]float64                        // the best there can be, with several objectives
	elites     bool                               // draw the best of each cell, coloured by its loss, instead of all individuals
	posterior  bool                               // draw the first generation and the posterior sample
	answerIsX  bool                               // mark the best
	background string                             // for the caption
}

// sceneOf is the problem that an algorithm is shown on.
func sceneOf(t *testing.T, a optimizer.Algorithm) scene {
	t.Helper()
	function := func(spec functions.Spec) *functions.Function {
		f, err := functions.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	single := func(f *functions.Function) func(x []float64, e *optimizer.Evaluated) {
		return func(x []float64, e *optimizer.Evaluated) { e.Loss = make([]float64, f.Objectives); f.Eval(x, e.Loss) }
	}
	inSpace := func(x, loss []float64) [2]float64 { return [2]float64{x[0], x[1]} }
	switch a.Name {
	case "nsga2", "nsga3", "ibea":
		f := function(functions.Spec{Name: "zdt3", Dim: 2})
		s := scene{problem: optimizer.Box(2, f.Lower, f.Upper), evaluate: single(f), evaluations: 1000,
			at: func(x, loss []float64) [2]float64 { return [2]float64{loss[0], loss[1]} }, x: "first objective", y: "second objective",
			box: [4]float64{-0.05, 1.05, -1, 6}, front: f.Front(200),
			background: "two objectives, both to be minimised (zdt3, of two parameters), whose best compromises are five pieces of a curve, in black"}
		s.problem.Objectives = 2
		return s
	case "map_elites":
		f := function(functions.Spec{Name: "rastrigin", Dim: 3})
		return scene{problem: optimizer.Box(3, f.Lower, f.Upper), evaluate: single(f), evaluations: 10_000, at: inSpace, elites: true, x: "first feature", y: "second feature",
			box: [4]float64{f.Lower, f.Upper, f.Lower, f.Upper}, background: "Rastrigin's function of three parameters, the first two of which are the features"}
	case "enkf", "abc_smc": // outputs have targets
		outputs := func(x []float64, noise func() float64) (out []float64) {
			for i := range 8 {
				out = append(out, x[0]*math.Exp(-float64(i)/2/x[1])+noise())
			}
			return out
		}
		none := func() float64 { return 0 }
		targets := outputs([]float64{3.5, 1.5}, none)
		distance := func(out []float64) float64 { return floats.Distance(out, targets, 2) }
		noise := none
		s := scene{problem: optimizer.Box(2, 0.2, 5), evaluations: 400, at: inSpace, x: "amplitude", y: "time constant", box: [4]float64{0.2, 5, 0.2, 5},
			ground:     func(x, y float64) float64 { return distance(outputs([]float64{x, y}, none)) },
			background: "an exponential decay, whose eight values are to be those of amplitude 3.5 and time constant 1.5"}
		if a.Name == "abc_smc" {
			s.evaluations, s.posterior = 6000, true
			rng := rand.New(rand.NewPCG(1, 1))
			noise = func() float64 { return 0.3 * rng.NormFloat64() }
			s.background = "an exponential decay with noise, whose eight values were those of amplitude 3.5 and time constant 1.5"
		}
		s.evaluate = func(x []float64, e *optimizer.Evaluated) {
			e.Outputs, e.Targets = outputs(x, noise), targets
			e.Loss = []float64{distance(e.Outputs)}
		}
		s.problem.Outputs = len(targets)
		return s
	}
	f := function(functions.Spec{Name: "rastrigin", Dim: 2})
	const lower, upper = -2, 4 // the best of 36 valleys is not in the middle
	s := scene{problem: optimizer.Box(2, lower, upper), evaluate: single(f), evaluations: 240, at: inSpace, x: "first parameter", y: "second parameter",
		box: [4]float64{lower, upper, lower, upper}, answerIsX: true, background: "Rastrigin's function, whose best valley is that at (0, 0)",
		ground: func(x, y float64) float64 { v := []float64{0}; f.Eval([]float64{x, y}, v); return v[0] }}
	if a.Name == "bayes" {
		s.evaluations = 60
	}
	return s
}

// told is an individual that was evaluated.
type told struct {
	x, loss    []float64
	generation int
}

// search runs an algorithm, with its defaults, on the problem of a scene. Of one without generations eight evaluations are under way.
func search(t *testing.T, a optimizer.Algorithm, s scene) (all []told, o optimizer.Optimizer) {
	t.Helper()
	o, err := a.New(s.problem, a.Params(), 1)
	if err != nil {
		t.Fatal(err)
	}
	ahead := 0
	if _, asynchronous := o.(optimizer.Asynchronous); asynchronous {
		ahead = 8
	}
	var underWay []optimizer.Candidate
	for len(all) < s.evaluations && o.Status().Stop == "" {
		more, err := o.Ask(max(0, ahead-len(underWay)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range more {
			underWay = append(underWay, optimizer.Candidate{ID: c.ID, X: slices.Clone(c.X), Generation: o.Status().Generation})
		}
		if len(underWay) == 0 {
			break
		}
		n := len(underWay)
		if ahead > 0 {
			n = 1
		}
		var results []optimizer.Evaluated
		for _, c := range underWay[:n] {
			e := optimizer.Evaluated{ID: c.ID}
			s.evaluate(c.X, &e)
			results, all = append(results, e), append(all, told{c.X, e.Loss, c.Generation})
		}
		if err := o.Tell(results); err != nil {
			t.Fatal(err)
		}
		underWay = underWay[n:]
	}
	return all, o
}

// The colours of generations from the first to the last, which people with any colour vision tell apart, and print keeps the order of.
var ages = []color.NRGBA{
	{0xf0, 0xe4, 0x42, 255}, {0xf5, 0xb5, 0x2e, 255}, {0xf0, 0x80, 0x3c, 255}, {0xd9, 0x4f, 0x5c, 255}, {0xb0, 0x2a, 0x8f, 255}, {0x6a, 0x1b, 0x9a, 255}, {0x1a, 0x0f, 0x6b, 255},
}

// picture draws what an algorithm does, as SVG, and says what is seen. A process has none: what it does is another program's.
func picture(t *testing.T, a optimizer.Algorithm) (drawing []byte, caption string) {
	t.Helper()
	if a.Name == "process" {
		return nil, ""
	}
	s := sceneOf(t, a)
	all, o := search(t, a, s)
	marks := make([][][2]float64, len(ages)) // by colour
	put := func(m told, age float64) {
		at := s.at(m.x, m.loss)
		if at[0] >= s.box[0] && at[0] <= s.box[1] && at[1] >= s.box[2] && at[1] <= s.box[3] {
			i := min(int(age*float64(len(ages))), len(ages)-1)
			marks[i] = append(marks[i], at)
		}
	}
	wide, high := 0.0, 0.0
	if s.elites {
		wide, high = (s.box[1]-s.box[0])/20, (s.box[3]-s.box[2])/20
		best := map[[2]int]told{}
		for _, m := range all {
			at := s.at(m.x, m.loss)
			kind := [2]int{int(20 * (at[0] - s.box[0]) / (s.box[1] - s.box[0])), int(20 * (at[1] - s.box[2]) / (s.box[3] - s.box[2]))}
			if b, ok := best[kind]; !ok || m.loss[0] < b.loss[0] {
				best[kind] = m
			}
		}
		var losses []float64
		for _, m := range best {
			losses = append(losses, m.loss[0])
		}
		slices.Sort(losses)
		for i := range 20 * 20 {
			if m, ok := best[[2]int{i % 20, i / 20}]; ok {
				rank, _ := slices.BinarySearch(losses, m.loss[0])
				m.x = []float64{s.box[0] + wide*(float64(i%20)+0.5), s.box[2] + high*(float64(i/20)+0.5)}
				put(m, 1-float64(rank)/float64(len(losses)))
			}
		}
		caption = fmt.Sprintf("The best individual of each of %d kinds after %d evaluations, by its two features, the better the darker, on %s.", len(best), len(all), s.background)
	} else if s.posterior {
		sample := o.Status().Posterior
		if len(sample) < 50 {
			t.Fatalf("%s: a posterior sample of %d", a.Name, len(sample))
		}
		for _, m := range all[:150] {
			put(m, 0)
		}
		for _, m := range sampled(sample, 150) {
			put(told{x: m.X, loss: m.Loss}, 1)
		}
		caption = fmt.Sprintf("The first individuals (yellow) and the posterior sample after %d evaluations (dark blue), on %s.", len(all), s.background)
	} else {
		last := all[len(all)-1].generation
		shown := all
		most := 250 // as many as can be told apart
		if s.front != nil {
			most = 200 // they lie side by side
		}
		if len(all) > most {
			shown = nil // some of each generation
			for i := range most {
				shown = append(shown, all[i*len(all)/most])
			}
		}
		for i, m := range shown {
			age := float64(m.generation) / float64(max(last, 1))
			if last == 0 { // all are of one generation
				age = float64(i) / float64(len(shown))
			}
			put(m, age)
		}
		of := "from the first generation (yellow) to the last (dark blue)"
		if last == 0 {
			of = "from the first (yellow) to the last (dark blue)"
		}
		caption = fmt.Sprintf("%d individuals, %s, on %s.", len(all), of, s.background)
		if len(shown) < len(all) {
			caption = fmt.Sprintf("%d of %s", len(shown), caption)
		}
	}
	if s.ground != nil {
		caption += " The lighter the ground, the smaller the loss"
		if s.answerIsX {
			caption += "; the cross is the best individual"
		}
		caption += "."
	}

	const side = 82 * vg.Millimeter
	canvas := vgsvg.NewWith(vgsvg.UseWH(side, side))
	p := plot.New()
	family := font.Font{Typeface: "Liberation", Variant: "Sans", Size: 8}
	for axis, label := range map[*plot.Axis]string{&p.X: s.x, &p.Y: s.y} {
		axis.Label.Text, axis.Label.TextStyle.Font, axis.Tick.Label.Font = label, family, family
		axis.Padding = 0
	}
	p.Add(shades{s})
	p.Add(line(s.front))
	for i, m := range marks {
		p.Add(dots{m, ages[i], wide, high})
	}
	if best := o.Status().Best; s.answerIsX && best != nil {
		p.Add(cross(s.at(best.X, best.Loss)))
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = s.box[0], s.box[1], s.box[2], s.box[3]
	p.Draw(draw.Crop(draw.New(canvas), 2, -4, 2, -4))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 32_000 {
		t.Errorf("%s: its picture has %d bytes", a.Name, b.Len())
	}
	return b.Bytes(), caption
}

// sampled are n solutions over the whole sample, which is in the order of losses.
func sampled(sample []optimizer.Weighted, n int) (some []optimizer.Weighted) {
	n = min(n, len(sample))
	for i := range n {
		some = append(some, sample[i*len(sample)/n])
	}
	return some
}

// shades draw the ground: as many pixels are of each shade.
type shades struct{ scene }

func (s shades) Plot(c draw.Canvas, p *plot.Plot) {
	if s.ground == nil {
		return
	}
	const n, levels = 150, 7
	values := make([]float64, n*n)
	for i := range values {
		at := func(k int, from, to float64) float64 { return from + (to-from)*(float64(k)+0.5)/n }
		values[i] = s.ground(at(i%n, s.box[0], s.box[1]), at(n-1-i/n, s.box[2], s.box[3]))
	}
	ranked := slices.Sorted(slices.Values(values))
	var greys color.Palette
	for l := range levels {
		grey := uint8(255 - 15*l)
		greys = append(greys, color.Gray{grey})
	}
	img := image.NewPaletted(image.Rect(0, 0, n, n), greys)
	for i, v := range values {
		rank, _ := slices.BinarySearch(ranked, v)
		img.Pix[i] = uint8(rank * levels / len(values))
	}
	c.DrawImage(vg.Rectangle{Min: c.Min, Max: c.Max}, img)
}

// line is the front.
type line [][]float64

func (l line) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	slices.SortFunc(l, func(a, b []float64) int {
		if a[0] < b[0] {
			return -1
		}
		return 1
	})
	for i := range max(0, len(l)-1) {
		a, b := l[i], l[i+1]
		if b[0]-a[0] < 0.02 { // not over a gap
			c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: 1}, trX(a[0]), trY(a[1]), trX(b[0]), trY(b[1]))
		}
	}
}

// radius of a dot.
const radius = vg.Length(1.7)

// dots are individuals of one colour, or cells: one path, as that is short.
type dots struct {
	at         [][2]float64
	colour     color.Color
	wide, high float64 // of a cell; 0 for a dot
}

func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	var path vg.Path
	for _, at := range d.at {
		centre := vg.Point{X: trX(at[0]), Y: trY(at[1])}
		if d.wide > 0 {
			w, h := trX(d.wide)-trX(0), trY(d.high)-trY(0)
			path.Move(vg.Point{X: centre.X - w/2, Y: centre.Y - h/2})
			path.Line(vg.Point{X: centre.X + w/2, Y: centre.Y - h/2})
			path.Line(vg.Point{X: centre.X + w/2, Y: centre.Y + h/2})
			path.Line(vg.Point{X: centre.X - w/2, Y: centre.Y + h/2})
			path.Close()
			continue
		}
		path.Move(vg.Point{X: centre.X + radius, Y: centre.Y})
		path.Arc(centre, radius, 0, 2*math.Pi)
		path.Close()
	}
	c.SetColor(d.colour)
	c.Fill(path)
}

// cross marks a point.
type cross [2]float64

func (x cross) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	at := vg.Point{X: trX(x[0]), Y: trY(x[1])}
	for _, style := range []draw.LineStyle{{Color: color.White, Width: 2.6}, {Color: color.Black, Width: 1.2}} {
		c.StrokeLine2(style, at.X-5, at.Y, at.X+5, at.Y)
		c.StrokeLine2(style, at.X, at.Y-5, at.X, at.Y+5)
	}
}
