package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/dispatch"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// A run is told what to do while it goes on by files in its directory, without a server: an order is a file in control/ that appears as a
// whole, whose name ends in .order. Rank 0 looks for such files, takes one by removing it, does what it says, and answers by a file whose name is the
// same but for its end, .answer. Whoever gave the order waits for that, and removes it. One who does not want to wait any longer removes
// the order, and knows by whether it was still there whether it may still be taken.
const (
	controlDir = "control"
	orderEnd   = ".order"
	answerEnd  = ".answer"
)

// look is how often rank 0 looks for orders.
const look = 250 * time.Millisecond

// Order is what a run is told to do.
type Order struct {
	Order string   `json:"order"`          // pause, resume, stop, set or inject
	Args  []string `json:"args,omitempty"` // of stop when, StopAfter or nothing; of set assignments, key.path=value; of inject individuals, YAML
	By    string   `json:"by,omitempty"`   // who gives it
}

// The orders.
const (
	OrderPause  = "pause"
	OrderResume = "resume"
	OrderStop   = "stop"
	OrderSet    = "set"
	OrderInject = "inject"
	StopAfter   = "after generation"
)

// Orders lists what a run can be told.
func Orders() []string { return []string{OrderPause, OrderResume, OrderStop, OrderSet, OrderInject} }

// orderAnswer is the answer to an order.
type orderAnswer struct {
	Text    string `json:"text,omitempty"`
	Refused string `json:"refused,omitempty"` // why it is not carried out: what was asked for cannot be
	Failed  string `json:"failed,omitempty"`  // why it was not
}

// ErrNobody is what an error of Tell is, by errors.Is, where no process listens to orders.
var ErrNobody = errors.New("nobody listens")

// Tell gives the run in dir an order, and waits for the answer, until ctx ends. The error is ErrUsage for an order that is refused, ErrNobody where
// no process is there to carry it out, and report.ErrNoRun.
func Tell(ctx context.Context, dir string, o Order) (answer string, err error) {
	status, err := report.ReadStatus(dir)
	if err != nil {
		return "", err
	}
	if status.State != report.Running {
		return "", fmt.Errorf("%w: %s", ErrNobody, status)
	}
	text, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	control := filepath.Join(dir, controlDir)
	if err := os.MkdirAll(control, 0o777); err != nil {
		return "", err
	}
	host, _ := os.Hostname() // it only keeps names apart
	name := filepath.Join(control, fmt.Sprintf("%s-%s-%d", time.Now().UTC().Format("20060102T150405.000000000"), host, os.Getpid()))
	if err := journal.WriteFile(name+orderEnd, append(text, '\n')); err != nil {
		return "", err
	}
	defer func() {
		_ = os.Remove(name + answerEnd) // unless there is none
		_ = os.Remove(control)          // unless there is more in it
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	beside, _ := journal.InUse(dir) // its process is on this host: one sees when it ends
	for {
		runs := beside
		if beside {
			runs, _ = journal.InUse(dir)
		}
		b, err := os.ReadFile(name + answerEnd)
		switch {
		case err == nil:
			return read(b)
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		case beside && !runs:
			return "", takenBack(dir, name)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", takenBack(dir, name)
		}
	}
}

// read reads an answer.
func read(b []byte) (string, error) {
	var a orderAnswer
	if err := json.Unmarshal(b, &a); err != nil {
		return "", fmt.Errorf("the answer cannot be read: %w", err)
	}
	switch {
	case a.Refused != "":
		return "", usage(errors.New(a.Refused))
	case a.Failed != "":
		return "", errors.New(a.Failed)
	}
	return a.Text, nil
}

// takenBack takes an order back that has not been answered, and tells what that means.
func takenBack(dir, name string) error {
	taken := os.Remove(name+orderEnd) != nil
	status, err := report.ReadStatus(dir)
	switch {
	case taken:
		return errors.New("the run has taken the order, and has not answered yet; its journal will tell: l2l-mpi status, report")
	case err == nil && status.State != report.Running:
		return fmt.Errorf("%w: %s", ErrNobody, status)
	}
	return fmt.Errorf("%w: the run goes on, as far as its directory tells, but has not taken the order, which was taken back: its process on %s hangs, "+
		"has a version without orders, or sees this directory late (--timeout)", ErrNobody, cmp.Or(status.Host, "its host"))
}

// listen looks for orders until stop is called, and gives them to the loop. Those that were left to an earlier session are removed.
func (r *leader) listen(orders *l2l.Orders, e evaluator) (stop func()) {
	dir := filepath.Join(r.dir, controlDir)
	for _, name := range given(dir, orderEnd) {
		if info, err := os.Stat(name); err == nil && info.ModTime().Before(r.started) {
			_ = os.Remove(name) // unless whoever gave it has
		}
	}
	over, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			for _, name := range given(dir, orderEnd) {
				r.takeOrder(name, orders, e)
			}
		}
	}()
	return func() {
		close(over)
		<-ended
		orders.Close(errEnded)
		for _, name := range given(dir, orderEnd) {
			if os.Remove(name) == nil {
				r.answer(name, orderAnswer{Failed: errEnded.Error()})
			}
		}
		_ = os.Remove(dir) // unless an answer waits there
	}
}

