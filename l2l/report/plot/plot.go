// Package plot draws the figures of package figure for print, as SVG, PNG or PDF: one column wide, with fonts embedded, in colours that
// colour-blind people tell apart.
package plot

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
)

// Column is the usual width of one column of a journal, in millimetres.
const Column = 85

// dpi of a PNG, the least that printers ask for pictures with text.
const dpi = 300

// Formats are the formats that Write writes.
func Formats() []string { return []string{"svg", "png", "pdf"} }

// Write writes a figure in one of the formats, so many millimetres wide. Its height follows from its panels.
func Write(w io.Writer, f *figure.Figure, format string, millimetres float64) error {
	if !(millimetres >= 30 && millimetres <= 1000) {
		return fmt.Errorf("plot: width = %v mm, want 30 to 1000", millimetres)
	}
	s := sheetOf(f, vg.Length(millimetres)*vg.Millimeter)
	var canvas interface {
		vg.CanvasWriterTo
		vg.CanvasSizer
	}
	switch format {
	case "svg":
		canvas = vgsvg.NewWith(vgsvg.UseWH(s.width, s.height), vgsvg.EmbedFonts(true))
	case "pdf":
		c := vgpdf.New(s.width, s.height)
		c.EmbedFonts(true)
		canvas = pdf{c}
	case "png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(s.width, s.height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White))}
	default:
		return fmt.Errorf("plot: format %q, want %s", format, strings.Join(Formats(), ", "))
	}
	s.draw(draw.New(canvas))
	_, err := canvas.WriteTo(w)
	return err
}

// palette are Okabe and Ito's colours; the first is that of the background.
var palette = []color.NRGBA{
	{0x8c, 0x97, 0xa5, 255}, {0x00, 0x72, 0xb2, 255}, {0xd5, 0x5e, 0x00, 255}, {0x00, 0x9e, 0x73, 255}, {0xcc, 0x79, 0xa7, 255}, {0xe6, 0x9f, 0x00, 255},
	{0x56, 0xb4, 0xe9, 255},
}

func tone(t figure.Tone) color.NRGBA { return palette[int(t)%len(palette)] }

func faded(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(255 * alpha)
	return c
}

var (
	ramp     = []color.NRGBA{{0xd3, 0xdb, 0xe4, 255}, {0x86, 0xb9, 0xd8, 255}, {0x00, 0x72, 0xb2, 255}, {0x08, 0x30, 0x6b, 255}}
	rampBoth = []color.NRGBA{{0x00, 0x72, 0xb2, 255}, {0xf3, 0xf3, 0xf3, 255}, {0xd5, 0x5e, 0x00, 255}}
)

