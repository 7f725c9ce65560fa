// Package figure is what a report shows of runs. [Gather] reads a run once; each function of [Kinds] makes of that a [Figure], which says what
// is drawn, on which axes, in which units, and in one sentence what is seen. Packages page and plot draw them, on a screen and in print: each
// figure exists once.
//
// Memory does not grow with the run. Of many individuals a sample is kept, the best ones, and the quantiles of intervals; where a figure
// shows less than all, its caption says so.
package figure

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Figure is one or more panels under a title.
type Figure struct {
	Name    string  `json:"name"` // on a command line
	Title   string  `json:"title"`
	Caption string  `json:"caption"` // one sentence or two: what is seen, and what is left out
	Panels  []Panel `json:"panels"`  // at least one
	Columns int     `json:"columns"` // panels side by side where there is room; at least 1
	Wide    bool    `json:"-"`       // it wants all of a screen's width
}

// Panel is a pair of axes with what is drawn on them, or, instead, many parallel axes.
type Panel struct {
	Title    string    `json:"title,omitempty"`
	X        Axis      `json:"x"`
	Y        Axis      `json:"y"`
	Series   []Series  `json:"series,omitempty"`
	Shade    *Shade    `json:"shade,omitempty"` // what the colours of Series.Value mean
	Parallel *Parallel `json:"parallel,omitempty"`
}

// Axis is an axis, with its limits.
type Axis struct {
	Label string   `json:"label,omitempty"`
	Unit  string   `json:"unit,omitempty"`
	Log   bool     `json:"log,omitempty"`
	Whole bool     `json:"whole,omitempty"` // it counts: its limits and ticks are whole numbers
	Names []string `json:"names,omitempty"` // of 0, 1, 2, …, where the values are such; an axis of Y then runs from top to bottom
	Min   float64  `json:"min"`
	Max   float64  `json:"max"`
}

// Text is the label with the unit.
func (a Axis) Text() string {
	if a.Unit == "" || a.Label == "" {
		return a.Label
	}
	return a.Label + " (" + a.Unit + ")"
}

// Mark is the form in which a series is drawn.
type Mark string

// The marks.
const (
	Line     Mark = "line"     // through (X, Y)
	Steps    Mark = "steps"    // through (X, Y), level up to the next X
	Band     Mark = "band"     // between Y and Y2, over X
	Points   Mark = "points"   // at (X, Y)
	Rects    Mark = "rects"    // from X to X2 and from Y to Y2
	Segments Mark = "segments" // from (X, Y) to (X2, Y2)
	Rules    Mark = "rules"    // vertical, at X
)

// Series are the data of one mark. Slices that the mark uses have the same length. What is not finite is not drawn; a line has a gap there.
type Series struct {
	Mark  Mark     `json:"mark"`
	Name  string   `json:"name,omitempty"` // in the legend; "" is not in it
	Tone  Tone     `json:"tone"`
	X     Numbers  `json:"v,omitempty"`
	Y     Numbers  `json:"w,omitempty"`
	X2    Numbers  `json:"v2,omitempty"`
	Y2    Numbers  `json:"w2,omitempty"`
	Value Numbers  `json:"value,omitempty"` // instead of Tone: a colour of Panel.Shade
	Text  []string `json:"text,omitempty"`  // of each, for who points at it
}

// Tone is a colour, by what it stands for. Colours that colour-blind people tell apart belong to the tones from Main on.
type Tone int

// The tones; those from Main on may be counted up.
const (
	Quiet Tone = iota // of what is in the background
	Main
	Second
	Third
	Fourth
	Fifth
	Sixth
	tones
)

// Nth is a tone for each of many.
func Nth(i int) Tone { return Main + Tone(i)%(tones-Main) }

// Shade is a scale of colours.
type Shade struct {
	Label     string  `json:"label"`
	Unit      string  `json:"unit,omitempty"`
	Min       float64 `json:"min"`
	Max       float64 `json:"max"`
	Diverging bool    `json:"diverging,omitempty"` // from one colour over a neutral one to another; otherwise from dark to light
	Reverse   bool    `json:"reverse,omitempty"`   // the smallest value has the colour that stands out
}

// Parallel are axes side by side, each row a line over all of them.
type Parallel struct {
	Axes []Axis    `json:"axes"`
	Rows []Numbers `json:"rows"` // len(Axes) each, the one to be seen best last
	By   int       `json:"by"`   // the axis whose values colour the rows
	Up   bool      `json:"up"`   // large values of that axis are the good ones
}

// Numbers are written to JSON with as many digits as a chart can show, and null for what is not finite.
type Numbers []float64