// given lists the files in dir with an end, in order.
func given(dir, end string) (names []string) {
	entries, _ := os.ReadDir(dir) // without it nobody has ever given an order
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), end) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names
}

// takeOrder takes the order in a file, and gives it to the loop.
func (r *leader) takeOrder(name string, orders *l2l.Orders, e evaluator) {
	b, err := os.ReadFile(name)
	if err != nil || os.Remove(name) != nil { // it was taken back
		return
	}
	answer := func(a orderAnswer) { r.answer(name, a) }
	var o Order
	if err := json.Unmarshal(b, &o); err != nil {
		answer(orderAnswer{Refused: fmt.Sprintf("the order cannot be read: %v", err)})
		return
	}
	a, err := r.action(o, e)
	if err != nil {
		answer(orderAnswer{Refused: err.Error()})
		return
	}
	text := ""
	var event l2l.Event = l2l.Ordered{Order: o.Order, Detail: a.detail, By: o.By, At: time.Now().UnixMicro()}
	if o.Order == OrderInject {
		event = nil // the loop has one of its own, if it takes them
	}
	orders.Give(l2l.Order{
		Event: event,
		Do: func(l *l2l.Loop) {
			if text, err = a.do(l); err == nil {
				r.log.Info().Str("by", o.By).Msg("ordered: " + text)
			}
		},
		Taken: func(failed error) {
			if err = cmp.Or(failed, err); err != nil {
				answer(orderAnswer{Failed: err.Error()})
			} else {
				answer(orderAnswer{Text: text})
			}
		},
	})
}

// errEnded is the answer to an order that comes too late.
var errEnded = errors.New("the run has ended before it took the order")

// answer answers the order that was in a file.
func (r *leader) answer(name string, a orderAnswer) {
	text, err := json.Marshal(a)
	if err == nil {
		err = journal.WriteFile(strings.TrimSuffix(name, orderEnd)+answerEnd, append(text, '\n'))
	}
	if err != nil {
		r.log.Warn().Err(err).Msg("an order cannot be answered")
	}
}

// action is what an order means: words for the journal, and what is done with the loop, which tells people what that was.
type action struct {
	detail string
	do     func(*l2l.Loop) (text string, err error)
}

// action returns an error for an order that cannot be carried out.
func (r *leader) action(o Order, e evaluator) (a action, err error) {
	if err := o.Check(); err != nil {
		return a, err
	}
	switch o.Order {
	case OrderPause:
		return action{"", func(l *l2l.Loop) (string, error) {
			l.Pause()
			return "the run pauses: what has begun is evaluated to its end, and nothing else begins until it is told to resume, " +
				"or is resumed after its end", nil
		}}, nil
	case OrderResume:
		return action{"", func(l *l2l.Loop) (string, error) {
			if !l.Paused() {
				return "the run goes on, as it did: it was not paused", nil
			}
			l.Resume()
			return "the run goes on", nil
		}}, nil
	case OrderStop:
		if len(o.Args) == 0 {
			return action{"", func(l *l2l.Loop) (string, error) {
				l.StopNow()
				return "the run stops now: what is under way is given up; --resume evaluates it again, and goes on", nil
			}}, nil
		}
		return action{StopAfter, func(l *l2l.Loop) (string, error) {
			l.StopAfterGeneration()
			return fmt.Sprintf("the run stops when generation %d, which is under way, is completed; --resume goes on",
				l.Search.Status().Generation), nil
		}}, nil
	}
	if o.Order == OrderInject {
		return r.injection(o)
	}
	return r.setting(o.Args, e)
}

