package child

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Guardian starts programs, one after the other, and sees to it that nothing of them is left: neither after a program has ended nor after
// this process has, in whatever way. The zero Guardian is ready. It is used from one goroutine at a time, and is closed in the end.
//
// It is a process of its own, this binary once more, in the function guard. It is the parent of the program, and the kernel makes it the parent
// of whatever loses its own below that: so no process that the program starts can leave it, not by setsid and not as a daemon, and when it
// has no children any more, nothing is left. A process that only wrote down what was started would have to find it all again; and one for
// each program, instead of one that lasts, would cost each the start of this binary, which with an MPI takes longer than a small program.
type Guardian struct{ ward *ward }

// ward is the connection to the guardian's process.
type ward struct {
	cmd  *exec.Cmd
	news chan report // closed when no more can come
	over chan bool   // closed when the process has ended and been reaped
	left atomic.Bool // we have left it alone with what it has to end

	mu   sync.Mutex
	line *courier
	enc  *gob.Encoder // to line
}

// order is what a guardian is told: to start a program, or to end the one that it has.
type order struct {
	Start *image
	files []int // with Start: descriptors of the program, from its standard output on, or, of one that is Fed, from its standard input on

	PID  int  // of the program that is to be ended
	Kill bool // at once, with all that it started; otherwise its group is asked to, by SIGTERM
}

// image is the program of an order.
type image struct {
	Path string
	Argv []string
	Dir  string
	Env  []string
	Free bool // see Command.Free
	Fed  bool // has a standard input of its own; otherwise it is empty
}

// report is what a guardian tells: once when it has tried to start a program, and once when that has ended and nothing of it is left.
type report struct {
	PID    int // of the program
	Errno  int // why it could not be started, or 0
	Status int // how it ended, as wait tells
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

// summon starts a guardian's process.
func summon() (*ward, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "guardian")
	defer theirs.Close()
	line, err := newCourier(fds[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe") // also where the file has been replaced since
	cmd.Args = []string{guardianName, fmt.Sprint(os.Getpid())}
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2") // it has little to do
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start the guardian of a program: %w", err), line.Close())
	}
	w := &ward{cmd: cmd, news: make(chan report, 1), over: make(chan bool), line: line, enc: gob.NewEncoder(line)}
	go w.listen()
	return w, nil
}

// listen takes in what the guardian tells until it has ended.
func (w *ward) listen() {
	defer close(w.over)
	dec := gob.NewDecoder(w.line)
	for {
		var r report
		if dec.Decode(&r) != nil {
			break
		}
		w.news <- r
	}
	close(w.news)
	_ = w.line.Close() // it is closed, or nobody is at its other end
	_ = w.cmd.Wait()   // it was killed, or has nothing to say
}

// tell gives the guardian an order. It fails if there is none any more.
func (w *ward) tell(o order, files ...*os.File) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line.give = files
	err := w.enc.Encode(o)
	_ = w.cmd.Process.Signal(unix.SIGCONT) // somebody may have stopped it; it may have ended
	return err
}

// leave lets the guardian end whatever it has, and itself.
func (w *ward) leave() {
	w.left.Store(true)
	_ = w.line.Close() // it may be closed
	_ = w.cmd.Process.Signal(unix.SIGCONT)
}

// start has the guardian start a program. A guardian that was killed while it had nothing to do is replaced.
func (g *Guardian) start(i image, files ...*os.File) (*ward, int, error) {
	for {
		fresh := g.ward == nil
		if fresh {
			var err error
			if g.ward, err = summon(); err != nil {
				return nil, 0, err
			}
		}
		w := g.ward
		unheard := w.tell(order{Start: &i}, files...)
		r, told := <-w.news
		switch {
		case told && r.Errno == 0:
			return w, r.PID, nil
		case told:
			return nil, 0, &os.PathError{Op: "fork/exec", Path: i.Path, Err: syscall.Errno(r.Errno)}
		}
		g.Close()
		if fresh || unheard == nil {
			return nil, 0, errors.New("the guardian of a program, a process of this binary, has ended before it started the program")
		}
	}
}

// Close ends the guardian, and what it has started if that is still there.
func (g *Guardian) Close() {
	if g.ward == nil {
		return
	}
	g.ward.leave()
	select {
	case <-g.ward.over:
	case <-time.After(unending):
	}
	g.ward = nil
}

// unending is how long we wait for a process that was killed. Only the kernel can hold it up: while it waits for a disk, say.
const unending = 10 * time.Second

// courier is a connection whose messages may have files with them.
type courier struct {
	*net.UnixConn
	give []*os.File // go with the next bytes that are written
	got  []int      // came with what was read
}

// newCourier makes a courier of a socket, which it owns.
func newCourier(fd int) (*courier, error) {
	f := os.NewFile(uintptr(fd), "guardian")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("no Unix socket"), conn.Close())
	}
	return &courier{UnixConn: unixConn}, nil
}

func (c *courier) Write(b []byte) (n int, err error) {
	if len(c.give) > 0 {
		var fds []int
		for _, f := range c.give {
			fds = append(fds, int(f.Fd()))
		}
		n, _, err = c.WriteMsgUnix(b, unix.UnixRights(fds...), nil)
		runtime.KeepAlive(c.give)
		if c.give = nil; err != nil {
			return n, err
		}
	}
	rest, err := c.UnixConn.Write(b[n:])
	return n + rest, err
}

func (c *courier) Read(b []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(16*4))
	n, size, _, _, err := c.ReadMsgUnix(b, oob)
	if size > 0 {
		messages, _ := unix.ParseSocketControlMessage(oob[:size]) // they are ours, and whole
		for i := range messages {
			fds, _ := unix.ParseUnixRights(&messages[i])
			c.got = append(c.got, fds...)
		}
	}
	if n <= 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err // -1 with an error
}
