package app

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/meta-optimization/l2l-mpi/l2l/run"
)

func TestScreenKeepsTheProgressBelowWhatStays(t *testing.T) {
	var out bytes.Buffer
	width := 70
	s := &screen{out: &out, width: func() int { return width }}
	wrote := func() string {
		text := out.String()
		out.Reset()
		return text
	}
	p := run.Progress{Generation: 3, Evaluations: 40, PerSecond: 2, Best: "error 1 mV"}
	fmt.Fprintln(s, "begun")
	if got := wrote(); got != "begun\n" {
		t.Errorf("before any progress: %q", got)
	}
	s.show(p)
	line := "3 generations  best error 1 mV  40 evaluations  2/s  ETA ?"
	if got := wrote(); got != line {
		t.Errorf("the progress is %q, want %q", got, line)
	}
	fmt.Fprintln(s, "a warning")
	if got, want := wrote(), "\r\x1b[Ja warning\n"+line; got != want {
		t.Errorf("a line in between: %q, want %q", got, want)
	}
	width = 20 // the terminal has broken the line of 58 columns into three rows
	s.show(p)
	if got, want := wrote(), "\x1b[2A\r\x1b[J40 evaluations"; got != want {
		t.Errorf("on a terminal that is narrower now: %q, want %q", got, want)
	}
	s.end()
	s.end()
	if got, want := wrote(), "\r\x1b[J"; got != want {
		t.Errorf("in the end: %q, want %q", got, want)
	}
}

func TestProgressLineHasABarWhereThereIsRoom(t *testing.T) {
	p := run.Progress{Generation: 3, Evaluations: 40, PerSecond: 2, Done: 0.25, Left: time.Minute}
	const text = "3 generations  40 evaluations  2/s  ETA 1m0s"
	for columns, want := range map[int]string{
		200: strings.Repeat("━", 6) + strings.Repeat("─", 18) + "  " + text, 56: "━━────────  " + text, 55: text, 10: "40 evaluat", 0: "4", -5: "4",
	} {
		if got := progressLine(p, columns); got != want || columns > 0 && utf8.RuneCountInString(got) > columns {
			t.Errorf("in %d columns: %q, want %q", columns, got, want)
		}
	}
}
