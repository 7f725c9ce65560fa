package figure

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// perDecade is how many intervals of evaluation times a power of ten has.
const perDecade = 8

func timeBin(seconds float64) int { return int(math.Floor(math.Log10(seconds) * perDecade)) }

// times are how long evaluations took, by how they ended.
func times(d *Data) *Figure {
	p := Panel{X: Axis{Label: "Time of an evaluation", Unit: "s", Log: true}, Y: Axis{Label: "Evaluations", Whole: true}}
	floor := map[int]float64{} // of the bars, which stand on each other
	tone := map[l2l.Ending]Tone{l2l.OK: Main, l2l.Failed: Second, l2l.TimedOut: Third, l2l.Lost: Fourth}
	for _, ending := range slices.Sorted(maps.Keys(d.times)) {
		s := Series{Mark: Rects, Name: ending.String(), Tone: tone[ending]}
		for _, bin := range slices.Sorted(maps.Keys(d.times[ending])) {
			n := float64(d.times[ending][bin])
			s.X, s.X2 = append(s.X, math.Pow(10, float64(bin)/perDecade)), append(s.X2, math.Pow(10, float64(bin+1)/perDecade))
			s.Y, s.Y2 = append(s.Y, floor[bin]), append(s.Y2, floor[bin]+n)
			s.Text = append(s.Text, count(int64(n), "evaluation"))
			floor[bin] += n
		}
		p.Series = append(p.Series, s)
	}
	if len(p.Series) == 0 {
		return nil
	}
	p.fit()
	unit, scale := hours(d.Seconds)
	caption := fmt.Sprintf("How long the %s took, by how they ended; together %s %s", count(d.Evaluations, "evaluation"), short(d.Seconds/scale), unit)
	if d.Wasted > 0 {
		caption += fmt.Sprintf(", of which %s %% went to evaluations that failed", short(100*d.Wasted/d.Seconds))
	}
	return newFigure("times", "Times of evaluations", caption+".", 1, p)
}

// The most slots that a timeline has rows for, and intervals of time that it is divided in.
const (
	maxSlots   = 48
	maxMoments = 240
)

// busy is how busy each slot was over time, in intervals as narrow as their number allows.
type busy struct {
	width float64 // of an interval, in seconds
	rows  map[slot][]float64
	spans []span // nil once there are too many to be drawn one by one
	many  bool
}

type slot struct{ rank, slot int }

type span struct {
	slot
	from, to float64
	ok       bool
}

func newBusy() *busy { return &busy{width: 1e-4, rows: map[slot][]float64{}} }

func (b *busy) add(rank, in int, from, to float64, ok bool) {
	for to >= b.width*maxMoments {
		b.width *= 2
		for key, row := range b.rows {
			half := make([]float64, (len(row)+1)/2)
			for i, v := range row {
				half[i/2] += v
			}
			b.rows[key] = half
		}
	}
	key := slot{rank, in}
	row := b.rows[key]
	for i := int(from / b.width); i <= int(to/b.width); i++ {
		for len(row) <= i {
			row = append(row, 0)
		}
		row[i] += max(0, min(to, float64(i+1)*b.width)-max(from, float64(i)*b.width))
	}
	b.rows[key] = row
	if b.many = b.many || len(b.spans) >= maxRows; b.many {
		b.spans = nil
		return
	}
	b.spans = append(b.spans, span{key, from, to, ok})
}

// slotsInOrder are the slots by rank.
func (b *busy) slotsInOrder() []slot {
	return slices.SortedFunc(maps.Keys(b.rows), func(x, y slot) int {
		return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.slot, y.slot))
	})
}

