package plot_test

import (
	"bytes"
	"compress/zlib"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/report/figure"
	"github.com/meta-optimization/l2l-mpi/l2l/report/plot"
)

// every is a figure with every mark, each kind of axis, and what cannot be drawn.
func every() *figure.Figure {
	nan := math.NaN()
	axis := func(label string, log bool) figure.Axis {
		return figure.Axis{Label: label, Unit: "µV", Log: log, Min: 1, Max: 100}
	}
	x, y := figure.Numbers{1, 10, 20, 50, 100}, figure.Numbers{2, nan, 30, 1000, 80}
	names := figure.Axis{Names: []string{"one", "two with a name that is much too long for its place", "Δ"}, Min: -0.5, Max: 2.5}
	return &figure.Figure{Name: "every", Title: "Every mark", Caption: "All.", Columns: 2, Panels: []figure.Panel{
		{Title: "lines", X: axis("x", false), Y: axis("y", true), Series: []figure.Series{
			{Mark: figure.Line, Name: "line", Tone: figure.Main, X: x, Y: y}, {Mark: figure.Steps, Name: "steps", Tone: figure.Second, X: x, Y: y},
			{Mark: figure.Band, Name: "band", X: x, Y: y, Y2: figure.Numbers{5, 10, 40, 2000, math.Inf(1)}},
			{Mark: figure.Rules, Name: "rules", Tone: figure.Third, X: figure.Numbers{30, 500}},
		}},
		{X: axis("x", true), Y: names, Shade: &figure.Shade{Label: "v", Min: 0, Max: 1}, Series: []figure.Series{
			{Mark: figure.Rects, Name: "rects", Tone: figure.Fourth, X: figure.Numbers{1, 1}, X2: figure.Numbers{10, 90},
				Y: figure.Numbers{-0.3, 0.7}, Y2: figure.Numbers{0.3, 1.3}},
			{Mark: figure.Segments, Name: "segments", X: figure.Numbers{5}, X2: figure.Numbers{20}, Y: figure.Numbers{2}, Y2: figure.Numbers{2}},
			{Mark: figure.Points, X: x, Y: figure.Numbers{0, 1, 2, 0, nan}, Value: figure.Numbers{0, 0.5, 1, nan, 0}},
		}},
		{X: names, Y: names, Shade: &figure.Shade{Label: "r", Min: -1, Max: 1, Diverging: true}, Series: []figure.Series{
			{Mark: figure.Rects, X: figure.Numbers{-0.5}, X2: figure.Numbers{0.5}, Y: figure.Numbers{0.5}, Y2: figure.Numbers{1.5},
				Value: figure.Numbers{-0.7}},
		}},
		{Parallel: &figure.Parallel{Axes: []figure.Axis{axis("a", true), names, axis("b", false)}, Rows: []figure.Numbers{{1, 0, 5}, {100, 2, 90}}, By: 2}},
	}}
}

func TestPlotWritesEveryMarkInEveryFormat(t *testing.T) {
	var sizes []int
	for _, format := range plot.Formats() {
		var out bytes.Buffer
		if err := plot.Write(&out, every(), format, plot.Column); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		switch format {
		case "svg":
			// Every mark has its colour, and texts are texts, with their font in the file.
			for _, want := range []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "@font-face", "base64,", "µV", "lines", "two with a name"} {
				if !strings.Contains(text, want) {
					t.Errorf("the SVG does not have %q", want)
				}
			}
			for _, bad := range []string{"NaN", "Inf", "http://fonts", "url(http"} {
				if strings.Contains(text, bad) {
					t.Errorf("the SVG has %q", bad)
				}
			}
		case "pdf":
			if !strings.HasPrefix(text, "%PDF") || !strings.Contains(text, "/FontFile2") {
				t.Error("the PDF has no font in it")
			}
		case "png":
			picture, err := png.Decode(&out)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := float64(picture.Bounds().Dx()), plot.Column/25.4*300; math.Abs(got-want) > 2 {
				t.Errorf("the PNG is %v pixels wide, want %v", got, want)
			}
			colours := map[[3]uint32]bool{}
			for y := range picture.Bounds().Dy() {
				for x := range picture.Bounds().Dx() {
					r, g, b, _ := picture.At(x, y).RGBA()
					colours[[3]uint32{r >> 8, g >> 8, b >> 8}] = true
				}
			}
			for _, want := range [][3]uint32{{0, 0x72, 0xb2}, {0xd5, 0x5e, 0}, {0, 0x9e, 0x73}, {0xcc, 0x79, 0xa7}} {
				if !colours[want] {
					t.Errorf("the PNG has no pixel of colour %x", want)
				}
			}
		}
		sizes = append(sizes, len(text))
	}
	for i, n := range sizes {
		if n < 2000 {
			t.Errorf("%s has %d bytes", plot.Formats()[i], n)
		}
	}
}

