package watch

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// parameters is the page with a row for each coordinate.
func (m *Model) parameters(width int) body {
	best := m.course.Best()
	if best != nil && best.X == nil {
		return message(width, "The run records digests of its individuals (output.record), not their parameters.")
	}
	all := m.points.coordinates
	var values []any
	what := "none has succeeded yet"
	if best != nil {
		params, err := m.points.space.Decode(best.X)
		if err != nil {
			return message(width, clean(err.Error()))
		}
		values = params.Flat()
		what = fmt.Sprintf("individual %d", best.ID)
	}
	names, low, high := 9, 5, 5
	for _, c := range all {
		names, low, high = max(names, columns(c.label)), max(low, columns(c.lower)), max(high, columns(c.upper))
	}
	names, low, high = min(names, max(width/4, 9)), min(low, 12), min(high, 12)
	valueColumns := min(22, max(width/4, 12))
	bar := width - names - valueColumns - low - high - 7
	if bar < 8 { // the bounds are left out
		low, high = 0, 0
		bar = max(width-names-valueColumns-4, 0)
	}
	last := m.points.last()
	head := []Line{{{
		" " + pad("parameter", names, false) + " " + pad(what, valueColumns, false) + " " + pad("lower", low, true) + " " +
			pad(fmt.Sprintf("● it  ━ gen %d ± std", last.generation), bar, false) + " " + pad("upper", high, false), Faint,
	}}}
	return body{head, len(all), func(i int) Line {
		c, value := all[i], ""
		if values != nil {
			value = strings.TrimSpace(text(values[i]) + " " + c.unit)
		}
		l := Line{{" " + pad(c.label, names, false) + " ", Plain}, {pad(clean(value), valueColumns, false) + " ", Strong}, {pad(c.lower, low, true) + " ", Faint}}
		place := math.NaN()
		if best != nil {
			place = best.X[i]
		}
		mean, deviation := last.spread(i)
		if c.lower == "" { // choices have no order
			mean = math.NaN()
		}
		return append(l, Span{ruler(c, place, mean-deviation, mean+deviation, bar), Good}, Span{" " + c.upper, Faint})
	}}
}

// text is a value of a parameter.
func text(v any) string {
	if f, ok := v.(float64); ok {
		return number(f)
	}
	return fmt.Sprint(v)
}

// ruler shows where between the bounds of a coordinate a value is, and a range.
func ruler(c coordinate, at, from, to float64, width int) string {
	if width <= 0 {
		return ""
	}
	cells := slices.Repeat([]rune{'─'}, width)
	place := func(v float64) int {
		if c.high <= c.low {
			return 0
		}
		return min(max(int((v-c.low)/(c.high-c.low)*float64(width)), 0), width-1)
	}
	if !math.IsNaN(from) && !math.IsNaN(to) {
		for i := place(from); i <= place(to); i++ {
			cells[i] = '━'
		}
	}
	if !math.IsNaN(at) {
		cells[place(at)] = '●'
	}
	return string(cells)
}

// failed is the page of failures: their kinds, and the last ones.
func (m *Model) failed(width int) body {
	f := &m.failures
	if f.count == 0 {
		return message(width, "No evaluation has failed.")
	}
	var out []Line
	paragraph := func(first string, indent int, style Style, text string) {
		for i, t := range wrap(text, width-indent-1) {
			lead := strings.Repeat(" ", indent)
			if i == 0 {
				lead = pad(first, indent, false)
			}
			out = append(out, Line{{lead, Strong}, {t, style}})
		}
	}
	head := []Line{{{fmt.Sprintf(" %d of %s failed, by reason:", f.count, report.Count(m.course.Results, "evaluation")), Faint}}}
	for _, k := range f.frequent() {
		text := k.reason
		if k.ending != l2l.Failed || text == "" {
			text = strings.TrimSuffix(k.ending.String()+": "+text, ": ")
		}
		paragraph(fmt.Sprintf(" %6d × ", k.count), 10, Plain, text)
	}
	out = append(out, Line{}, Line{{" the last ones first", Faint}})
	for _, r := range slices.Backward(f.recent) {
		where := fmt.Sprintf(" %s ago, individual %d", report.DurationText(max(m.now.Sub(time.UnixMicro(r.At)), 0)), r.Individual)
		if r.Instance > 0 || r.Replicate > 0 || m.course.Rules().Evaluations() > 1 {
			where += fmt.Sprintf(", instance %d, replicate %d", r.Instance, r.Replicate)
		}
		where += fmt.Sprintf(", on rank %d slot %d after %s", r.Rank, r.Slot, seconds(r.Seconds))
		if r.again {
			where += ", to be tried again"
		}
		out = append(out, Line{{where, Faint}})
		text := reasonOf(r.Result)
		if r.Ending != l2l.Failed && r.Reason != "" {
			text = r.Ending.String() + ": " + text
		}
		paragraph("", 5, Warning, text)
	}
	return lines(head, out)
}