// MarshalJSON implements json.Marshaler.
func (n Numbers) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	digits := n.digits()
	for i, v := range n {
		if i > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out = append(out, "null"...)
			continue
		}
		if v == math.Trunc(v) && math.Abs(v) < 1e15 { // counts keep all their digits
			out = strconv.AppendFloat(out, v, 'f', -1, 64)
			continue
		}
		out = strconv.AppendFloat(out, v, 'g', digits, 64)
	}
	return append(out, ']'), nil
}

// digits are five of what the numbers differ in: those of a search that has converged agree in many before. A few marks, or numbers that are all
// the same, may lie among others that differ by as little.
func (n Numbers) digits() int {
	const enough, most = 5, 15
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range n {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	size, width := max(math.Abs(low), math.Abs(high)), high-low
	if len(n) <= 3 || !(width > 0) {
		return most
	}
	return min(max(enough+int(math.Round(math.Log10(size/width))), enough), most)
}

var _ json.Marshaler = Numbers(nil)

// Empty reports whether nothing at all is drawn.
func (f *Figure) Empty() bool {
	for _, p := range f.Panels {
		if p.Parallel != nil && len(p.Parallel.Rows) > 0 {
			return false
		}
		for _, s := range p.Series {
			if len(s.X) > 0 {
				return false
			}
		}
	}
	return true
}

// fit sets the limits of the axes to round values around what is drawn.
func (p *Panel) fit() {
	p.X.fit(p.Series, func(s Series) []Numbers { return []Numbers{s.X, s.X2} })
	p.Y.fit(p.Series, func(s Series) []Numbers { return []Numbers{s.Y, s.Y2} })
}

func (a *Axis) fit(all []Series, of func(Series) []Numbers) {
	if len(a.Names) > 0 {
		a.Min, a.Max = -0.5, float64(len(a.Names))-0.5
		return
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range all {
		for _, n := range of(s) {
			for _, v := range n {
				if !math.IsNaN(v) && !math.IsInf(v, 0) && (v > 0 || !a.Log) {
					low, high = min(low, v), max(high, v)
				}
			}
		}
	}
	a.limit(low, high, 8)
}

// limit sets the limits to round values around two others, of which there are about n within.
func (a *Axis) limit(low, high float64, n int) {
	switch {
	case !(low <= high):
		low, high = 0, 1
		if a.Log {
			low = 0.1
		}
	case a.Log && high < 8*low: // a logarithmic axis would have no ticks
		a.Log = false
		a.limit(low, high, n)
		return
	case low == high && a.Whole:
		low, high = low-1, high+1
	case low == high:
		width := max(math.Abs(low)*0.1, 1e-12)
		low, high = low-width, high+width
	}
	if a.Log {
		a.Min, a.Max = roundLog(low, -1), roundLog(high, 1)
		return
	}
	step := a.Step(high-low, n)
	a.Min, a.Max = math.Floor(low/step+1e-9)*step, math.Ceil(high/step-1e-9)*step
	if math.IsInf(a.Max-a.Min, 0) || a.Min == a.Max { // at the ends of what a float64 holds
		a.Min, a.Max = low, high
	}
}

// Step is the round number of which at most about n make a width of the axis.
func (a Axis) Step(width float64, n int) float64 {
	if a.Whole {
		return max(roundStep(width, n), 1)
	}
	return roundStep(width, n)
}

// roundStep is the round number, 1, 2 or 5 times a power of ten, of which at most about n make a width.
func roundStep(width float64, n int) float64 {
	raw := width / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= raw*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// roundLog is the next of 1, 2 and 5 times a power of ten, below (-1) or above (1).
func roundLog(v float64, side int) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	all := []float64{power, 2 * power, 5 * power, 10 * power}
	if side < 0 {
		slices.Reverse(all)
	}
	for _, r := range all {
		if side < 0 && r <= v*(1+1e-9) || side > 0 && r >= v*(1-1e-9) {
			return r
		}
	}
	return v
}

func newFigure(name, title, caption string, columns int, panels ...Panel) *Figure {
	wide := len(panels) > 1 || panels[0].Parallel != nil
	return &Figure{Name: name, Title: title, Caption: caption, Columns: min(columns, len(panels)), Panels: panels, Wide: wide}
}

// count is a number with its noun: 1 individual, 12,000 individuals.
func count[N int | int64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Thousands(int64(n)) + " " + noun
}

// Thousands is a number with commas between thousands.
func Thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// More says that so many more are not shown.
func More(n int) string {
	if n == 1 {
		return "1 more is not shown"
	}
	return Thousands(int64(n)) + " more are not shown"
}

// Digits is the number of significant digits by which two numbers of a size differ that are so far apart, 1 to 15.
func Digits(size, apart float64) int {
	if !(size > 0 && apart > 0) {
		return 1
	}
	return min(max(int(math.Ceil(math.Log10(size/apart)-1e-9))+1, 1), 15)
}

// short is a number with four digits.
func short(v float64) string { return fmt.Sprintf("%.4g", v) }
