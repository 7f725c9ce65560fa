package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// escaping starts processes that are no longer of the group, and have no environment to be known by: they sleep for $MARK seconds.
const escaping = `setsid env -i sleep $MARK & (setsid sh -c 'env -i sleep $MARK & exit' &) ; sleep $MARK & `

// sleeping lists the processes that sleep for so many seconds.
func sleeping(seconds string) (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if line, err := os.ReadFile(f); err == nil && string(line) == "sleep\x00"+seconds+"\x00" {
			list = append(list, filepath.Base(filepath.Dir(f)))
		}
	}
	return list
}

// seconds are some that no other process sleeps: a mark that no test that runs beside this one has.
func seconds() string { return fmt.Sprintf("1000.%d", time.Now().UnixNano()) }

func TestNothingThatAnEvaluationStartedOutlivesIt(t *testing.T) {
	const count = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -cx "${MARK%?}[0-9]"` // grep does not count itself
	const until = "while [ $(" + count + ") -lt 3 ]; do sleep 0.01; done; "
	for last, want := range map[string]l2l.Ending{
		"echo 1": l2l.OK, "exit 3": l2l.Failed, "kill -9 $$": l2l.Failed,
		"sleep $MARK": l2l.TimedOut, "trap '' TERM; while :; do sleep $MARK; done": l2l.TimedOut,
	} {
		t.Run(last, func(t *testing.T) {
			t.Parallel()
			m := seconds()
			opts := dispatch.Options{Slots: 1, Dir: filepath.Join(t.TempDir(), "work"), Make: func() (optimizee.Optimizee, error) {
				// The first evaluation of a slot leaves processes behind, and the second counts them.
				p := script(t, "if [ $L2L_INSTANCE = 0 ]; then "+escaping+until+last+"; else "+count+"; fi; true")
				p.Pass, p.Grace, p.Env = passEnvironment, 200*time.Millisecond, map[string]string{"MARK": m}
				return p, p.Open()
			}}
			es := make([]l2l.Evaluation, 2)
			for i := range es {
				es[i] = l2l.Evaluation{Individual: int64(i), Instance: i, X: make([]float64, 7)}
				es[i].X[0] = 1
			}
			limits := []time.Duration{enough, enough}
			if want == l2l.TimedOut {
				limits[0] = 5 * time.Second
			}
			results := run(t, opts, es, limits...)
			if results[0].Ending != want {
				t.Errorf("%+v, want %v", results[0], want)
			}
			if results[1].Ending != l2l.OK || results[1].Fitness[0] != 0 {
				t.Errorf("the next evaluation counts what is left: %+v", results[1])
			}
		})
	}
}

// owners are what a rank may have started when it is killed. Each is to leave the three processes of escaping behind.
func owners(t *testing.T, m string) map[string]*Process {
	t.Helper()
	launcher, err := filepath.Abs("testdata/launcher.py")
	if err != nil {
		t.Fatal(err)
	}
	py := alone(t)
	fake := child.Words{py.path, launcher, "-n", "2"}
	worker := func(launcher ...string) *Process {
		p := acting(t, py)
		p.Env["MARK"], p.Launcher = m, launcher
		p.Constants["setup"] = "import subprocess; subprocess.run(['sh', '-c', " + strconv.Quote(escaping) + "])"
		return p
	}
	oneshot := func(launcher ...string) *Process {
		p := script(t, escaping+"sleep 1000; echo 1")
		p.Pass, p.Env, p.Launcher = passEnvironment, map[string]string{"MARK": m}, launcher
		return p
	}
	list := map[string]*Process{
		"a worker": worker(), "a worker behind a launcher": worker(fake...),
		"a oneshot program": oneshot(), "a oneshot program behind a launcher": oneshot(fake...),
	}
	for _, mpirun := range []string{"mpirun.openmpi", "mpirun.mpich"} {
		if _, err := exec.LookPath(mpirun); err != nil {
			continue
		}
		argv := []string{mpirun, "-n", "2"}
		if mpirun == "mpirun.openmpi" {
			argv = append(argv, "--oversubscribe")
			if os.Getuid() == 0 {
				argv = append(argv, "--allow-run-as-root")
			}
		}
		list[mpirun] = oneshot(argv...)
	}
	return list
}

func TestNothingThatARankStartedOutlivesIt(t *testing.T) {
	if name := os.Getenv("L2L_TEST_OWNER"); name != "" { // the rank
		p := owners(t, os.Getenv("MARK"))[name]
		if err := errors.Join(p.Open(), p.Prepare(t.Context())); err != nil {
			t.Fatal(err)
		}
		for range 100 { // starting threads and ending them must not end the program
			done := make(chan bool)
			go func() { runtime.LockOSThread(); close(done) }()
			<-done
		}
		go func() {
			time.Sleep(100 * time.Millisecond)
			fmt.Println("\nready")
		}()
		if p.Mode == modeOneshot {
			_, err := evaluate(t, p, someValues())
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		return
	}
	// What this process catches, those that it starts do not ignore, even where this one was started by nohup.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	rank := "-test.run=^" + t.Name() + "$"
	for name := range owners(t, "") {
		for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGABRT} {
			t.Run(fmt.Sprintf("%s, %v", name, s), func(t *testing.T) {
				t.Parallel()
				m := seconds()
				want := 3
				if strings.HasPrefix(name, "mpirun") {
					want = 6
				}
				cmd := exec.Command(os.Args[0], rank)
				cmd.Env = append(os.Environ(), "L2L_TEST_OWNER="+name, "MARK="+m)
				out, err := cmd.StdoutPipe()
				if err == nil {
					err = cmd.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(out)
				for lines.Scan() && lines.Text() != "ready" {
				}
				soon(t, "all are there", func() bool { return len(sleeping(m)) == want })
				began := time.Now()
				_ = cmd.Process.Signal(s)
				_ = cmd.Wait() // killed
				mine := func() bool { return len(sleeping(m)) == 0 && len(processesWith("MARK="+m)) == 0 }
				soon(t, "nothing is left", mine)
				t.Logf("nothing is left after %v", time.Since(began).Round(time.Millisecond))
			})
		}
	}
}