// shadeOf is the colour of a value.
func shadeOf(s *figure.Shade, v float64) color.NRGBA {
	at := 0.5
	if s.Max > s.Min {
		at = min(max((v-s.Min)/(s.Max-s.Min), 0), 1)
	}
	if s.Reverse {
		at = 1 - at
	}
	colours := ramp
	if s.Diverging {
		colours = rampBoth
	}
	at *= float64(len(colours) - 1)
	i := min(int(at), len(colours)-2)
	mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-at+float64(i)) + float64(b)*(at-float64(i)) + 0.5) }
	a, b := colours[i], colours[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// The sizes of texts, lines and gaps.
const (
	size = vg.Length(7)
	hair = vg.Length(0.5)
	gap  = vg.Length(3)
)

var (
	ink    = color.NRGBA{0x22, 0x22, 0x22, 255}
	family = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
)

func style() text.Style {
	return text.Style{Color: ink, Font: family, Handler: plot.DefaultTextHandler}
}

// sheet is a figure laid out.
type sheet struct {
	figure        *figure.Figure
	width, height vg.Length
	columns       int
	plots         [][]*plot.Plot
	legend        []entry
	legendRows    int
}

// entry is a line of the legend.
type entry struct {
	name  string
	mark  figure.Mark
	tone  figure.Tone
	alpha float64       // of a band
	of    *figure.Shade // instead
}

// The least width of a panel, and the heights of panels of a figure with one and with several.
const (
	leastPanel = 38 * vg.Millimeter
	oneHigh    = 58 * vg.Millimeter
	manyHigh   = 36 * vg.Millimeter
)

func sheetOf(f *figure.Figure, width vg.Length) *sheet {
	s := &sheet{figure: f, width: width}
	s.columns = max(1, min(f.Columns, len(f.Panels), int(width/leastPanel)))
	high := manyHigh
	if len(f.Panels) == 1 {
		high = oneHigh
	}
	for i := range f.Panels {
		if i%s.columns == 0 {
			s.plots = append(s.plots, make([]*plot.Plot, s.columns))
		}
		p := &f.Panels[i]
		s.plots[len(s.plots)-1][i%s.columns] = panel(p, width/vg.Length(s.columns))
		high = max(high, vg.Length(len(p.Y.Names))*size*1.35+12*vg.Millimeter)
	}
	s.entries()
	s.legendRows = s.layLegend(nil)
	s.height = high*vg.Length(len(s.plots)) + vg.Length(s.legendRows)*size*1.4 + 3*gap
	return s
}

func (s *sheet) entries() {
	seen := map[string]bool{}
	for _, p := range s.figure.Panels {
		for _, series := range p.Series {
			if series.Name != "" && len(series.X) > 0 && !seen[series.Name] {
				seen[series.Name] = true
				e := entry{name: series.Name, mark: series.Mark, tone: series.Tone, alpha: 0.3}
				if series.Mark == figure.Band && len(s.legend) > 0 && s.legend[len(s.legend)-1].mark == figure.Band {
					e.alpha = 0.51 // a narrower one lies upon a wider one
				}
				s.legend = append(s.legend, e)
			}
		}
	}
	first := s.figure.Panels[0]
	shade := first.Shade
	if first.Parallel != nil {
		shade = parallelShade(first.Parallel)
	}
	if shade != nil {
		name := figure.Axis{Label: shade.Label, Unit: shade.Unit}.Text()
		digits := max(3, 1+figure.Digits(max(math.Abs(shade.Min), math.Abs(shade.Max)), shade.Max-shade.Min))
		s.legend = append(s.legend, entry{name: fmt.Sprintf("%s, %.*g to %.*g", name, digits, shade.Min, digits, shade.Max), of: shade})
	}
}

// layLegend draws the legend, or only counts its rows where there is nothing to draw on.
func (s *sheet) layLegend(c *draw.Canvas) (rows int) {
	if len(s.legend) == 0 {
		return 0
	}
	st := style()
	const key = vg.Length(14)
	x := vg.Length(0)
	room := s.width - 2*gap
	rows = 1
	for _, e := range s.legend {
		wide := key + 3 + st.Width(e.name) + 8
		if x > 0 && x+wide > room {
			x, rows = 0, rows+1
		}
		if c != nil {
			y := c.Max.Y - (vg.Length(rows)-0.5)*size*1.4
			e.draw(c, c.Min.X+x, y, key)
			t := st
			t.YAlign = draw.YCenter
			c.FillText(t, vg.Point{X: c.Min.X + x + key + 3, Y: y}, e.name)
		}
		x += wide
	}
	return rows
}

func (e entry) draw(c *draw.Canvas, x, y, wide vg.Length) {
	fill := func(colour color.Color, x0, x1, half vg.Length) {
		c.FillPolygon(colour, []vg.Point{{X: x0, Y: y - half}, {X: x1, Y: y - half}, {X: x1, Y: y + half}, {X: x0, Y: y + half}})
	}
	switch {
	case e.of != nil:
		const parts = 14
		for i := range parts {
			v := e.of.Min + (e.of.Max-e.of.Min)*(float64(i)+0.5)/parts
			fill(shadeOf(e.of, v), x+wide*vg.Length(i)/parts, x+wide*vg.Length(i+1)/parts, 2)
		}
	case e.mark == figure.Points:
		c.DrawGlyph(draw.GlyphStyle{Color: tone(e.tone), Radius: 1.8, Shape: draw.CircleGlyph{}}, vg.Point{X: x + wide/2, Y: y})
	case e.mark == figure.Band:
		fill(faded(tone(e.tone), e.alpha), x, x+wide, 2)
	case e.mark == figure.Rects:
		fill(tone(e.tone), x, x+wide, 2)
	case e.mark == figure.Segments:
		c.StrokeLine2(draw.LineStyle{Color: segmentColour(e.tone), Width: 0.8}, x, y, x+wide, y)
	case e.mark == figure.Rules:
		c.StrokeLine2(draw.LineStyle{Color: tone(e.tone), Width: 0.8, Dashes: []vg.Length{2, 2}}, x+wide/2, y-3, x+wide/2, y+3)
	default:
		c.StrokeLine2(draw.LineStyle{Color: tone(e.tone), Width: 1.2}, x, y, x+wide, y)
	}
}

func (s *sheet) draw(c draw.Canvas) {
	c = draw.Crop(c, gap, -gap, gap, -gap)
	if s.legendRows > 0 {
		top := c
		s.layLegend(&top)
		c = draw.Crop(c, 0, 0, 0, -vg.Length(s.legendRows)*size*1.4-gap)
	}
	tiles := draw.Tiles{Rows: len(s.plots), Cols: s.columns, PadX: 2 * gap, PadY: 2 * gap}
	canvases := plot.Align(s.plots, tiles, c)
	for i, row := range s.plots {
		for j, p := range row {
			if p != nil {
				p.Draw(canvases[i][j])
			}
		}
	}
}

// panel is a panel as a plot.
func panel(of *figure.Panel, width vg.Length) *plot.Plot {
	p := plot.New()
	p.Title.Text = of.Title
	p.Title.TextStyle.Font = family
	p.Title.Padding = 2
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 1
		a.LineStyle = draw.LineStyle{Color: ink, Width: hair}
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 2.5
		a.Tick.Label.Font, a.Label.TextStyle.Font = family, family
		a.Tick.Label.Color, a.Label.TextStyle.Color = ink, ink
		a.Label.Padding = 1.5
	}
	if of.Parallel != nil {
		parallelPanel(p, of.Parallel, width)
		return p
	}
	axis(&p.X, of.X, int(width/(24*vg.Millimeter/2))+1)
	axis(&p.Y, of.Y, 5)
	if n := len(of.X.Names); n > 0 && longest(of.X.Names)*vg.Length(n) > width*0.8 {
		p.X.Tick.Label.Rotation = math.Pi / 4
		p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YTop // the names end below the axis
	}
	if len(of.Y.Names) > 0 { // the first is at the top
		p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
	}
	for _, s := range of.Series {
		p.Add(series{s, of.Shade, of})
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = of.X.Min, of.X.Max, of.Y.Min, of.Y.Max
	return p
}

func longest(names []string) (w vg.Length) {
	st := style()
	for _, n := range names {
		w = max(w, st.Width(cut(n))+4)
	}
	return w
}

// cut is the beginning of a long name.
func cut(name string) string {
	if r := []rune(name); len(r) > 24 {
		return string(r[:23]) + "…"
	}
	return name
}

func axis(a *plot.Axis, of figure.Axis, ticks int) {
	a.Label.Text = of.Text()
	switch {
	case len(of.Names) > 0:
		var at plot.ConstantTicks
		for i, name := range of.Names {
			at = append(at, plot.Tick{Value: float64(i), Label: cut(name)})
		}
		a.Tick.Marker = at
		a.Tick.Length = 0
	case of.Log:
		a.Scale = plot.LogScale{}
		a.Tick.Marker = logTicks{ticks}
	default:
		a.Tick.Marker = roundTicks{of, ticks}
	}
}

// roundTicks are at multiples of a round number.
type roundTicks struct {
	of   figure.Axis
	most int
}

func (t roundTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	step := t.of.Step(high-low, t.most)
	for i := math.Ceil(low/step - 1e-9); i <= high/step+1e-9 && len(ticks) < 50; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: tick(i*step, step)})
	}
	return ticks
}

// tick is the label of a round number, whose neighbour is a step away.
func tick(v, step float64) string {
	if v == 0 {
		return "0" // and not -0
	}
	size := math.Abs(v)
	digits := figure.Digits(size, step)
	if size < 1e-3 || size >= 1e5 {
		return strings.NewReplacer("e-0", "e-", "e+0", "e", "e+", "e").Replace(strconv.FormatFloat(v, 'e', digits-1, 64))
	}
	return strconv.FormatFloat(v, 'g', max(6, digits), 64)
}

// logTicks are at powers of ten, with labels on as many of them as there is room for, and, within few decades, at 2 and 5 as well.
type logTicks struct{ most int }

func (t logTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	first, last := int(math.Floor(math.Log10(low)+1e-9)), int(math.Ceil(math.Log10(high)-1e-9))
	each := max(1, (last-first+t.most-1)/max(t.most, 1))
	for d := first; d <= last; d++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, float64(d))
			if v < low*(1-1e-9) || v > high*(1+1e-9) || m > 1 && last-first > 3 {
				continue
			}
			label := ""
			if m == 1 && (d-first)%each == 0 || m > 1 && last-first < 2 {
				label = tick(v, v)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}
