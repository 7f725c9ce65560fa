package watch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// Page is a view of a run.
type Page int

// The pages.
const (
	Overview Page = iota
	Parameters
	Failures
	Slots
	Log
	pages
)

var pageNames = [pages]string{"overview", "parameters", "failures", "slots", "log"}

// Screen is what somebody looks at: the page, how far it is scrolled, whether help is shown.
type Screen struct {
	Page   Page
	scroll [pages + 1]int // lines that are above what is seen, or, of the log, below it; the last is that of help
	help   bool
	rows   int // that were shown last
	over   int // by how many lines the page is longer
}

// Key is a key that somebody has pressed: a letter, or one of the names below.
type Key string

// Keys without a letter.
const (
	Up, Down, PageUp, PageDown, Home, End Key = "up", "down", "pageup", "pagedown", "home", "end"
	Left, Right                           Key = "left", "right"
	Escape                                Key = "escape"
)

// Press does what a key means. quit is true where it means the end.
func (s *Screen) Press(k Key) (quit bool) {
	if s.help && !slices.Contains(moves, k) && k != "q" {
		s.help = false
		return false
	}
	move := 0
	switch k {
	case "q":
		return true
	case "?", "h":
		s.help, s.scroll[pages] = true, 0
	case "1", "2", "3", "4", "5":
		s.Page = Page(k[0] - '1')
	case Right, "\t", "l":
		s.Page = (s.Page + 1) % pages
	case Left, "backtab":
		s.Page = (s.Page + pages - 1) % pages
	case Up, "k":
		move = -1
	case Down, "j":
		move = 1
	case PageUp, "b":
		move = 1 - max(s.rows, 2)
	case PageDown, " ":
		move = max(s.rows, 2) - 1
	case Home, "g":
		move = -s.over - s.rows
	case End, "G":
		move = s.over + s.rows
	}
	if move == 0 {
		return false
	}
	if s.shown() == Log {
		move = -move // it is seen from its end
	}
	at := &s.scroll[s.shown()]
	*at = min(max(*at+move, 0), max(s.over, 0))
	return false
}

// moves are the keys that scroll.
var moves = []Key{Up, "k", Down, "j", PageUp, "b", PageDown, " ", Home, "g", End, "G"}

// shown is the page that is seen; help is the one after all others.
func (s *Screen) shown() Page {
	if s.help {
		return pages
	}
	return s.Page
}

// body is a page: lines that stay, and lines that are scrolled.
type body struct {
	head []Line
	n    int
	row  func(i int) Line
}

// lines makes a body of lines that are there already.
func lines(head, all []Line) body {
	return body{head, len(all), func(i int) Line { return all[i] }}
}

// message is a body that says one thing.
func message(width int, text string) body {
	return lines([]Line{{}}, rowsOf(Plain, prefixed(" ", wrap(text, width-2))...))
}

// Render is what is seen, on so many columns and rows: at most so many lines, none of which is wider.
func (m *Model) Render(s *Screen, width, height int) []Line {
	out := []Line{m.title(width), m.tabs(s.Page, width)}
	if m.trouble != "" {
		for _, text := range wrap(clean(m.trouble), width-1) {
			out = append(out, Line{{" " + text, Warning}})
		}
	}
	room := max(height-len(out), 0)
	var b body
	switch {
	case s.help:
		b = help(width)
	case m.course.Sessions == 0:
		b = message(width, m.beginning())
	case s.Page == Parameters:
		b = m.parameters(width)
	case s.Page == Failures:
		b = m.failed(width)
	case s.Page == Slots:
		b = m.work(width)
	case s.Page == Log:
		b = m.logged(width)
	default:
		b = lines(nil, m.overview(width, room))
	}
	out = append(out, b.head[:min(len(b.head), room)]...)
	s.rows = max(height-len(out), 0)
	s.over = max(b.n-s.rows, 0)
	if s.over > 0 && s.shown() != Overview && s.rows > 1 { // a line is needed to say so
		s.rows--
		s.over++
	}
	at := min(s.scroll[s.shown()], s.over)
	s.scroll[s.shown()] = at
	if s.shown() == Log {
		at = s.over - at
	}
	shown := min(s.rows, b.n-at)
	for i := range shown {
		out = append(out, b.row(at+i))
	}
	if s.over > 0 && s.shown() != Overview && s.rows > 1 {
		out = append(out, Line{{fmt.Sprintf(" %d to %d of %d; ↑ ↓ PgUp PgDn Home End", at+1, at+shown, b.n), Faint}})
	}
	out = out[:min(len(out), height)]
	for i := range out {
		out[i] = out[i].fit(width)
	}
	return out
}