// seconds is a time in a unit that gives a number people can read.
func seconds(s float64) string {
	switch {
	case s >= 60:
		return report.DurationText(time.Duration(s * float64(time.Second)))
	case s >= 1:
		return fmt.Sprintf("%.3g s", s)
	case s >= 1e-3:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g µs", s*1e6)
}

// work is the page of ranks and slots.
func (m *Model) work(width int) body {
	ranks, slots := m.ranks()
	elapsed := m.elapsed()
	wide := width >= 78
	share := func(w work, n int) float64 {
		if elapsed <= 0 {
			return 0
		}
		return min(w.seconds/elapsed/float64(n), 1)
	}
	var head []Line
	if m.live != nil && len(m.live.Longest) > 0 {
		var parts []string
		since := max(m.now.Sub(m.written), 0).Seconds()
		const most = 6
		for _, u := range m.live.Longest[:min(len(m.live.Longest), most)] {
			parts = append(parts, fmt.Sprintf("%d for %s", u.Individual, report.DurationText(time.Duration((u.Seconds+since)*float64(time.Second)))))
		}
		text := fmt.Sprintf("%d under way, the longest: individual %s", m.live.UnderWay, strings.Join(parts, ", "))
		for _, t := range wrap(text, width-2) {
			head = append(head, Line{{" " + t, Plain}})
		}
	}
	// Columns: place, host, done, failed, busy as a bar and a number, the last evaluation.
	hosts := 4
	for _, h := range m.course.Begun.Hosts {
		hosts = max(hosts, columns(h))
	}
	hosts = min(hosts, max(width/6, 8))
	const bar, names = 8, 11
	title := pad("", names, false) + " " + pad("host", hosts, false) + " " + pad("ended", 7, true) + " " + pad("failed", 6, true) + " " + pad("busy", 6, true)
	if wide {
		title += strings.Repeat(" ", bar+4) + "the last"
	}
	head = append(head, Line{{title, Faint}})
	type place struct {
		slot
		whole bool // the rank
	}
	var rows []place
	for _, rank := range ranks {
		if slots[rank] > 1 || len(ranks) > 1 {
			rows = append(rows, place{slot{rank, 0}, true})
		}
		if slots[rank] > 1 || len(ranks) == 1 {
			for k := range slots[rank] {
				rows = append(rows, place{slot{rank, k}, false})
			}
		}
	}
	return body{head, len(rows), func(i int) Line {
		r := rows[i]
		var w work
		name, host, n := fmt.Sprintf("   slot %d", r.slot.slot), "", 1
		if r.whole {
			n = slots[r.rank]
			w = m.total(r.rank, n)
			name = fmt.Sprintf(" rank %d", r.rank)
			if r.rank < len(m.course.Begun.Hosts) {
				host = clean(m.course.Begun.Hosts[r.rank])
			}
		} else if at := m.slots[r.slot]; at != nil {
			w = *at
		}
		style := Plain
		if w.failed > 0 {
			style = Warning
		}
		busy := share(w, n)
		l := Line{
			{pad(name, names, false) + " " + pad(host, hosts, false) + " ", Plain}, {pad(fmt.Sprint(w.done), 7, true) + " ", Strong},
			{pad(fmt.Sprint(w.failed), 6, true), style}, {pad(fmt.Sprintf("%.0f %%", 100*busy), 7, true) + "  ", Plain},
		}
		if !wide {
			return l
		}
		last := "nothing yet"
		if m.live != nil && r.whole && slices.Contains(m.live.Lost, r.rank) {
			last = "it does not answer any more"
		} else if w.done > 0 {
			last = fmt.Sprintf("%d %s, %s, %s ago", w.last.Individual, w.last.Ending, seconds(w.last.Seconds),
				report.DurationText(max(m.now.Sub(time.UnixMicro(w.last.At)), 0)))
		}
		return append(l, Span{report.Bar(busy, bar) + "  ", Good}, Span{last, Faint})
	}}
}

// logged is the page of rank 0's log.
func (m *Model) logged(width int) body {
	if len(m.log.lines) == 0 {
		return message(width, "There is no log.")
	}
	var out []Line
	for _, text := range m.log.lines {
		out = append(out, wrapped(logLine(text), width)...)
	}
	return lines(nil, out)
}

// wrapped breaks a line of the log between its words, where it is too long. Its parts begin with a word each.
func wrapped(parts []Line, width int) (out []Line) {
	const indent = 13
	width = max(width, 2*indent)
	now, used := Line{}, 0
	put := func(word Line) {
		n := word.columns()
		if used > 0 && used+1+n > width {
			out = append(out, now)
			now, used = Line{{strings.Repeat(" ", indent-1), Plain}}, indent-1
		}
		now, used = append(append(now, Span{" ", Plain}), word...), used+1+n
	}
	for _, part := range parts {
		last := part[len(part)-1]
		for i, text := range strings.Split(last.Text, " ") {
			head := part[:len(part)-1]
			if i > 0 {
				head = nil
			}
			for {
				beginning, rest := split(text, width-indent-head.columns())
				put(append(slices.Clone(head), Span{beginning, last.Style}))
				if rest == "" || beginning == "" {
					break
				}
				head, text = nil, rest
			}
		}
	}
	return append(out, now)
}
