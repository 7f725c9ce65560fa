package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gdamore/tcell/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/watch"
)

func watchCommand() *cobra.Command {
	var interval time.Duration
	var untilEnd bool
	cmd := &cobra.Command{
		Use:   "watch RUN",
		Short: "Show a run while it goes on, from any host that sees its files, without touching it",
		Long: "Shows a run while it goes on, from any host that sees its files, without touching it: how far it has come, the best, rates, what is under way,\n" +
			"parameters, failures, slots, the log. The keys 1 to 5 choose what is shown, ? tells of the others, q quits; the run goes on. It stays when the\n" +
			"run ends, which may be resumed, unless --until-end is given.\n\n" +
			"Where the standard output is no terminal, or TERM is dumb, it writes a line in each interval, until the run has ended. NO_COLOR is heeded.\n\n" +
			fmt.Sprintf("The exit code is %d after q, and at the end of the run that of status: %d for one that is finished, %d for one that failed or cannot be read\n"+
				"any more, %d for one that was interrupted, reached its wall time or crashed, and is to be resumed.", exitOK, exitOK, exitFailed, exitInterrupted),
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if interval < 0 {
				return usage(fmt.Errorf("--interval %v: want 0 or more", interval))
			}
			m, err := watch.Open(args[0])
			if err != nil {
				return ofRun(err)
			}
			if kind := os.Getenv("TERM"); term.IsTerminal(int(os.Stdout.Fd())) && kind != "" && kind != "dumb" {
				if interval == 0 {
					interval = time.Second
				}
				ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT) // which leave the terminal as it was
				defer stop()
				return watchOnScreen(ctx, cmd.OutOrStdout(), m, interval, untilEnd)
			}
			if interval == 0 {
				interval = lineEvery
			}
			return watchInLines(cmd.OutOrStdout(), m, interval)
		},
	}
	cmd.Flags().DurationVar(&interval, "interval", 0, "how often to look; 0 is every second on a terminal, and every five elsewhere")
	cmd.Flags().BoolVar(&untilEnd, "until-end", false, "end when the run has ended")
	return cmd
}

// stands is how a run stands, as an exit code.
func stands(s report.Status) error {
	switch {
	case s.State == report.Stopped:
		return failure{exitStopped, errSaid}
	case s.Resumable:
		return failure{exitInterrupted, errSaid}
	case s.State == report.Running:
		return failure{exitRunning, errSaid}
	case s.State == report.Failed:
		return failure{exitFailed, errSaid}
	}
	return nil
}

// over says how a watched run has ended.
func over(w io.Writer, m *watch.Model) error {
	if text := m.Trouble(); text != "" {
		return failure{exitFailed, errors.New(text)}
	}
	if _, err := fmt.Fprintln(w, m.Status()); err != nil {
		return failure{exitFailed, err}
	}
	return stands(m.Status())
}

// slice is how long the journal is read, when it is long, between two looks at the keys.
const slice = 200 * time.Millisecond

// watchInLines writes a line about the run in each interval until it has ended.
func watchInLines(w io.Writer, m *watch.Model, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		for m.Refresh(time.Now(), slice) {
		}
		if _, err := fmt.Fprintf(w, "%s  %s\n", time.Now().Format(time.TimeOnly), m.Line()); err != nil {
			return failure{exitFailed, err}
		}
		if m.Ended() {
			return over(w, m)
		}
		<-tick.C
	}
}

// watchOnScreen shows the run on the terminal until somebody quits.
func watchOnScreen(ctx context.Context, w io.Writer, m *watch.Model, interval time.Duration, untilEnd bool) error {
	if os.Getenv("LC_ALL")+os.Getenv("LC_CTYPE")+os.Getenv("LANG") == "" { // as in containers; terminals know UTF-8 all the same
		if err := os.Setenv("LC_ALL", "C.UTF-8"); err != nil {
			return failure{exitFailed, err}
		}
	}
	terminal, err := tcell.NewScreen()
	if err == nil {
		err = terminal.Init()
	}
	if err != nil {
		return failure{exitFailed, fmt.Errorf("watch: the terminal cannot be used: %w; with TERM=dumb it is not", err)}
	}
	end, err := showUntilQuit(ctx, terminal, m, interval, untilEnd)
	terminal.Fini()
	switch {
	case err != nil:
		return err
	case end:
		return over(w, m)
	}
	return nil
}