// beginning says what is so before the first event.
func (m *Model) beginning() string {
	if m.status.State == report.Running {
		return "Nothing has happened yet; its optimizees may still be starting."
	}
	return "Nothing has happened, and nobody is at work on it: it ended while it began."
}

// title is the first line.
func (m *Model) title(width int) Line {
	name := m.course.Name()
	if name == "" {
		name = "run"
	}
	text := fmt.Sprintf(" %s  %s", clean(name), m.state())
	right := clean(m.dir) + " "
	if room := width - columns(text) - 2; columns(right) > room && room > 8 {
		runes := []rune(right)
		right = "…" + string(runes[max(len(runes)-room+1, 0):])
	} else if room <= 8 {
		right = ""
	}
	return Line{{text + strings.Repeat(" ", max(width-columns(text)-columns(right), 0)) + right, Title}}
}

// state is how the run stands, in a few words.
func (m *Model) state() string {
	text := string(m.status.State)
	if m.course.Sessions > 1 {
		text += fmt.Sprintf(", session %d", m.course.Sessions)
	}
	if !m.caughtUp {
		text = fmt.Sprintf("reading its journal, %.0f %%", 100*m.part())
	}
	return text
}

// tabs is the line that names the pages.
func (m *Model) tabs(at Page, width int) Line {
	var l Line
	for p, name := range pageNames {
		text := fmt.Sprintf(" %d %s ", p+1, name)
		if Page(p) == Failures && m.failures.count > 0 && width >= 70 {
			text = fmt.Sprintf(" %d %s (%d) ", p+1, name, m.failures.count)
		}
		style := Faint
		switch {
		case Page(p) == at:
			style = Chosen
			text = "[" + text[1:len(text)-1] + "]"
		case width < 58:
			text = fmt.Sprintf(" %d ", p+1)
		}
		l = append(l, Span{text, style})
	}
	keys := " ? help  q quit "
	if l.columns()+columns(keys) > width {
		keys = " ?  q "
	}
	return append(l, Span{strings.Repeat(" ", max(width-l.columns()-columns(keys), 0)), Plain}, Span{keys, Faint})
}

func help(width int) body {
	var out []Line
	for _, row := range [][2]string{
		{"1 to 5, Tab, ← →", "another page"},
		{"↑ ↓, j k", "scroll by a line"},
		{"PgUp PgDn, b Space", "by a page"},
		{"Home End, g G", "to the beginning, to the end"},
		{"q, Ctrl-C", "quit; the run goes on"},
		{"", ""},
		{"busy", "the part of the slots that was evaluating, in this session; of ranks and slots, what has ended"},
		{"rate", "evaluations that ended for good, in this session"},
		{"under way", "begun and not ended, as far as rank 0 knows"},
		{"a chart", "grows to the right; its scale is that of its own values, logarithmic where they differ by more than ten times, and for rate and busy begins with 0"},
		{"parameters", "● the best individual; ━ the last generation, its mean ± a standard deviation, between the bounds"},
	} {
		for i, text := range wrap(row[1], width-22) {
			key := row[0]
			if i > 0 {
				key = ""
			}
			out = append(out, Line{{" " + pad(key, 20, false), Strong}, {text, Plain}})
		}
	}
	return lines([]Line{{}}, out)
}

// Line is the run on one line, for where lines cannot be changed; with how it stands, unless it goes on.
func (m *Model) Line() string {
	switch {
	case m.trouble != "":
		return clean(m.trouble)
	case m.course.Sessions == 0:
		return m.beginning()
	}
	text := m.Progress().String()
	if m.status.State != report.Running {
		text, _, _ = strings.Cut(text, "  ETA ")
		return string(m.status.State) + "  " + text
	}
	return text
}

// rowsOf are texts, one below the other, of a style.
func rowsOf(style Style, texts ...string) []Line {
	out := make([]Line, len(texts))
	for i, text := range texts {
		out[i] = Line{{text, style}}
	}
	return slices.Clip(out)
}
