package process

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

// child is a process with a process group of its own. Nothing of the group outlives the process, and the process not this one.
type child struct {
	cmd            *exec.Cmd
	stdout, stderr *stream
	ended          chan struct{} // closed when the process has been reaped, and its streams have ended

	mu     sync.Mutex
	reaped bool
}

// command is what a child is started from.
type command struct {
	argv     []string
	dir      string
	env      []string
	files    []*os.File // that it has from descriptor 3 on
	free     bool       // may use all CPUs, not only those of this process
	logLimit int        // bytes kept of each stream
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

// start starts a child.
func start(c command) (*child, error) {
	out, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errs, errsW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, out.Close(), outW.Close())
	}
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = c.dir, c.env, c.files, outW, errsW
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starter() <- func() {
		if c.free {
			defer freeCPUs()()
		}
		started <- cmd.Start()
	}
	err = errors.Join(<-started, outW.Close(), errsW.Close())
	if err != nil {
		return nil, errors.Join(err, out.Close(), errs.Close())
	}
	ch := &child{cmd: cmd, ended: make(chan struct{})}
	// A pipe that was just made has a connection: there is no error.
	ch.stdout, _ = newStream(out, c.logLimit)
	ch.stderr, _ = newStream(errs, c.logLimit)
	go ch.reap()
	return ch, nil
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
func (c *child) reap() {
	defer close(c.ended)
	for unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	// The process has ended and is not reaped: its number, which is the group's, is still its own.
	c.signal(unix.SIGKILL)
	c.mu.Lock()
	_ = c.cmd.Wait() // how it ended is in cmd.ProcessState
	c.reaped = true
	c.mu.Unlock()
	// A process that has left the group may hold the streams open.
	soon := time.Now().Add(time.Second)
	for _, s := range []*stream{c.stdout, c.stderr} {
		_ = s.r.SetReadDeadline(soon) // fails if the stream has ended
		<-s.done
	}
}

// signal sends a signal to the whole group, if the process has not been reaped.
func (c *child) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		_ = unix.Kill(-c.cmd.Process.Pid, s) // the group may be gone
	}
}

// end ends the group: by SIGTERM, and after the grace period by SIGKILL. It returns when the process has been reaped.
func (c *child) end(grace time.Duration) {
	if grace > 0 {
		c.signal(unix.SIGTERM)
		c.signal(unix.SIGCONT) // for one that is stopped
		select {
		case <-c.ended:
			return
		case <-time.After(grace):
		}
	}
	c.signal(unix.SIGKILL)
	<-c.ended
}

// status is how the process ended, after ended.
func (c *child) status() string {
	state := c.cmd.ProcessState
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		text := fmt.Sprintf("killed by signal %d (%v)", ws.Signal(), ws.Signal())
		if ws.Signal() == unix.SIGKILL {
			text += ", as by the system when memory runs out"
		}
		return text
	}
	return state.String()
}

// lastWords is the end of what the child printed, for a message: of the standard error, or if nothing is there of the standard output.
// It begins with a new line, and is "" if nothing was printed.
func (c *child) lastWords() string {
	for _, s := range []struct {
		name string
		*stream
	}{{"error", c.stderr}, {"output", c.stdout}} {
		if text := lastLines(s.text()); text != "" {
			return fmt.Sprintf("\nlast lines of its standard %s:\n%s", s.name, text)
		}
	}
	return ""
}

// writeLogs writes what the child printed since the last reset to stdout.txt and stderr.txt in dir, which it makes; nothing if dir is "".
func (c *child) writeLogs(dir string) error {
	if dir == "" {
		return nil
	}
	var errs []error
	for name, s := range map[string]*stream{"stdout.txt": c.stdout, "stderr.txt": c.stderr} {
		if text := s.text(); len(text) > 0 {
			errs = append(errs, os.MkdirAll(dir, 0o777), os.WriteFile(filepath.Join(dir, name), text, 0o666))
		}
	}
	return errors.Join(errs...)
}
