package plot

import (
	"image/color"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// pdf is a page of a PDF that has the colours and the letters that it is given: vgpdf takes a colour's parts as they are after they were made
// fainter, and so draws it dark, and text as bytes of the code page 1252.
type pdf struct{ *vgpdf.Canvas }

// SetColor implements vg.Canvas.
func (p pdf) SetColor(c color.Color) {
	if c == nil {
		c = color.Black
	}
	p.Canvas.SetColor(straight(color.NRGBAModel.Convert(c).(color.NRGBA)))
}

// straight is a colour whose parts are not multiplied by its opacity.
type straight color.NRGBA

// RGBA implements color.Color, but for the multiplication.
func (s straight) RGBA() (r, g, b, a uint32) {
	return uint32(s.R) * 0x101, uint32(s.G) * 0x101, uint32(s.B) * 0x101, uint32(s.A) * 0x101
}

// greek are letters of units and names that the code page does not have.
var greek = strings.NewReplacer("μ", "µ", "Ω", "Ohm", "Ω", "Ohm", "α", "alpha", "β", "beta", "γ", "gamma", "δ", "delta", "Δ", "Delta", "ε", "epsilon", "η", "eta",
	"θ", "theta", "κ", "kappa", "λ", "lambda", "ν", "nu", "ρ", "rho", "σ", "sigma", "τ", "tau", "φ", "phi", "ω", "omega", "−", "-", "⁻", "-", "⁰", "0", "⁴", "4")

// FillString implements vg.Canvas.
func (p pdf) FillString(f font.Face, at vg.Point, text string) {
	encoded, err := encoding.ReplaceUnsupported(charmap.Windows1252.NewEncoder()).String(greek.Replace(text))
	if err != nil {
		encoded = text // it is not even text
	}
	p.Canvas.FillString(f, at, encoded)
}
