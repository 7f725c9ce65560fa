package report

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
)

// State is how a run stands.
type State string

// The states.
const (
	Running     State = "running"
	Finished    State = "finished"    // its rules ended it
	Interrupted State = "interrupted" // by a signal, or at its wall time: to be resumed
	Stopped     State = "stopped"     // by an order; whoever gave it resumes it when it is time
	Crashed     State = "crashed"     // its process is gone, and has not said why: to be resumed
	Failed      State = "failed"      // too much failed, or it could not go on
)

// Resumable reports whether the run was cut short and can be resumed.
func (s State) Resumable() bool { return s == Interrupted || s == Crashed || s == Stopped }

// Status is how a run stands, as its journal has it: right after any kill, whatever exit code a launcher made of the program's.
type Status struct {
	Dir         string    `json:"dir"`
	State       State     `json:"state"`
	Resumable   bool      `json:"resumable"`
	Reason      string    `json:"reason"` // why it ended; "" where it has not, or has not said
	Evaluations int64     `json:"evaluations"`
	Sessions    int       `json:"sessions"`         // starts of the program
	LastEvent   time.Time `json:"last_event"`       // when something was last written
	Paused      bool      `json:"paused,omitempty"` // by an order, while it is running
	Host        string    `json:"host,omitempty"`   // of rank 0, in the last session
}

// quiet is how long nothing may be heard of a run on another host, whose process cannot be asked for, until it counts as crashed. Package run has it
// say that it lives more often than that.
const quiet = 2 * time.Minute

// ReadStatus reads how the run in dir stands.
func ReadStatus(dir string) (Status, error) {
	s := Status{Dir: dir}
	if !journal.Exists(dir) {
		return s, fmt.Errorf("%s %w", dir, ErrNoRun)
	}
	running, err := journal.InUse(dir) // before the events are read: a run that ends meanwhile has said why
	if err != nil {
		return s, err
	}
	var stopped *l2l.Stopped // the last event
	for e, err := range journal.Read(dir, 0) {
		if journal.IsTorn(err) {
			break
		}
		if err != nil {
			return s, err
		}
		stopped = nil
		switch e := e.Event.(type) {
		case l2l.Begun:
			s.Sessions++
			s.Paused = false
			if len(e.Hosts) > 0 {
				s.Host = e.Hosts[0]
			}
		case l2l.Ordered:
			s.Paused = paused(s.Paused, e)
		case l2l.Result:
			s.Evaluations++
		case l2l.Stopped:
			stopped = &e
		}
	}
	if s.LastEvent, err = journal.Written(dir); err != nil {
		return s, err
	}
	here, _ := os.Hostname() // unknown hosts count as one
	switch {
	case stopped != nil:
		s.Reason = stopped.Reason
		s.State = ended(*stopped)
	case running, s.Host != "" && s.Host != here && (time.Since(s.LastEvent) < quiet || time.Since(journal.Touched(dir)) < quiet):
		s.State = Running
	default:
		s.State = Crashed
	}
	s.Resumable, s.Paused = s.State.Resumable(), s.Paused && s.State == Running
	return s, nil
}

// paused reports whether a run pauses after an order, which did so before it or not.
func paused(before bool, o l2l.Ordered) bool {
	switch o.Order {
	case "pause":
		return true
	case "resume", "stop":
		return false
	}
	return before
}

// ended is the state of a run that has said why it ended.
func ended(e l2l.Stopped) State {
	rule := e.Rule
	if rule == "" { // the first version had the text alone
		text, _, _ := strings.Cut(e.Reason, ":")
		rule = l2l.StopRule(text)
	}
	switch reason := (l2l.StopReason{Rule: rule}); {
	case rule == l2l.ByOrder:
		return Stopped
	case reason.Resumable():
		return Interrupted
	case reason.Failed():
		return Failed
	}
	return Finished
}

// String is the status as a line for people.
func (s Status) String() string {
	text := fmt.Sprintf("%s: %s", s.Dir, s.State)
	if s.Paused {
		text += ", paused"
	}
	if s.Reason != "" && s.Reason != string(s.State) {
		text += ", " + strings.TrimPrefix(s.Reason, string(s.State)+": ")
	}
	text += fmt.Sprintf("; %s, the last event %v ago", Count(s.Evaluations, "evaluation"), max(time.Since(s.LastEvent), 0).Round(time.Second))
	if s.Resumable {
		text += "; go on with --resume --set output.dir=" + s.Dir
	}
	return text
}
