package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a running program with a process group of its own. Nothing that it started outlives it, and neither does it outlive this process:
// see [Guardian]. Its methods may be called from several goroutines.
type Process struct {
	ward           *ward
	pid            int
	stdout, stderr *stream
	ended          chan struct{}    // closed when nothing of the program is left, and its streams have ended
	status         *unix.WaitStatus // then: how it ended; nil if that is not known
}

// Command is what a program is started from.
type Command struct {
	Argv     []string   // the program, found in the PATH unless there is a slash in it, and its arguments
	Dir      string     // where it runs; "" is here
	Env      []string   // the whole environment, as NAME=value
	Stdin    *os.File   // its standard input; nil: empty
	Files    []*os.File // that it has from descriptor 3 on
	Free     bool       // may use all CPUs, not only those of this process
	Stdout   io.Writer  // that what it prints is also written to, as it comes; nil: nowhere
	Stderr   io.Writer  // likewise
	LogLimit int        // bytes kept of each of its output and its error, half of it from the beginning and half from the end
}

// Start starts a program. The one before it must have ended.
func (g *Guardian) Start(c Command) (*Process, error) {
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	dir, err := filepath.Abs(c.Dir) // the guardian may be elsewhere
	if err != nil {
		return nil, err
	}
	out, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errs, errsW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, out.Close(), outW.Close())
	}
	cmd.Env = c.Env // of several values of a variable the last counts
	what := image{Path: cmd.Path, Argv: cmd.Args, Dir: dir, Env: cmd.Environ(), Free: c.Free, Fed: c.Stdin != nil}
	p := &Process{ended: make(chan struct{})}
	files := append([]*os.File{outW, errsW}, c.Files...)
	if what.Fed {
		files = append([]*os.File{c.Stdin}, files...)
	}
	p.ward, p.pid, err = g.start(what, files...)
	err = errors.Join(err, outW.Close(), errsW.Close())
	if err != nil {
		return nil, errors.Join(err, out.Close(), errs.Close())
	}
	// A pipe that was just made has a connection: there is no error.
	p.stdout, _ = newStream(out, c.LogLimit, c.Stdout)
	p.stderr, _ = newStream(errs, c.LogLimit, c.Stderr)
	go p.wait()
	return p, nil
}

// wait waits until nothing of the program is left, and takes in the last that it printed.
func (p *Process) wait() {
	defer close(p.ended)
	if r, told := <-p.ward.news; told {
		status := unix.WaitStatus(r.Status)
		p.status = &status
	} else if !p.ward.left.Load() { // the guardian was killed, and with it the program
		_ = unix.Kill(-p.pid, unix.SIGKILL) // what else is in its group
	}
	// A process that the program did not start may hold the streams open.
	soon := time.Now().Add(time.Second)
	for _, s := range []*stream{p.stdout, p.stderr} {
		_ = s.r.SetReadDeadline(soon) // fails if the stream has ended
		<-s.done
	}
}

// Ended is closed when the program has ended, nothing that it started is left, and no more of its output can come.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// PID is the number of the process.
func (p *Process) PID() int { return p.pid }

// End ends the program, its group by SIGTERM first, and after the grace period it and all that it started by SIGKILL. It returns when
// nothing of it is left, or after 10 s in which the kernel has not let go of a process that was killed.
func (p *Process) End(grace time.Duration) {
	if grace > 0 && p.endsWithin(grace, order{PID: p.pid}) || p.endsWithin(unending, order{PID: p.pid, Kill: true}) {
		return
	}
	p.ward.leave()
	<-p.ended
}

// endsWithin gives an order and reports whether the program ends within a time.
func (p *Process) endsWithin(d time.Duration, o order) bool {
	select {
	case <-p.ended:
		return true
	default:
	}
	_ = p.ward.tell(o) // fails if the guardian is gone: then the program has ended, too
	select {
	case <-p.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// Succeeded reports, once the program has ended, whether it did so with exit status 0.
func (p *Process) Succeeded() bool {
	return p.status != nil && p.status.Exited() && p.status.ExitStatus() == 0
}

// Status is how the program ended, once it has, for a message.
func (p *Process) Status() string {
	switch {
	case p.status == nil:
		return "nobody saw how: its guardian was killed, or it cannot be"
	case !p.status.Signaled():
		return fmt.Sprintf("exit status %d", p.status.ExitStatus())
	}
	s := p.status.Signal()
	text := fmt.Sprintf("killed by signal %d (%v)", s, s)
	if s == unix.SIGKILL {
		text += ", as by the system when memory runs out"
	}
	return text
}

// Printed is what the program has printed to its standard output since the last ForgetOutput.
func (p *Process) Printed() []byte { return p.stdout.text() }

// ForgetOutput forgets what the program has printed until now.
func (p *Process) ForgetOutput() {
	p.stdout.reset()
	p.stderr.reset()
}

// Settle takes in what the program has printed until now, so that it does not come later.
func (p *Process) Settle() {
	p.stdout.settle()
	p.stderr.settle()
}

// WriteLogs writes what the program has printed since the last ForgetOutput to stdout.txt and stderr.txt in dir, which it makes; nothing if
// dir is "".
func (p *Process) WriteLogs(dir string) error {
	if dir == "" {
		return nil
	}
	var errs []error
	for name, s := range map[string]*stream{"stdout.txt": p.stdout, "stderr.txt": p.stderr} {
		if text := s.text(); len(text) > 0 {
			errs = append(errs, os.MkdirAll(dir, 0o777), os.WriteFile(filepath.Join(dir, name), text, 0o666))
		}
	}
	return errors.Join(errs...)
}
