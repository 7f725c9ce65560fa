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

// number is a value in as many digits as people read.
func number(v float64) string { return fmt.Sprintf("%.6g", v) }

// block is a part of the overview: texts on the left, and a chart on the right, which is as high as there is room.
type block struct {
	name      string
	texts     []string // what matters most first
	values    []float64
	low, high float64 // of the axis; NaN where the values say
	least     int     // rows
	weight    int     // how much more it gets of further rows
}

// overview is the first page, in as many rows as there are.
func (m *Model) overview(width, height int) []Line {
	out := m.progressLines(width)
	bottom := m.failureLines(width)
	blocks := m.blocks()
	room := height - len(out) - len(bottom)
	for ; room < 0 && len(bottom) > 1; room++ {
		bottom = bottom[:len(bottom)-1]
	}
	used := 0
	for i, b := range blocks { // those that say least are last
		if used += b.least; used > room {
			blocks = blocks[:i]
			used -= b.least
			break
		}
	}
	rows := make([]int, len(blocks))
	for i, b := range blocks {
		rows[i] = b.least
	}
	const highest = 8
	for free := room - used; free > 0; {
		given := free
		for i, b := range blocks {
			if n := min(b.weight, free, highest-rows[i]); n > 0 && (len(b.values) > 0 || rows[i] < len(b.texts)) {
				rows[i] += n
				free -= n
			}
		}
		if given == free {
			break
		}
	}
	space := room - sum(rows) // a line between the blocks, where all of them can have one
	gaps := len(blocks) > 0 && space >= len(blocks)
	for i, b := range blocks {
		if gaps {
			out = append(out, Line{})
		}
		out = append(out, b.lines(width, rows[i])...)
	}
	if gaps && space > len(blocks) {
		out = append(out, Line{})
	}
	return append(out, bottom...)
}

func sum(rows []int) (n int) {
	for _, r := range rows {
		n += r
	}
	return n
}

// nameColumns is how wide the names of blocks are.
const nameColumns = 12

// lines are the block in just so many rows.
func (b block) lines(width, rows int) []Line {
	left := min(max(width*45/100, 37), 64)
	right := max(width-left-2, 0)
	charts := chart(b.values, right, rows, b.low, b.high)
	texts := b.texts
	if rows < len(texts) { // what has no line of its own is said as far as there is room
		last := texts[rows-1]
		for _, t := range texts[rows:] {
			if columns(last)+2+columns(t) <= left-nameColumns {
				last += ", " + t
			}
		}
		texts = append(slices.Clone(texts[:rows-1]), last)
	}
	var out []Line
	for i := range rows {
		var l Line
		name := ""
		if i == 0 {
			name = b.name
		}
		l = append(l, Span{" " + pad(name, nameColumns-1, false), Faint})
		text, style := "", Plain
		if i < len(texts) {
			text = texts[i]
		}
		if i == 0 {
			style = Strong
		}
		l = append(l, Span{pad(text, max(left-nameColumns, 1), false) + " ", style})
		if i < len(charts) {
			l = append(l, Span{charts[i], Good})
		}
		out = append(out, l)
	}
	return out
}

// progressLines say how far the run has come.
func (m *Model) progressLines(width int) []Line {
	p := m.Progress()
	text, style := "", Strong
	switch m.status.State {
	case report.Running:
		rule := ""
		for _, name := range []string{"generations", "evaluations", "wall_time"} {
			l := m.course.Limits(m.course.Elapsed(m.now, m.status.State), m.live)[name]
			if l.Whole > 0 && min(l.Now/l.Whole, 1) == p.Done {
				rule = fmt.Sprintf(" of %.0f %s", l.Whole, name)
				if name == "wall_time" {
					rule = " of its wall time"
				}
			}
		}
		if p.Done > 0 || rule != "" {
			text = fmt.Sprintf(" %.0f %%%s, ETA %s", math.Floor(100*p.Done), rule, p.ETA())
		} else {
			text = " no end is known"
		}
	default:
		text = " " + string(m.status.State)
		if r := strings.TrimPrefix(m.status.Reason, text[1:]+": "); r != "" && r != text[1:] {
			text += ": " + clean(l2l.Headline(r))
		}
		if m.status.Resumable {
			style = Warning
			text += "; go on with --resume"
		}
		if m.status.State == report.Failed {
			style = Warning
		}
	}
	least := 12
	bar := min(max(width-columns(text)-2, least), 60)
	out := []Line{{{" " + report.Bar(p.Done, bar), Good}, {text, style}}}
	if columns(text)+bar+1 > width {
		out = append([]Line{{{" " + report.Bar(p.Done, max(width-2, 1)), Good}}}, rowsOf(style, prefixed(" ", wrap(text[1:], width-1))...)...)
	}
	parts := []string{report.Count(p.Generation, "generation"), report.Count(p.Evaluations, "evaluation")}
	if p.Phase != "" {
		parts = append([]string{p.Phase}, parts...)
	}
	if m.course.Individuals != p.Evaluations {
		parts = append(parts, report.Count(m.course.Individuals, "individual"))
	}
	if p.Failures > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", p.Failures))
	}
	if p.Front > 0 {
		parts = append(parts, fmt.Sprintf("%d on the front", p.Front))
	}
	took := "for"
	if m.course.Sessions > 1 {
		took = "this session for"
	}
	parts = append(parts, took+" "+report.DurationText(m.course.Elapsed(m.now, m.status.State)))
	for _, text := range wrap(strings.Join(parts, " · "), width-2) {
		out = append(out, Line{{" " + text, Plain}})
	}
	return out
}

