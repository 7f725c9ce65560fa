package plot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
)

// series draws a series.
type series struct {
	figure.Series
	shade *figure.Shade
	of    *figure.Panel
}

// Plot implements plot.Plotter.
func (s series) Plot(c draw.Canvas, p *plot.Plot) {
	fx, fy := p.Transforms(&c)
	drawn := func(x, y float64) bool {
		return !math.IsNaN(x+y) && !math.IsInf(x+y, 0) && (x > 0 || !s.of.X.Log) && (y > 0 || !s.of.Y.Log)
	}
	colour := tone(s.Tone)
	switch s.Mark {
	case figure.Line, figure.Steps:
		var line []vg.Point
		width := vg.Length(1.1)
		if s.Tone == figure.Quiet {
			width = 0.7
		}
		flush := func() {
			c.StrokeLines(draw.LineStyle{Color: colour, Width: width}, c.ClipLinesXY(line)...)
			line = nil
		}
		for i := range s.X {
			if !drawn(s.X[i], s.Y[i]) {
				flush()
				continue
			}
			at := vg.Point{X: fx(s.X[i]), Y: fy(s.Y[i])}
			if n := len(line); n > 0 && s.Mark == figure.Steps {
				line = append(line, vg.Point{X: at.X, Y: line[n-1].Y})
			}
			line = append(line, at)
		}
		flush()
		if len(s.X) == 1 && drawn(s.X[0], s.Y[0]) {
			c.DrawGlyph(draw.GlyphStyle{Color: colour, Radius: 1.5, Shape: draw.CircleGlyph{}}, vg.Point{X: fx(s.X[0]), Y: fy(s.Y[0])})
		}
	case figure.Band:
		var up, down []vg.Point
		flush := func() {
			for i := len(down) - 1; i >= 0; i-- {
				up = append(up, down[i])
			}
			if len(up) > 2 {
				c.FillPolygon(faded(colour, 0.3), c.ClipPolygonXY(up))
			}
			up, down = nil, nil
		}
		for i := range s.X {
			low, high := s.Y[i], s.Y2[i]
			if s.of.Y.Log {
				low, high = max(low, s.of.Y.Min), max(high, s.of.Y.Min)
			}
			if !drawn(s.X[i], low) || !drawn(s.X[i], high) {
				flush()
				continue
			}
			up, down = append(up, vg.Point{X: fx(s.X[i]), Y: fy(low)}), append(down, vg.Point{X: fx(s.X[i]), Y: fy(high)})
		}
		flush()
	case figure.Points:
		style := draw.GlyphStyle{Color: faded(colour, 0.6), Radius: 1.1, Shape: draw.CircleGlyph{}}
		switch {
		case len(s.X) <= 3:
			style = draw.GlyphStyle{Color: colour, Radius: 2.4, Shape: draw.CircleGlyph{}}
		case len(s.X) > 400:
			style.Radius, style.Color = 0.8, faded(colour, 0.45)
		}
		if s.Tone == figure.Main {
			style.Radius += 0.4 // it is what the others are compared with
		}
		for i := range s.X {
			if !drawn(s.X[i], s.Y[i]) || s.Value != nil && math.IsNaN(s.Value[i]) {
				continue
			}
			at := vg.Point{X: fx(s.X[i]), Y: fy(s.Y[i])}
			if s.Value != nil {
				style.Color = shadeOf(s.shade, s.Value[i])
			}
			if c.Contains(at) {
				c.DrawGlyph(style, at)
			}
		}
	case figure.Rects:
		for i := range s.X {
			if s.Value != nil {
				if math.IsNaN(s.Value[i]) {
					continue
				}
				colour = shadeOf(s.shade, s.Value[i])
			}
			if !drawn(s.X[i], 1) || !drawn(s.X2[i], 1) || math.IsNaN(s.Y[i]+s.Y2[i]) {
				continue
			}
			x0, x1, y0, y1 := fx(s.X[i]), fx(s.X2[i]), fy(s.Y[i]), fy(s.Y2[i])
			c.FillPolygon(colour, c.ClipPolygonXY([]vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}))
		}
	case figure.Segments:
		for i := range s.X {
			if drawn(s.X[i], s.Y[i]) && drawn(s.X2[i], s.Y2[i]) {
				line := []vg.Point{{X: fx(s.X[i]), Y: fy(s.Y[i])}, {X: fx(s.X2[i]), Y: fy(s.Y2[i])}}
				c.StrokeLines(draw.LineStyle{Color: segmentColour(s.Tone), Width: 0.8}, c.ClipLinesXY(line)...)
			}
		}
	case figure.Rules:
		for _, x := range s.X {
			if at := fx(x); c.ContainsX(at) {
				c.StrokeLine2(draw.LineStyle{Color: colour, Width: 0.7, Dashes: []vg.Length{2, 2}}, at, c.Min.Y, at, c.Max.Y)
			}
		}
	}
}

