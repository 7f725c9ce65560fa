package watch

import (
	"math"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Style says what a piece of text is; a terminal decides what that looks like. No style says anything that the text does not.
type Style uint8

// The styles.
const (
	Plain   Style = iota
	Faint         // of less interest
	Strong        // a number that people look for
	Title         // the first line
	Chosen        // the page that is shown
	Good          // a bar, a chart
	Warning       // a failure
)

// Span is text of one style.
type Span struct {
	Text string
	Style
}

// Line is a line of a terminal.
type Line []Span

// String is the line's text.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// columns is how wide a text is on a terminal.
func columns(text string) int { return displaywidth.String(text) }

func (l Line) columns() int {
	n := 0
	for _, s := range l {
		n += columns(s.Text)
	}
	return n
}

// cut is a text in at most so many columns, with a sign of what is left out.
func cut(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	if width <= 0 {
		return ""
	}
	head, _ := split(text, width-1)
	return head + "…"
}

// split divides a text after as much as takes so many columns.
func split(text string, width int) (head, rest string) {
	n := 0
	for i, r := range text {
		if n += displaywidth.Rune(r); n > width {
			return text[:i], text[i:]
		}
	}
	return text, ""
}

// pad is a text in just so many columns, the first of which are blank where right is set.
func pad(text string, width int, right bool) string {
	text = cut(text, width)
	blank := strings.Repeat(" ", max(width-columns(text), 0))
	if right {
		return blank + text
	}
	return text + blank
}

// fit is a line in at most so many columns.
func (l Line) fit(width int) Line {
	var out Line
	for _, s := range l {
		n := columns(s.Text)
		if n > width {
			return append(out, Span{cut(s.Text, width), s.Style})
		}
		out, width = append(out, s), width-n
	}
	return out
}

// wrap breaks a text into lines of at most so many columns, at spaces where there are any.
func wrap(text string, width int) (lines []string) {
	width = max(width, 8)
	for columns(text) > width {
		head, _ := split(text, width+1)
		at := strings.LastIndexByte(head, ' ')
		if at < width/3 {
			head, _ = split(text, width)
			at = len(head)
		}
		lines = append(lines, strings.TrimRight(text[:at], " "))
		text = strings.TrimLeft(text[at:], " ")
	}
	return append(lines, text)
}

// clean is a text that a terminal can be shown.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, text)
}

// heights are the blocks that fill an eighth of a row, two of them, … all.
var heights = []rune("▁▂▃▄▅▆▇█")

// chart draws values, NaN for none, as columns of so many rows, at most so many of them, the top row first. The axis goes from low to high; where
// these are NaN, it is that of the values, and logarithmic where they differ by more than ten times.
func chart(values []float64, width, rows int, low, high float64) []string {
	values = resample(values, width)
	if math.IsNaN(low) {
		low, high = math.Inf(1), math.Inf(-1)
		for _, v := range values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				low, high = min(low, v), max(high, v)
			}
		}
		if low > 0 && high > 10*low {
			for i, v := range values {
				values[i] = math.Log(v)
			}
			low, high = math.Log(low), math.Log(high)
		}
	}
	out := make([][]rune, rows)
	for _, v := range values {
		level := 0 // in eighths of a row
		switch part := (v - low) / (high - low); {
		case math.IsNaN(v) || math.IsInf(v, 0):
			level = -1
		case !(high > low):
			level = 4 * rows
		default:
			level = int(math.Round(min(max(part, 0), 1) * float64(8*rows-1)))
		}
		for row := range rows {
			r := ' '
			switch eighths := level + 1 - 8*(rows-1-row); {
			case level < 0:
			case eighths >= 8:
				r = heights[7]
			case eighths > 0:
				r = heights[eighths-1]
			}
			out[row] = append(out[row], r)
		}
	}
	lines := make([]string, rows)
	for i := range out {
		lines[i] = string(out[i])
	}
	return lines
}

// resample has at most n of the values, each the mean of those that it stands for.
func resample(values []float64, n int) []float64 {
	if n <= 0 {
		return nil
	}
	out := make([]float64, min(len(values), n))
	for i := range out {
		sum, count := 0.0, 0
		for _, v := range values[i*len(values)/len(out) : (i+1)*len(values)/len(out)] {
			if !math.IsNaN(v) {
				sum, count = sum+v, count+1
			}
		}
		out[i] = math.NaN()
		if count > 0 {
			out[i] = sum / float64(count)
		}
	}
	return out
}