// TestPDFHasTheColoursAndLettersOfTheFigure reads what a page of the PDF draws: a faint blue is blue, and a unit is not bytes of another encoding.
func TestPlotHasTicksBetweenWholeNumbersOnlyWhereThereIsSomethingBetweenThem(t *testing.T) {
	for _, whole := range []bool{true, false} {
		axis := figure.Axis{Label: "Generation", Whole: whole, Max: 2}
		f := &figure.Figure{Columns: 1, Panels: []figure.Panel{{X: axis, Y: axis, Series: []figure.Series{
			{Mark: figure.Line, X: figure.Numbers{0, 1, 2}, Y: figure.Numbers{0, 1, 2}}}}}}
		var out bytes.Buffer
		if err := plot.Write(&out, f, "svg", plot.Column); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), ">0.5</text>"); got == whole || !strings.Contains(out.String(), ">1</text>") {
			t.Errorf("whole numbers alone: %v, and a tick at 0.5: %v", whole, got)
		}
	}
}

func TestPDFHasTheColoursAndLettersOfTheFigure(t *testing.T) {
	f := &figure.Figure{Panels: []figure.Panel{{
		X: figure.Axis{Label: "current", Unit: "μA", Max: 1}, Y: figure.Axis{Label: "ΔV", Unit: "MΩ²", Max: 1}, Series: []figure.Series{
			{Mark: figure.Band, Name: "…", Tone: figure.Main, X: figure.Numbers{0, 1}, Y: figure.Numbers{0, 0}, Y2: figure.Numbers{1, 1}},
		}}}, Columns: 1}
	var out bytes.Buffer
	if err := plot.Write(&out, f, "pdf", plot.Column); err != nil {
		t.Fatal(err)
	}
	page := ""
	for _, part := range bytes.Split(out.Bytes(), []byte("stream\n")) {
		if z, err := zlib.NewReader(bytes.NewReader(part)); err == nil {
			if text, _ := io.ReadAll(z); bytes.Contains(text, []byte(")Tj")) {
				page += string(text)
			}
		}
	}
	for _, want := range []string{"0.000 0.447 0.698 rg", "current \\(\xb5A\\)", "DeltaV \\(MOhm\xb2\\)", "(\x85)Tj"} {
		if !strings.Contains(page, want) {
			t.Errorf("the PDF does not have %q in\n%q", want, page)
		}
	}
}

func TestPlotRefusesFormatsAndWidthsThatItHasNot(t *testing.T) {
	var out bytes.Buffer
	if err := plot.Write(&out, every(), "gif", 85); err == nil || err.Error() != `plot: format "gif", want svg, png, pdf` {
		t.Error(err)
	}
	for _, width := range []float64{0, -1, math.NaN(), 1e9} {
		if err := plot.Write(&out, every(), "svg", width); err == nil || !strings.Contains(err.Error(), "want 30 to 1000") {
			t.Errorf("width %v: %v", width, err)
		}
	}
}
