package app

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/gdamore/tcell/v3/vt"
)

// terminal is a terminal with a program in it: a pseudo terminal of the system, whose other end an emulator shows.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File
	seen vt.MockTerm
	raw  *transcript
	code chan int
}

// transcript is what a program has written.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
	to   io.Writer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.text.Write(p)
	w.mu.Unlock()
	return w.to.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// inTerminal starts a program in a terminal of such a size.
func inTerminal(t *testing.T, width, height int, env []string, args ...string) *terminal {
	t.Helper()
	x := &terminal{t: t, cmd: exec.Command(args[0], args[1:]...), seen: vt.NewMockTerm(vt.MockOptSize{X: vt.Col(width), Y: vt.Row(height)}), code: make(chan int, 1)}
	x.cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "COLORTERM=", "NO_COLOR=", "LC_ALL=C.UTF-8"), env...)
	if err := x.seen.Start(); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.tty, err = pty.StartWithSize(x.cmd, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	x.raw = &transcript{to: x.seen}
	go func() { _, _ = io.Copy(x.raw, x.tty) }()  // until the program is gone
	go func() { _, _ = io.Copy(x.tty, x.seen) }() // what a terminal answers
	go func() {
		_ = x.cmd.Wait()
		x.code <- x.cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill() // if it is still there
		_ = x.seen.Stop()
		_ = x.tty.Close()
	})
	return x
}

// screen is what is seen.
func (x *terminal) screen() string {
	var b strings.Builder
	size, _ := x.seen.WindowSize()
	for y := range size.Height {
		line := ""
		for col := range size.Width {
			if c := x.seen.GetCell(vt.Coord{X: vt.Col(col), Y: vt.Row(y)}).C; c != "" {
				line += c
			} else {
				line += " "
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// sees waits until all of the texts are seen.
func (x *terminal) sees(texts ...string) {
	x.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		seen := x.screen()
		missing := ""
		for _, text := range texts {
			if !strings.Contains(seen, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("%q is not seen on\n%s", missing, seen)
		}
	}
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	if _, err := x.tty.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

func (x *terminal) resize(width, height int) {
	x.t.Helper()
	x.seen.SetSize(vt.Coord{X: vt.Col(width), Y: vt.Row(height)})
	if err := pty.Setsize(x.tty, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		x.t.Fatal(err)
	}
}

func (x *terminal) ends(code int) {
	x.t.Helper()
	select {
	case got := <-x.code:
		if got != code {
			x.t.Errorf("it ends with %d, want %d; it wrote %q", got, code, x.raw)
		}
	case <-time.After(2 * time.Minute):
		x.t.Fatalf("it does not end\n%s", x.screen())
	}
}

// watchedRun writes the configuration of a run in the directory run, of so many evaluations of an optimizee.
func watchedRun(t *testing.T, optimizee, evaluations string) {
	t.Helper()
	t.Chdir(t.TempDir())
	text := "name: watched\noptimizee: {type: function, " + optimizee + ", fail: 0.1}\noptimizer: {type: cmaes, pop_size: 10}\n" +
		"stop: {evaluations: " + evaluations + "}\nexecution: {slots: 2}\noutput: {dir: run}\n"
	if err := os.WriteFile("run.yaml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestWatchShowsARunOnATerminal(t *testing.T) {
	watchedRun(t, "name: rosenbrock, dim: 30, delay: 50ms", "100000")
	begin := func(args ...string) *exec.Cmd {
		t.Helper()
		cmd := exec.Command("l2l-mpi", append([]string{"--config", "run.yaml", "-q"}, args...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		return cmd
	}
	run := begin()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat("run/live.json"); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	x := inTerminal(t, 80, 24, nil, "l2l-mpi", "watch", "run", "--interval", "100ms")
	x.sees("watched  running", "[1 overview]", "of 100000 evaluations, ETA ", "best       value ", "of 2 slots", "under way  2", "evaluations failed; the last ")
	x.press("2")
	x.sees("[2 parameters]", " x[0] ", "1 to 20 of 30")
	x.press("\x1b[F") // End
	x.sees(" x[29] ")
	x.resize(60, 15)
	x.sees("[2 parameters]", " x[10] ", "11 to 21 of 30")
	x.press("\x1b[B") // down
	x.sees(" x[21] ", "12 to 22 of 30")
	x.press("\x1b[H") // Home
	x.sees(" x[0] ", "1 to 11 of 30")
	x.resize(120, 40)
	x.press("3")
	x.sees("[3 failures", "failed as configured", "on rank 0 slot")
	x.press("\t")
	x.sees("[4 slots]", "slot 1", "ok, ")
	x.press("?")
	x.sees("quit; the run goes on")
	x.press("5")
	x.press("5")
	x.sees("[5 log]", "INF begun dir=run")

	// It is killed, which is seen, and resumed, which is seen too.
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait() // it was killed
	x.press("1")
	x.sees("watched  crashed", "go on with --resume")
	begin("--resume", "--set", "stop.evaluations=200000")
	x.sees("running, session 2", "of 200000 evaluations")
	if !strings.Contains(x.raw.String(), "\x1b[38;5;32m") && !strings.Contains(x.raw.String(), "38:5:32") {
		t.Errorf("no blue is in %q", x.raw)
	}
	x.press("q")
	x.ends(exitOK)
	if raw := x.raw.String(); !strings.Contains(raw, "\x1b[?1049l") {
		t.Error("the terminal is left without what was there before")
	}
}

func TestWatchHeedsWhatATerminalCannot(t *testing.T) {
	watchedRun(t, "name: sphere", "200")
	if code := start([]string{"--config", "run.yaml", "-q"}, kindsWith()); code != exitOK {
		t.Fatal(code)
	}
	colour := func(x *terminal) bool {
		return strings.Contains(x.raw.String(), "38;5") || strings.Contains(x.raw.String(), "38:5")
	}
	x := inTerminal(t, 80, 24, []string{"NO_COLOR=1"}, "l2l-mpi", "watch", "run")
	x.sees("finished: evaluations: 200", "██", "━━")
	if colour(x) {
		t.Errorf("NO_COLOR is not heeded: %q", x.raw)
	}
	x.press("\x03") // Ctrl-C
	x.ends(exitOK)

	x = inTerminal(t, 80, 24, []string{"LC_ALL=C"}, "l2l-mpi", "watch", "run")
	x.sees("finished: evaluations: 200", "##", "====")
	if strings.ContainsAny(x.screen(), "█━·") {
		t.Errorf("what a terminal does not know is on\n%s", x.screen())
	}
	x.press("q")
	x.ends(exitOK)

	x = inTerminal(t, 80, 24, nil, "l2l-mpi", "watch", "run", "--until-end")
	x.ends(exitOK)
	x.sees("run: finished, evaluations: 200; ")

	x = inTerminal(t, 80, 24, []string{"TERM=dumb"}, "l2l-mpi", "watch", "run")
	x.ends(exitOK)
	x.sees("  finished  20 generations ")
	if raw := x.raw.String(); strings.Contains(raw, "\x1b") {
		t.Errorf("on a dumb terminal: %q", raw)
	}
}