func prefixed(prefix string, texts []string) []string {
	for i := range texts {
		texts[i] = prefix + texts[i]
	}
	return texts
}

// blocks are the parts of the overview, the most important first.
func (m *Model) blocks() []block {
	var out []block
	rules := m.course.Rules()
	nan := math.NaN()
	single := rules.Sum || len(rules.Objectives) == 1
	best := m.course.Best()
	for k, o := range rules.Objectives {
		b := block{values: m.best[k].values(), low: nan, high: nan, least: 1, weight: 2}
		b.name = "best"
		value := "none has succeeded yet"
		if !math.IsNaN(m.each[k]) {
			value = report.FitnessText(rules.Objectives[k:k+1], m.each[k:k+1])
		}
		b.texts = append(b.texts, clean(value))
		if k > 0 {
			b.name = ""
		}
		if single && k == 0 && best != nil {
			b.texts = append(b.texts, fmt.Sprintf("individual %d, gen %d", best.ID, best.Generation))
		} else {
			b.texts = append(b.texts, fmt.Sprintf("to %v", o.Direction))
		}
		out = append(out, b)
	}
	p, elapsed := m.Progress(), m.elapsed()
	rate := block{name: "rate", texts: []string{report.Rate(p.PerSecond)}, values: m.rate.rates(elapsed), low: nan, high: nan, least: 1, weight: 1}
	rate.low, rate.high = axis(rate.values, 0)
	if m.status.State == report.Running && m.course.Results > 0 {
		rate.texts = append(rate.texts, fmt.Sprintf("last result %s ago", report.DurationText(max(m.now.Sub(time.UnixMicro(m.course.LastAt)), 0))))
	}
	out = append(out, rate)
	_, slots := m.ranks()
	room := 0
	for _, n := range slots {
		room += n
	}
	room = max(room, m.course.Begun.Slots)
	busy := block{name: "busy", low: 0, high: 1, least: 1, weight: 1}
	course, seconds := m.busyNow(elapsed)
	for _, v := range course.rates(elapsed) {
		busy.values = append(busy.values, v/float64(max(room, 1)))
	}
	share := 0.0
	if elapsed > 0 {
		share = min(seconds/elapsed/float64(max(room, 1)), 1)
	}
	busy.texts = append(busy.texts, fmt.Sprintf("%.0f %% of %s", 100*share, report.Count(int64(room), "slot")))
	if ranks := len(m.course.Begun.Hosts); ranks > 0 {
		text := report.Count(int64(ranks), "rank")
		if hosts := len(slices.Compact(slices.Sorted(slices.Values(m.course.Begun.Hosts)))); hosts > 1 {
			text += fmt.Sprintf(" on %d hosts", hosts)
		}
		busy.texts = append(busy.texts, text)
	}
	out = append(out, busy)
	if m.live != nil {
		text := fmt.Sprintf("%d", m.live.UnderWay)
		if p.Longest >= report.Slow {
			text += ", the longest " + report.DurationText(p.Longest)
		}
		b := block{name: "under way", texts: []string{text}, least: 1}
		if n := len(m.live.Lost); n > 0 {
			b.texts = append(b.texts, fmt.Sprintf("%s not answering", report.Count(int64(n), "rank")))
			b.least = 2
		}
		out = append(out, b)
	}
	const most = 6
	for _, f := range m.figures[:min(len(m.figures), most)] {
		b := block{name: f.name, texts: []string{fmt.Sprintf("%.4g", f.last)}, values: f.values(), low: nan, high: nan, least: 1, weight: 1}
		if !slices.ContainsFunc(b.values, func(v float64) bool { return v != f.last && !math.IsNaN(v) }) {
			b.values = nil // it does not change
		}
		out = append(out, b)
	}
	return out
}

// axis is one for values from low on.
func axis(values []float64, low float64) (float64, float64) {
	high := low
	for _, v := range values {
		high = max(high, v)
	}
	return low, high
}

// failureLines say what failed last.
func (m *Model) failureLines(width int) (out []Line) {
	n := len(m.failures.recent)
	if n == 0 {
		return nil
	}
	last := m.failures.recent[n-1]
	ago := report.DurationText(max(m.now.Sub(time.UnixMicro(last.At)), 0))
	text := fmt.Sprintf("%s failed; the last %s ago: %s", report.Count(m.failures.count, "evaluation"), ago, reasonOf(last.Result))
	const most = 2
	all := wrap(text, width-2)
	if len(all) > most {
		all = append(all[:most-1], cut(strings.Join(all[most-1:], " "), width-2))
	}
	for _, t := range all {
		out = append(out, Line{{" " + t, Warning}})
	}
	return out
}

// reasonOf is why an evaluation failed, on one line.
func reasonOf(r l2l.Result) string {
	if r.Reason == "" {
		return r.Ending.String()
	}
	return r.Reason
}
