package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// The reasons of failures.
const (
	unasked  = `^it sent \d+ bytes that nobody had asked for: it has to answer each request once`
	ended    = `^the program ended \(exit status 0\) without an answer`
	timedOut = `^took longer than the timeout of 1s`
)

// evil is how a worker answers, and what is to follow; "" is that the evaluation is in order.
type evil struct {
	act   string
	first string // the reason of the evaluation that it is done in
	next  string // that of the next, which is in order
	from  int    // the first version of the protocol in which it is seen; 0 is all
}

var evils = []evil{
	{"twice", "", unasked, 0},
	{"early", "", unasked, 0},
	{"an answer again, late", "", unasked, 0},
	{"without end", "", unasked, 0},
	{"by a grandchild", "", "", 0}, // it is an answer, once
	{"by a grandchild, after its death", ended, "", 0},
	{"too much", `^a frame longer than allowed: 20000\d\d bytes`, "", 0},
	{"half, and death", ended, "", 0},
	{"half a length, and death", ended, "", 0},
	{"garbage", `^its answer is not json: invalid character`, "", 0},
	{"huge", `^a frame longer than allowed: 4294967295 bytes`, "", 0},
	{"another number", `^its answer has the number 77, want \d+: it has to answer each request once`, "", 2},
	{"another message", `^its answer is an object with the keys .*"points", want a list of results`, "", 0},
	{"many", `^its answer is an object with the keys .*want a list of results, as many as evaluations were asked for: 1`, "", 0},
	{"closed", `^the program closed its connection without an answer, and was ended|` + ended, "", 0},
}

var evilsInTime = []evil{
	{"never", timedOut, "", 0},
	{"half", timedOut, "", 0},
	{"after the timeout", timedOut, "", 0},
	{"by a grandchild, after the timeout", timedOut, "", 0},
	{"a frame without end", timedOut, "", 0},
}

// TestNoAnswerOfAHostileWorkerIsTakenForAnother has workers answer in every wrong way: each costs an evaluation, with a reason, and the slot
// goes on. No result is ever that of another evaluation.
func TestNoAnswerOfAHostileWorkerIsTakenForAnother(t *testing.T) {
	t.Parallel()
	launcher, err := filepath.Abs("testdata/launcher.py")
	if err != nil {
		t.Fatal(err)
	}
	py := alone(t)
	var all sync.WaitGroup
	for version := 1; version <= child.Version; version++ {
		for way, launcher := range map[string]child.Words{"pipes": nil, "a socket": {py.path, launcher, "-n", "1"}} {
			for name, list := range map[string][]evil{"answers": evils, "none in time": evilsInTime} {
				all.Go(func() { // side by side, however few cores there are: they mostly wait
					t.Run(fmt.Sprintf("version %d by %s, %s", version, way, name), func(t *testing.T) { hostile(t, version, launcher, list) })
				})
			}
		}
	}
	all.Wait()
}

func hostile(t *testing.T, version int, launcher child.Words, list []evil) {
	var space optimizee.Space
	m, said := seconds(), filepath.Join(t.TempDir(), "said")
	opts := dispatch.Options{Slots: 1, PrepareTimeout: 2 * time.Minute, Make: func() (optimizee.Optimizee, error) {
		p := New()
		p.Command, p.Dir, p.Launcher = child.Words{python, "-S", "hostile.py"}, "testdata", launcher
		p.Env = map[string]string{"VERSION": strconv.Itoa(version), "L2L_TEST_MARK": m, "SAID": said}
		p.Grace, p.MessageLimit = 500*time.Millisecond, 1<<20
		acts := []any{"ok"}
		for _, e := range list {
			acts = append(acts, e.act)
		}
		*p.Parameters.Append("x").(*Parameter) = Parameter{Std: 1}
		*p.Parameters.Append("act").(*Parameter) = Parameter{Choices: acts}
		*p.Config.Objectives.Append("error").(*Objective) = Objective{Direction: "minimise"}
		err := p.Open()
		space = p.Space()
		return p, err
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	solo, err := dispatch.NewSolo(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	evaluate := func(evil, act, reason string) {
		t.Helper()
		n++
		limit := 2 * time.Minute
		if reason == timedOut {
			limit = time.Second
		}
		if err := solo.Limit(dispatch.Limits{Timeout: limit}); err != nil {
			t.Fatal(err)
		}
		x, err := space.Encode(map[string]any{"x": float64(n), "act": act})
		if err == nil {
			err = solo.Submit([]l2l.Evaluation{{Individual: int64(n), X: x}})
		}
		if err != nil {
			t.Fatal(err)
		}
		rs, err := solo.Next(ctx)
		if err != nil || len(rs) != 1 {
			t.Fatalf("%s: %v, %v", evil, rs, err)
		}
		want := l2l.Failed
		switch reason {
		case "":
			want = l2l.OK
		case timedOut:
			want = l2l.TimedOut
		}
		r := rs[0]
		if r.Ending != want || !regexp.MustCompile(reason).MatchString(r.Reason) || want == l2l.OK && !slices.Equal(r.Fitness, []float64{float64(n)}) {
			t.Errorf("%s: the evaluation of %d, in which it does %q: %v %v %q, want %v: %s", evil, n, act, r.Ending, r.Fitness, r.Reason, want, reason)
		}
	}
	for _, e := range list {
		if version < e.from {
			continue
		}
		evaluate(e.act, e.act, e.first)
		if e.next != "" {
			// More has come than was asked for: together with the answer, or soon, of which the worker tells unless it is ended for it.
			soon(t, e.act+": more has come than was asked for", func() bool {
				return !strings.Contains(e.act, "late") || os.Remove(said) == nil || len(processesWith("L2L_TEST_MARK="+m)) == 0
			})
		}
		evaluate(e.act, "ok", e.next)
		evaluate(e.act, "ok", "")
	}
	if err := solo.Close(); err != nil {
		t.Error(err)
	}
	if left := processesWith("L2L_TEST_MARK=" + m); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
}
