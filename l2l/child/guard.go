package child

import (
	"bytes"
	"encoding/gob"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guardianName is the first word of the command line of a guardian's process, by which it knows what it is; the second is its parent. A user
// sees it in a list of processes.
const guardianName = "l2l-guardian"

func init() {
	if len(os.Args) == 2 && os.Args[0] == guardianName {
		guard(os.Args[1])
		os.Exit(0)
	}
}

// afterlife is how long a program has from SIGTERM to SIGKILL once the process that wanted it is gone.
const afterlife = 500 * time.Millisecond

// guard is what a guardian's process does: it starts programs as it is told, reaps what they leave, and ends it. When the process that started it
// is gone, the connection is at its end; or, if somebody has inherited it, the death signal comes. Other signals are not for it: they are
// sent to all processes of a job.
func guard(parent string) {
	runtime.LockOSThread()                                       // the main thread, which lives as long as this process: its end would end its children
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)      // every kernel that Go runs on has it
	_ = os.WriteFile("/proc/self/comm", []byte(guardianName), 0) // for people: it would be called exe
	line, err := newCourier(3)
	if err != nil {
		os.Exit(1) // somebody plays
	}
	signals, ended := make(chan os.Signal, 16), make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2)
	signal.Notify(ended, unix.SIGCHLD)
	go func() {
		for {
			if strconv.Itoa(os.Getppid()) != parent {
				_ = line.Close()
			}
			<-signals
		}
	}()
	orders := make(chan order)
	go func() {
		defer close(orders)
		for dec := gob.NewDecoder(line); ; {
			var o order
			if dec.Decode(&o) != nil {
				return
			}
			o.files, line.got = line.got, nil
			orders <- o
		}
	}()
	g := &post{enc: gob.NewEncoder(line), orders: orders, ended: ended}
	for o := range orders {
		if o.Start != nil { // another order is for a program that has just ended
			g.attend(o.Start, o.files)
		}
	}
}

// post is the guardian's side of the connection.
type post struct {
	enc    *gob.Encoder
	orders <-chan order     // closed when nobody can give any more
	ended  <-chan os.Signal // some child has ended
}

// tell tells. If nobody is there to hear it, the orders end.
func (g *post) tell(r report) { _ = g.enc.Encode(r) }

// attend starts a program and sees it to its end.
func (g *post) attend(i *image, files []int) {
	all := files
	if !i.Fed {
		all = append([]int{0}, files...) // its standard input is ours: empty
	}
	pid, err := launch(i, all)
	for _, fd := range files {
		_ = unix.Close(fd)
	}
	if err != nil {
		errno := unix.EIO
		errors.As(err, &errno)
		g.tell(report{Errno: int(errno)})
		return
	}
	g.tell(report{PID: pid})
	g.tell(report{PID: pid, Status: int(g.sweep(pid, g.accompany(pid)))})
}

// launch starts a program in a process group of its own.
func launch(i *image, files []int) (pid int, err error) {
	if i.Free {
		defer freeCPUs()()
	}
	attr := &syscall.ProcAttr{Dir: i.Dir, Env: i.Env, Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	return syscall.ForkExec(i.Path, i.Argv, attr)
}

// accompany waits until a program has ended, or has to. Meanwhile it reaps what the program's processes leave behind. Its result is how the
// program ended, if it has.
func (g *post) accompany(pid int) *unix.WaitStatus {
	var late <-chan time.Time
	orders := g.orders
	for {
		select {
		case <-g.ended:
			if status, _ := reap(pid); status != nil {
				return status
			}
		case o, there := <-orders:
			switch {
			case !there:
				orders, late = nil, time.After(afterlife)
				terminate(pid)
			case o.PID != pid: // it has ended
			case o.Kill:
				return nil
			default:
				terminate(pid)
			}
		case <-late:
			return nil
		}
	}
}

// terminate asks the group of a program that has not been reaped to end, also if it is stopped.
func terminate(pid int) {
	_ = unix.Kill(-pid, unix.SIGTERM) // the group may be gone
	_ = unix.Kill(-pid, unix.SIGCONT)
}

// reap reaps all children that have ended. It returns how the program ended, if it is among them, and whether children are left.
func reap(program int) (status *unix.WaitStatus, left bool) {
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
		case err != nil: // there are none
			return status, false
		case pid == 0:
			return status, true
		case pid == program:
			status = &ws
		}
	}
}

// sweep kills until there are no children. Those of a child that was killed become ours: parents go first, and none can be missed. It
// returns how the program ended, which status is if it has.
func (g *post) sweep(program int, status *unix.WaitStatus) unix.WaitStatus {
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		s, left := reap(program)
		if s != nil {
			status = s
		}
		if !left {
			return *status // nobody else reaps
		}
		for _, pid := range children() {
			_ = unix.Kill(pid, unix.SIGKILL) // it has not been reaped; one that became another user's stays until it ends by itself
		}
		select {
		case <-g.ended:
		case <-time.After(wait):
		}
	}
}

// children are the processes whose parent this one is. /proc/self/task/*/children would tell at once, but not every kernel has it.
func children() (pids []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	self := strconv.Itoa(os.Getpid())
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + name + "/stat") // it may be gone
		// 17 (name, perhaps with spaces and parentheses) S 16 …: the parent is the second field after the name.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 1 && fields[1] == self {
			pids = append(pids, pid)
		}
	}
	return pids
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
