package app

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

// How often the progress is shown: by a line that changes on a terminal, by further lines elsewhere.
const (
	screenEvery = 100 * time.Millisecond
	lineEvery   = 5 * time.Second
)

// screen is where people see what goes on: lines that stay, and on a terminal a last line that changes.
type screen struct {
	out    io.Writer
	width  func() int // in columns; nil where no line can change: on no terminal, or a dumb one
	mu     sync.Mutex
	line   string // that is shown; ""
	beside int    // its columns
}

// screen is the standard error, with a last line that changes if it is a terminal that can have one and somebody wants to see it.
func (o runOptions) screen() *screen {
	s := &screen{out: os.Stderr}
	fd := int(os.Stderr.Fd())
	if kind := os.Getenv("TERM"); !o.quiet && term.IsTerminal(fd) && kind != "" && kind != "dumb" {
		s.width = func() int {
			const usual = 80
			width, _, err := term.GetSize(fd)
			if err != nil || width <= 0 {
				return usual
			}
			return width
		}
	}
	return s
}

// progress are the options of a run that show how it is getting on.
func (o runOptions) progress(s *screen) []run.Option {
	switch {
	case o.quiet:
		return nil
	case s.width == nil:
		return []run.Option{run.LogProgress(lineEvery)}
	}
	return []run.Option{run.Watch(screenEvery, s.show)}
}

// Write writes lines that stay above the one that changes.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := s.line
	s.clear()
	n, err := s.out.Write(p)
	if line != "" {
		s.draw(line)
	}
	return n, err
}

// show shows the progress. A terminal that cannot be written to is no reason to end a run.
func (s *screen) show(p run.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const free = 3 // columns: in the last one, some terminals begin a new line, and ^C is shown beside what is there
	line := progressLine(p, s.width()-free)
	s.clear()
	s.draw(line)
}

// end takes the line that changes away.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// clear takes the line away. On a terminal that has become narrower since, it takes several rows. s.mu is held.
func (s *screen) clear() {
	if s.line == "" {
		return
	}
	text := "\r\x1b[J"
	if rows := (s.beside - 1) / max(s.width(), 1); rows > 0 {
		text = fmt.Sprintf("\x1b[%dA", rows) + text
	}
	_, _ = io.WriteString(s.out, text)
	s.line = ""
}

// draw shows a line. s.mu is held.
func (s *screen) draw(line string) {
	s.line, s.beside = line, utf8.RuneCountInString(line)
	_, _ = io.WriteString(s.out, line)
}

// progressLine is the progress in at most so many columns, with a bar where there is room for one.
func progressLine(p run.Progress, columns int) string {
	const least, most = 10, 24 // columns of the bar
	text := p.Line(max(columns, 1))
	room := min(columns-utf8.RuneCountInString(text)-2, most)
	if room < least || p.Done == 0 {
		return text
	}
	return report.Bar(p.Done, room) + "  " + text
}
