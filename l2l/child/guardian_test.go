package child

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shell starts a script, with its arguments as $1 and on.
func shell(t *testing.T, g *Guardian, script string, args ...string) *Process {
	t.Helper()
	p, err := g.Start(Command{Argv: append([]string{"sh", "-c", script, "sh"}, args...), Dir: t.TempDir(), Env: os.Environ(), LogLimit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// guarded is a guardian that is closed at the end of the test. Nothing of it may then be left.
func guarded(t *testing.T) *Guardian {
	t.Helper()
	g := new(Guardian)
	t.Cleanup(func() {
		g.Close()
		if own := below(os.Getpid()); len(own) > 0 {
			t.Errorf("processes are left: %v", own)
		}
	})
	return g
}

// below lists the processes whose parent has the number, those that have ended and were not reaped too, by their stat.
func below(parent int) (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is sound
	for _, f := range files {
		stat, _ := os.ReadFile(f) // it may be gone
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			list = append(list, string(stat))
		}
	}
	return list
}

// commanded lists the processes with a text in their command line.
func commanded(text string) (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if line, err := os.ReadFile(f); err == nil && strings.Contains(string(line), text) {
			list = append(list, filepath.Base(filepath.Dir(f))+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

// mark is a time to sleep that no other process sleeps.
func mark() string { return fmt.Sprintf("1000.%d", time.Now().UnixNano()) }

// soon waits until a condition holds, and fails if it does not soon.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

func wait(t *testing.T, p *Process) {
	t.Helper()
	select {
	case <-p.Ended():
	case <-time.After(2 * time.Minute):
		t.Fatal("the program has not ended within two minutes")
	}
}

// escapes are what programs do to leave processes behind. The last of each writes the file up when it is where it wants to be.
var escapes = map[string]string{
	"a child":               `sh -c 'echo >up; exec sleep $0' $1 &`,
	"a session of its own":  `setsid sh -c 'echo >up; exec sleep $0' $1 &`,
	"a daemon":              `(setsid sh -c '(echo >up; exec sleep $0) & exit' $1 >/dev/null 2>&1 &)`,
	"nohup":                 `nohup setsid sh -c 'echo >up; exec sleep $0' $1 >/dev/null 2>&1 &`,
	"without a trace":       `env -i setsid sh -c 'echo >up; exec sleep $0' $1 &`,
	"deaf":                  `setsid sh -c 'trap "" TERM HUP INT; echo >up; exec sleep $0' $1 &`,
	"a supervisor":          `setsid sh -c 'trap "" TERM; while :; do sleep $0 & sleep 0.02; echo >up; wait $!; done' $1 &`,
	"stopped":               `setsid sh -c 'echo >up; kill -STOP $$; exec sleep $0' $1 &`,
	"an orphan of orphans":  `setsid sh -c 'sleep $0 & setsid sh -c "sleep $0 & setsid sh -c \"echo >up; exec sleep $0\" & exit" & exit' $1 &`,
	"one that never stands": `echo 'n=$2; echo >up; [ $n -gt 20000 ] || exec setsid -f sh run $1 $((n+1))' >run; setsid sh run $1 1 &`,
}

const untilUp = "\nwhile [ ! -e up ]; do sleep 0.01; done; "

func TestNothingThatAProgramStartedOutlivesIt(t *testing.T) {
	for way, escape := range escapes {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var g Guardian
			defer g.Close()
			for end, last := range map[string]string{"exit status 0": "exit 0", "exit status 3": "exit 3", "killed by signal 9": "kill -9 $$"} {
				m := mark()
				p := shell(t, &g, escape+untilUp+last, m)
				wait(t, p)
				if left := commanded(m); len(left) > 0 || !strings.HasPrefix(p.Status(), end) {
					t.Errorf("%s: processes are left: %q; want %s", p.Status(), left, end)
				}
			}
			for _, grace := range []time.Duration{0, time.Second} {
				for _, last := range []string{"sleep $1", "trap '' TERM; while :; do sleep $1; done"} {
					m := mark()
					p := shell(t, &g, escape+untilUp+"echo >there; "+last, m)
					soon(t, "it is there", func() bool { return len(commanded(m)) > 1 })
					p.End(grace)
					if left := commanded(m); len(left) > 0 || p.Succeeded() {
						t.Errorf("after End(%v): %s: processes are left: %q", grace, p.Status(), left)
					}
				}
			}
		})
	}
}

func TestAGuardianReapsWhatAServerLeavesBehind(t *testing.T) {
	g := guarded(t)
	p := shell(t, g, `for i in 1 2 3 4 5 6 7 8 9; do (setsid sh -c 'sleep 0.01 & exit' &) ; done; sleep 0.3; sleep $1`, mark())
	parent := g.ward.cmd.Process.Pid
	time.Sleep(400 * time.Millisecond)
	soon(t, "the guardian has one child", func() bool { return len(below(parent)) == 1 })
	p.End(0)
	if left := below(parent); len(left) > 0 {
		t.Errorf("after the end of the program its guardian has %v", left)
	}
}

func TestAGuardianStartsProgramsAsAnythingElseDoes(t *testing.T) {
	g := guarded(t)
	odd := []string{"\xff\xfe", "", "a b\nc", strings.Repeat("x", 100_000)}
	p, err := g.Start(Command{
		Argv: append([]string{"sh", "-c", `printf '%s|' "$@" "$ODD" "$BIG" "$X"; cat; pwd >&2; cut -d' ' -f5 /proc/$$/stat; echo $$`, "sh"}, odd...),
		Dir:  "/",
		Env:  append(os.Environ(), "ODD=\xff", "X=1", "BIG="+strings.Repeat("y", 100_000), "X=2"), LogLimit: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, p)
	want := strings.Join(odd, "|") + "|\xff|" + strings.Repeat("y", 100_000) + "|2|"
	rest, ok := strings.CutPrefix(string(p.Printed()), want)
	pid, said := strconv.Itoa(p.PID()), p.Explained(errors.New("here"), true).Error()
	if words := strings.Fields(rest); !ok || len(words) != 2 || words[0] != pid || words[1] != pid || !strings.HasSuffix(said, "\n/") {
		t.Errorf("it sees %.80q… and %q, and says %q", p.Printed(), rest, said)
	}
	for name, want := range map[string]error{"./nothing": fs.ErrNotExist, "nothing-at-all": exec.ErrNotFound, "/etc/passwd": fs.ErrPermission} {
		if _, err := g.Start(Command{Argv: []string{name}, LogLimit: 1 << 10}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if _, err := g.Start(Command{Argv: []string{"true"}, Dir: "/nowhere", LogLimit: 1 << 10}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a directory that is not there: %v", err)
	}
}

func TestAGuardianKeepsNothingOfTheProgramsThatItStarted(t *testing.T) {
	g := guarded(t)
	files := func(pid int) int { list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)); return len(list) }
	var own, its int
	for i := range 100 {
		wait(t, shell(t, g, "exit 0"))
		if i == 10 {
			own, its = files(os.Getpid()), files(g.ward.cmd.Process.Pid)
		}
	}
	soon(t, "no more files are open than after ten programs", func() bool {
		return files(os.Getpid()) <= own && files(g.ward.cmd.Process.Pid) <= its
	})
}

func TestSignalsToAllProcessesOfAJobDoNotEndAGuardian(t *testing.T) {
	g := guarded(t)
	p := shell(t, g, "sleep 0.2; exit 4")
	for _, s := range []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2} {
		if err := g.ward.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	if wait(t, p); p.Status() != "exit status 4" {
		t.Error(p.Status())
	}
}

func TestAGuardianThatIsKilledIsReplaced(t *testing.T) {
	g := guarded(t)
	for range 3 {
		m := mark()
		p := shell(t, g, "sleep $1 & sleep $1", m)
		soon(t, "it is there", func() bool { return len(commanded(m)) == 3 })
		if err := g.ward.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		wait(t, p)
		if p.Succeeded() || !strings.Contains(p.Status(), "its guardian was killed") {
			t.Error(p.Status())
		}
		soon(t, "the program ends, too", func() bool { return len(commanded(m)) == 0 })
		p.End(time.Second)
		<-g.ward.over
		if p := shell(t, g, "exit 4"); true {
			if wait(t, p); p.Status() != "exit status 4" {
				t.Errorf("after that: %s", p.Status())
			}
		}
		_ = g.ward.cmd.Process.Kill() // while it has nothing to do
		<-g.ward.over
	}
}

func TestAGuardianThatIsStoppedGoesOnWhenItIsNeeded(t *testing.T) {
	g := guarded(t)
	m := mark()
	p := shell(t, g, "setsid sleep $1 & sleep $1", m)
	stop := func() {
		if err := g.ward.cmd.Process.Signal(unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	p.End(time.Second)
	if left := commanded(m); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	stop()
	wait(t, shell(t, g, "exit 0"))
	stop()
}

func TestClosingAGuardianEndsItsProgram(t *testing.T) {
	g := guarded(t)
	m := mark()
	p := shell(t, g, "trap 'echo bye; exit' TERM; setsid sleep $1 & while :; do sleep 0.01; done", m)
	soon(t, "it is there", func() bool { return len(commanded("sleep\x00"+m)) == 1 })
	began := time.Now()
	g.Close()
	if left := commanded(m); len(left) > 0 || time.Since(began) > unending {
		t.Errorf("after %v processes are left: %q", time.Since(began), left)
	}
	if wait(t, p); string(p.Printed()) != "bye\n" {
		t.Errorf("it was not asked to end: %q", p.Printed())
	}
}