// showUntilQuit shows the run until somebody quits, or, where that is wanted, it has ended.
func showUntilQuit(ctx context.Context, terminal tcell.Screen, m *watch.Model, interval time.Duration, untilEnd bool) (end bool, err error) {
	var page watch.Screen
	paint := newPainter(terminal)
	// A file system may not answer: the model is refreshed beside the keys, and shown when it rests.
	refreshed := make(chan bool, 1)
	refresh := func() { refreshed <- m.Refresh(time.Now(), slice) }
	resting := false
	draw := func() {
		if resting {
			width, height := terminal.Size()
			paint.lines(m.Render(&page, width, height))
		}
	}
	next := time.NewTimer(interval)
	next.Stop()
	go refresh()
	for {
		select {
		case <-ctx.Done():
			return false, failure{exitFailed, errors.New("watch: ended by a signal; the run goes on")}
		case more := <-refreshed:
			resting = true
			draw()
			if untilEnd && m.Ended() {
				return true, nil
			}
			if more {
				resting = false
				go refresh()
				break
			}
			next.Reset(interval)
		case <-next.C:
			resting = false
			go refresh()
		case event, open := <-terminal.EventQ():
			if !open {
				return false, failure{exitFailed, errors.New("watch: the terminal is gone")}
			}
			switch event := event.(type) {
			case *tcell.EventResize:
				terminal.Sync()
			case *tcell.EventKey:
				if event.Key() == tcell.KeyCtrlZ {
					if err := suspend(terminal); err != nil {
						return false, failure{exitFailed, err}
					}
				} else if page.Press(keyOf(event)) {
					return false, nil
				}
			}
			draw()
		}
	}
}

// suspend stops the program, as a shell's user wants it, until the shell lets it go on.
func suspend(terminal tcell.Screen) error {
	if err := terminal.Suspend(); err != nil {
		return err
	}
	if err := syscall.Kill(0, syscall.SIGTSTP); err != nil {
		return err
	}
	return terminal.Resume()
}

// keys are those that have no letter.
var keys = map[tcell.Key]watch.Key{
	tcell.KeyUp: watch.Up, tcell.KeyDown: watch.Down, tcell.KeyPgUp: watch.PageUp, tcell.KeyPgDn: watch.PageDown, tcell.KeyHome: watch.Home,
	tcell.KeyEnd: watch.End, tcell.KeyLeft: watch.Left, tcell.KeyRight: watch.Right, tcell.KeyTab: watch.Right, tcell.KeyBacktab: watch.Left,
	tcell.KeyEscape: watch.Escape, tcell.KeyCtrlC: "q",
}

func keyOf(event *tcell.EventKey) watch.Key {
	if k, ok := keys[event.Key()]; ok {
		return k
	}
	return watch.Key(event.Str())
}

// painter paints lines on a terminal.
type painter struct {
	terminal tcell.Screen
	styles   map[watch.Style]tcell.Style
	plain    *strings.Replacer // nil where the terminal knows what lines and charts are drawn with
}

// newPainter has colours that people tell apart who see few of them, on dark and on light grounds: a blue and an orange.
func newPainter(terminal tcell.Screen) *painter {
	blue, orange := tcell.PaletteColor(32), tcell.PaletteColor(166)
	if terminal.Colors() < 256 {
		blue, orange = tcell.PaletteColor(4), tcell.PaletteColor(3)
	}
	d := tcell.StyleDefault
	coloured := func(c tcell.Color) tcell.Style {
		if terminal.Colors() == 0 { // NO_COLOR among others; tcell would paint blocks instead
			return d
		}
		return d.Foreground(c)
	}
	p := &painter{terminal: terminal, styles: map[watch.Style]tcell.Style{
		watch.Plain: d, watch.Faint: d.Dim(true), watch.Strong: d.Bold(true), watch.Title: d.Reverse(true), watch.Chosen: d.Bold(true).Underline(true),
		watch.Good: coloured(blue), watch.Warning: coloured(orange).Bold(true),
	}}
	if terminal.CharacterSet() != "UTF-8" {
		p.plain = strings.NewReplacer("━", "=", "─", "-", "●", "o", "…", "~", "·", "|", "×", "x", "±", "+-", "↑", "^", "↓", "v", "←", "<", "→", ">", "µ", "u",
			"▁", "_", "▂", ".", "▃", ":", "▄", "-", "▅", "=", "▆", "+", "▇", "*", "█", "#")
	}
	return p
}

// lines paints the whole terminal.
func (p *painter) lines(lines []watch.Line) {
	p.terminal.Clear()
	for y, line := range lines {
		x := 0
		for _, span := range line {
			text := span.Text
			if p.plain != nil {
				text = p.plain.Replace(text)
			}
			for text != "" {
				rest, width := p.terminal.Put(x, y, text, p.styles[span.Style])
				if rest == text {
					break
				}
				text, x = rest, x+width
			}
		}
	}
	p.terminal.Show()
}
