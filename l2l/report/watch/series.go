package watch

import "math"

// room is how many cells a series has at most.
const room = 512

// series is the course of a number, in cells of the same width, which doubles when they become too many: however long it is, it takes as much memory.
type series struct {
	width float64 // of a cell
	cells []float64
	sums  bool // a cell is the sum of what was added in it, and else the last of it, NaN where nothing was
}

// add adds a value at a place from 0 on.
func (s *series) add(at, v float64) {
	if !(at >= 0) || math.IsInf(at, 0) {
		return
	}
	for at >= s.width*room {
		s.halve()
	}
	i := int(at / s.width)
	for len(s.cells) <= i {
		if s.sums {
			s.cells = append(s.cells, 0)
		} else {
			s.cells = append(s.cells, math.NaN())
		}
	}
	if s.sums {
		s.cells[i] += v
	} else {
		s.cells[i] = v
	}
}

// spread adds an amount, evenly from one place to another.
func (s *series) spread(from, to, amount float64) {
	from, to = max(from, 0), max(to, 0)
	if !(to > from) {
		s.add(to, amount)
		return
	}
	s.add(to, 0)
	for i := int(from / s.width); i < len(s.cells); i++ {
		part := min(to, float64(i+1)*s.width) - max(from, float64(i)*s.width)
		if part <= 0 {
			break
		}
		s.cells[i] += amount * part / (to - from)
	}
}

func (s *series) halve() {
	half := make([]float64, (len(s.cells)+1)/2)
	for i := range half {
		a := s.cells[2*i]
		if 2*i+1 < len(s.cells) {
			switch b := s.cells[2*i+1]; {
			case s.sums:
				a += b
			case !math.IsNaN(b):
				a = b
			}
		}
		half[i] = a
	}
	s.cells, s.width = half, 2*s.width
}

// rates are the sums for each unit of place, of a course that is known up to end.
func (s *series) rates(end float64) []float64 {
	var out []float64
	for i := range room {
		from := float64(i) * s.width
		width := min(end-from, s.width)
		if width < s.width/2 {
			break // of an unfinished cell nothing can be said yet
		}
		sum := 0.0
		if i < len(s.cells) {
			sum = s.cells[i]
		}
		out = append(out, sum/width)
	}
	return out
}

// values are the last values, where there is none the one before.
func (s *series) values() []float64 {
	var out []float64
	last := math.NaN()
	for _, v := range s.cells {
		if !math.IsNaN(v) {
			last = v
		}
		out = append(out, last)
	}
	return out
}