// injection is the action that has individuals evaluated beside the search.
func (r *leader) injection(o Order) (a action, err error) {
	points, err := r.Points([]byte(o.Args[0]))
	if err != nil {
		return a, err
	}
	return action{"", func(l *l2l.Loop) (string, error) {
		individuals, err := l.Inject(points, o.By)
		if err != nil {
			return "", err
		}
		n := len(individuals)
		first, last := individuals[0].ID, individuals[n-1].ID
		if n == 1 {
			return fmt.Sprintf("individual %d is evaluated beside the search", first), nil
		}
		return fmt.Sprintf("%d individuals, %d to %d, are evaluated beside the search", n, first, last), nil
	}}, nil
}

// live are the keys that a run can change while it goes on.
var live = []string{"execution.timeout", "execution.start_timeout", "execution.max_failures",
	"stop.generations", "stop.evaluations", "stop.target", "stop.stagnation", "stop.wall_time"}

// setting is the action that changes values of the configuration.
func (r *leader) setting(assignments []string, e evaluator) (a action, err error) {
	plan, err := r.now.With(assignments)
	if err != nil {
		return a, err
	}
	changes, err := plan.ChangesFrom(r.now)
	if err != nil {
		return a, err
	}
	var errs []error
	var words []string
	for _, c := range changes {
		switch {
		case !c.Free:
			errs = append(errs, fmt.Errorf("%s: %s instead of %s would be another search: that is another run", c.Path, c.After, c.Before))
		case !slices.Contains(live, c.Path):
			errs = append(errs, fmt.Errorf("%s: a run has it from its start: stop it, and go on with --resume --set %s=…; while it goes on, it can change %s",
				c.Path, c.Path, strings.Join(live, ", ")))
		case c.Path == "stop.wall_time" && plan.Stop.WallTime == l2l.UntilJobEnds:
			errs = append(errs, errors.New("stop.wall_time: auto is found out at the start of a run; want a duration, from that start on"))
		}
		words = append(words, fmt.Sprintf("%s from %s to %s", c.Path, c.Before, c.After))
	}
	if err := errors.Join(errs...); err != nil {
		return a, err
	}
	if len(words) == 0 {
		words = []string{strings.Join(assignments, ", ") + ", as it was"}
	}
	detail := strings.Join(words, ", ")
	r.now = plan // the next order finds it so: orders are taken in their order
	return action{detail, func(l *l2l.Loop) (string, error) {
		text := detail + "; until the session ends: a resumed run has what its configuration says"
		stop := plan.Stop
		if stop.WallTime == l2l.UntilJobEnds {
			stop.WallTime = r.stop.Load().WallTime
		}
		r.stop.Store(&stop)
		l.SetStop(stop)
		l.MaxFailures, l.Hopeless = plan.Execution.Failures()
		return text, e.Limit(dispatch.Limits{Timeout: plan.Execution.Timeout, PrepareTimeout: plan.Execution.StartTimeout})
	}}, nil
}

// Check returns an error for an order that no run would carry out, whatever it is doing.
func (o Order) Check() error {
	switch {
	case !slices.Contains(Orders(), o.Order):
		return fmt.Errorf("%s: want %s", o.Order, strings.Join(Orders(), ", "))
	case o.Order == OrderSet && len(o.Args) == 0:
		return errors.New("set: nothing, want key.path=value")
	case o.Order == OrderInject && (len(o.Args) != 1 || strings.TrimSpace(o.Args[0]) == ""):
		return errors.New("inject: no individuals, want a list of them")
	case o.Order == OrderStop && len(o.Args) > 0 && (len(o.Args) > 1 || o.Args[0] != StopAfter):
		return fmt.Errorf("stop %s: want nothing else, or %s", strings.Join(o.Args, " "), StopAfter)
	case len(o.Args) > 0 && (o.Order == OrderPause || o.Order == OrderResume):
		return fmt.Errorf("%s %s: want nothing else", o.Order, strings.Join(o.Args, " "))
	}
	return nil
}