// utilisation is how many slots were busy.
func utilisation(d *Data) *Figure {
	b := d.slots
	if len(b.rows) == 0 || d.Elapsed <= 0 {
		return nil
	}
	unit, scale := hours(d.Elapsed)
	var sum Numbers
	for _, row := range b.rows {
		for i, v := range row {
			for len(sum) <= i {
				sum = append(sum, 0)
			}
			sum[i] += v / b.width
		}
	}
	sum[len(sum)-1] *= b.width / max(d.Elapsed-float64(len(sum)-1)*b.width, b.width*1e-3) // it ended within the last interval
	s := Series{Mark: Steps, Name: "busy", Tone: Main}
	most := 0
	for _, session := range d.Sessions {
		most = max(most, session.Begun.Slots)
	}
	for i, v := range sum {
		if most > 0 {
			v = min(v, float64(most)) // results that were taken in late appear to have overlapped
		}
		s.X, s.Y = append(s.X, float64(i+1)*b.width/scale), append(s.Y, v)
	}
	s.X[len(s.X)-1] = d.Elapsed / scale
	p := Panel{X: Axis{Label: "Time", Unit: unit}, Y: Axis{Label: "Busy slots", Whole: true}, Series: []Series{s}}
	of := 0.0
	have := Series{Mark: Steps, Name: "slots", Tone: Quiet}
	for i, session := range d.Sessions {
		end := d.Elapsed
		if i+1 < len(d.Sessions) {
			end = d.Sessions[i+1].From
		}
		of += float64(session.Begun.Slots) * (end - session.From)
		have.X, have.Y = append(have.X, session.From/scale, end/scale), append(have.Y, float64(session.Begun.Slots), float64(session.Begun.Slots))
	}
	if most > 0 {
		p.Series = append(p.Series, have)
	}
	p.Series = append(p.Series, d.sessionRules(scale))
	p.fit()
	p.Y.Min = 0
	caption := "How many evaluations were under way, on average over short intervals, by when their results were taken in."
	if of > 0 {
		caption = fmt.Sprintf("How many of the %s were busy, on average over short intervals, by when results were taken in; over the "+
			"whole run they were busy for %.3g %% of their time.", count(most, "slot"), 100*report.Busy(d.Seconds, of))
	}
	return newFigure("utilisation", "Utilisation", caption+d.gaps(), 1, p)
}

// gaps says what is left out of the time.
func (d *Data) gaps() string {
	if len(d.Sessions) < 2 {
		return ""
	}
	return fmt.Sprintf(" The time is that of the %d sessions of the run, without what was between them.", len(d.Sessions))
}

// sessionRules are where the run was resumed.
func (d *Data) sessionRules(scale float64) Series {
	s := Series{Mark: Rules, Name: "resumed", Tone: Third}
	for i, session := range d.Sessions {
		if i > 0 {
			s.X, s.Text = append(s.X, session.From/scale), append(s.Text, fmt.Sprintf("session %d begins", i+1))
		}
	}
	return s
}

// timeline is what each slot did when.
func timeline(d *Data) *Figure {
	b := d.slots
	if len(b.rows) == 0 || d.Elapsed <= 0 {
		return nil
	}
	unit, scale := hours(d.Elapsed)
	order := b.slotsInOrder()
	shown := order[:min(len(order), maxSlots)]
	at := map[slot]float64{}
	var names []string
	several := slices.ContainsFunc(order, func(s slot) bool { return s.slot > 0 })
	for i, key := range shown {
		at[key] = float64(i)
		name := fmt.Sprintf("rank %d", key.rank)
		if several {
			name += fmt.Sprintf(", slot %d", key.slot)
		}
		names = append(names, name)
	}
	p := Panel{X: Axis{Label: "Time", Unit: unit}, Y: Axis{Names: names}}
	caption := "What each slot did when: a bar is an evaluation."
	if b.many {
		caption = "How busy each slot was, on average over short intervals."
		cells := Series{Mark: Rects}
		for _, key := range shown {
			for i, v := range b.rows[key] {
				from, to := float64(i)*b.width, min(float64(i+1)*b.width, d.Elapsed)
				if v <= 0 || to <= from {
					continue
				}
				cells.X, cells.X2 = append(cells.X, from/scale), append(cells.X2, to/scale)
				cells.Y, cells.Y2 = append(cells.Y, at[key]-0.45), append(cells.Y2, at[key]+0.45)
				cells.Value = append(cells.Value, min(1, v/(to-from)))
			}
		}
		p.Series = []Series{cells}
		p.Shade = &Shade{Label: "share of the time", Min: 0, Max: 1}
	} else {
		good, bad := Series{Mark: Rects, Name: "ok", Tone: Main}, Series{Mark: Rects, Name: "failed", Tone: Second}
		for _, s := range b.spans {
			y, ok := at[s.slot]
			if !ok {
				continue
			}
			to := &good
			if !s.ok {
				to = &bad
			}
			to.X, to.X2 = append(to.X, s.from/scale), append(to.X2, s.to/scale)
			to.Y, to.Y2 = append(to.Y, y-0.4), append(to.Y2, y+0.4)
			to.Text = append(to.Text, short(s.to-s.from)+" s")
		}
		p.Series = []Series{good, bad}
	}
	if r := d.sessionRules(scale); len(r.X) > 0 {
		p.Series = append(p.Series, r)
	}
	p.fit()
	p.X.Min = 0
	if more := len(order) - len(shown); more > 0 {
		caption += fmt.Sprintf(" The first %d of %d slots are shown.", len(shown), len(order))
	}
	f := newFigure("timeline", "Timeline of the slots", caption+d.gaps(), 1, p)
	f.Wide = true
	return f
}
