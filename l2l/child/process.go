package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a running program with a process group of its own. Nothing of the group outlives the program, and the program not this
// process. Its methods may be called from several goroutines.
type Process struct {
	cmd            *exec.Cmd
	stdout, stderr *stream
	ended          chan struct{} // closed when the process has been reaped, and its streams have ended

	mu     sync.Mutex
	reaped bool
}

// Command is what a program is started from.
type Command struct {
	Argv     []string   // the program, found in the PATH unless there is a slash in it, and its arguments
	Dir      string     // where it runs; "" is here
	Env      []string   // the whole environment, as NAME=value
	Files    []*os.File // that it has from descriptor 3 on
	Free     bool       // may use all CPUs, not only those of this process
	LogLimit int        // bytes kept of each of its output and its error, half of it from the beginning and half from the end
}

// starter runs functions on a thread that lives as long as this process. The kernel sends a child its death signal when the thread that
// started it ends, and gives the child that thread's CPUs.
var starter = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
	return starts
})

// Start starts a program.
func Start(c Command) (*Process, error) {
	out, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errs, errsW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, out.Close(), outW.Close())
	}
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = c.Dir, c.Env, c.Files, outW, errsW
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starter() <- func() {
		if c.Free {
			defer freeCPUs()()
		}
		started <- cmd.Start()
	}
	err = errors.Join(<-started, outW.Close(), errsW.Close())
	if err != nil {
		return nil, errors.Join(err, out.Close(), errs.Close())
	}
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	// A pipe that was just made has a connection: there is no error.
	p.stdout, _ = newStream(out, c.LogLimit)
	p.stderr, _ = newStream(errs, c.LogLimit)
	go p.reap()
	return p, nil
}

// freeCPUs lets this thread, and what it starts, run on all CPUs; the function that it returns takes that back.
func freeCPUs() (back func()) {
	var own, all unix.CPUSet
	if unix.SchedGetaffinity(0, &own) != nil {
		return func() {}
	}
	for cpu := range 64 * len(all) {
		all.Set(cpu)
	}
	_ = unix.SchedSetaffinity(0, &all) // the kernel leaves out those that the job does not have
	return func() { _ = unix.SchedSetaffinity(0, &own) }
}

// reap waits for the end of the process, ends what is left of its group, and takes in the last that it printed.
func (p *Process) reap() {
	defer close(p.ended)
	for unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	// The process has ended and is not reaped: its number, which is the group's, is still its own.
	p.signal(unix.SIGKILL)
	p.mu.Lock()
	_ = p.cmd.Wait() // how it ended is in cmd.ProcessState
	p.reaped = true
	p.mu.Unlock()
	// A process that has left the group may hold the streams open.
	soon := time.Now().Add(time.Second)
	for _, s := range []*stream{p.stdout, p.stderr} {
		_ = s.r.SetReadDeadline(soon) // fails if the stream has ended
		<-s.done
	}
}

// signal sends a signal to the whole group, if the process has not been reaped.
func (p *Process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = unix.Kill(-p.cmd.Process.Pid, s) // the group may be gone
	}
}

// Ended is closed when the program has ended, has been reaped, and no more of its output can come.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// End ends the group: by SIGTERM, and after the grace period by SIGKILL. It returns when the process has been reaped.
func (p *Process) End(grace time.Duration) {
	if grace > 0 {
		p.signal(unix.SIGTERM)
		p.signal(unix.SIGCONT) // for one that is stopped
		select {
		case <-p.ended:
			return
		case <-time.After(grace):
		}
	}
	p.signal(unix.SIGKILL)
	<-p.ended
}

// Succeeded reports, once the program has ended, whether it did so with exit status 0.
func (p *Process) Succeeded() bool { return p.cmd.ProcessState.Success() }

// Status is how the program ended, once it has, for a message.
func (p *Process) Status() string {
	state := p.cmd.ProcessState
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		text := fmt.Sprintf("killed by signal %d (%v)", ws.Signal(), ws.Signal())
		if ws.Signal() == unix.SIGKILL {
			text += ", as by the system when memory runs out"
		}
		return text
	}
	return state.String()
}

// Printed is what the program has printed to its standard output since the last ForgetOutput.
func (p *Process) Printed() []byte { return p.stdout.text() }

// ForgetOutput forgets what the program has printed until now.
func (p *Process) ForgetOutput() {
	p.stdout.reset()
	p.stderr.reset()
}

// LastWords is the end of what the program has printed since the last ForgetOutput, for a message: of the standard error, or if nothing is
// there of the standard output. It begins with a new line, and is "" if nothing was printed.
func (p *Process) LastWords() string {
	for _, s := range []struct {
		name string
		*stream
	}{{"error", p.stderr}, {"output", p.stdout}} {
		if text := lastLines(s.text()); text != "" {
			return fmt.Sprintf("\nlast lines of its standard %s:\n%s", s.name, text)
		}
	}
	return ""
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