// segmentColour is that of segments, which often lie on something that is coloured: those of the background are black.
func segmentColour(t figure.Tone) color.Color {
	if t == figure.Quiet {
		return ink
	}
	return tone(t)
}

func parallelShade(of *figure.Parallel) *figure.Shade {
	a := of.Axes[of.By]
	s := &figure.Shade{Label: a.Label, Unit: a.Unit, Min: math.Inf(1), Max: math.Inf(-1), Reverse: !of.Up}
	for _, row := range of.Rows {
		s.Min, s.Max = min(s.Min, row[of.By]), max(s.Max, row[of.By])
	}
	return s
}

// parallelPanel draws many axes side by side.
func parallelPanel(p *plot.Plot, of *figure.Parallel, width vg.Length) {
	var names plot.ConstantTicks
	room := int(width / vg.Length(len(of.Axes)) / (0.5 * size)) // letters
	for k, a := range of.Axes {
		name := []rune(a.Text())
		if room := max(room, 16); len(name) > room {
			name = append(name[:room-1], '…')
		}
		names = append(names, plot.Tick{Value: float64(k), Label: string(name)})
	}
	p.X.Tick.Marker = names
	p.X.Tick.Length, p.X.LineStyle.Width = 0, 0
	p.X.Tick.Label.Rotation = math.Pi / 4
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YTop // the names end below the axes
	p.HideY()
	p.Add(lines{of, parallelShade(of)})
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -1, float64(len(of.Axes))-0.6, -0.08, 1.08
}

type lines struct {
	of    *figure.Parallel
	shade *figure.Shade
}

// Plot implements plot.Plotter.
func (l lines) Plot(c draw.Canvas, p *plot.Plot) {
	fx, fy := p.Transforms(&c)
	for _, row := range l.of.Rows {
		line := make([]vg.Point, len(row))
		for k, v := range row {
			a := l.of.Axes[k]
			at := (v - a.Min) / (a.Max - a.Min)
			if a.Log {
				at = math.Log(v/a.Min) / math.Log(a.Max/a.Min)
			}
			line[k] = vg.Point{X: fx(float64(k)), Y: fy(at)}
		}
		c.StrokeLines(draw.LineStyle{Color: faded(shadeOf(l.shade, row[l.of.By]), 0.6), Width: 0.5}, line)
	}
	st := style()
	st.Font.Size = size - 1.5
	st.XAlign = draw.XCenter
	for k, a := range l.of.Axes {
		x := fx(float64(k))
		c.StrokeLine2(draw.LineStyle{Color: color.NRGBA{0x44, 0x44, 0x44, 255}, Width: 0.6}, x, fy(0), x, fy(1))
		low, high := fmt.Sprintf("%.3g", a.Min), fmt.Sprintf("%.3g", a.Max)
		if n := len(a.Names); n > 0 {
			low, high = cut(a.Names[0]), cut(a.Names[n-1])
		}
		st.YAlign = draw.YTop
		c.FillText(st, vg.Point{X: x, Y: fy(0) - 1}, low)
		st.YAlign = draw.YBottom
		c.FillText(st, vg.Point{X: x, Y: fy(1) + 1}, high)
	}
}
