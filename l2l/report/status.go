package report

import (
	"fmt"
	"os"
	"strings"
	"time"

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
	Reason      string    `json:"reason"`      // why it ended; "" where it has not, or has not said
	Evaluations int64     `json:"evaluations"` // that have ended, attempts that are tried again included
	Sessions    int       `json:"sessions"`    // starts of the program
	LastEvent   time.Time `json:"last_event"`  // when something was last written

	Name        string             `json:"name"`
	Begun       time.Time          `json:"begun,omitzero"` // when the last session did; the zero time where nothing has happened yet
	Generations int                `json:"generations"`    // completed
	Individuals int64              `json:"individuals"`    // whose evaluations have all ended
	Failures    int64              `json:"failures"`       // of them
	Best        map[string]float64 `json:"best"`           // the best fitness as it was told; null before the first success, and where there is a front
	Front       int                `json:"front,omitempty"`
	PerSecond   float64            `json:"per_second"` // evaluations of the last session
	Done        float64            `json:"done"`       // as in Progress
	Left        float64            `json:"left"`       // about how many seconds it will go on; 0 where nothing is known

	Paused bool   `json:"paused,omitempty"` // by an order, while it is running
	Host   string `json:"host,omitempty"`   // of rank 0, in the last session

	best string
}

// quiet is how long there may be no sign of life of a run on another host, whose process cannot be asked for, until it counts as crashed.
const quiet = 2 * time.Minute

// ReadStatus reads how the run in dir stands.
func ReadStatus(dir string) (Status, error) {
	if !journal.Exists(dir) {
		return Status{Dir: dir}, fmt.Errorf("%s %w", dir, ErrNoRun)
	}
	inUse, err := journal.InUse(dir) // before the events are read: a run that ends meanwhile has said why
	if err != nil {
		return Status{Dir: dir}, err
	}
	c := NewCourse()
	for e, err := range journal.Read(dir, 0) {
		if journal.IsTorn(err) {
			break
		}
		if err == nil {
			_, err = c.Take(e.Event)
		}
		if err != nil {
			return Status{Dir: dir}, err
		}
	}
	return c.Status(dir, inUse, time.Now())
}

// stand finds out how the run of a course stands, and returns what rank 0 tells of one that is running.
func (s *Status) stand(c *Course, inUse bool, now time.Time) (live *Live, err error) {
	if s.LastEvent, err = journal.Written(s.Dir); err != nil {
		return nil, err
	}
	live, alive := ReadLive(s.Dir)
	if s.LastEvent.After(alive) {
		alive = s.LastEvent
	}
	here, _ := os.Hostname() // unknown hosts count as one
	switch {
	case c.Stopped != nil:
		s.Reason = c.Stopped.Reason
		s.State = ended(*c.Stopped)
	case inUse, c.Host() != "" && c.Host() != here && now.Sub(alive) < quiet:
		s.State = Running
	default:
		s.State = Crashed
	}
	s.Resumable, s.Paused, s.Host = s.State.Resumable(), c.Paused && s.State == Running, c.Host()
	if s.State != Running {
		live = nil
	}
	return live, nil
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
	text += "; " + Count(s.Evaluations, "evaluation")
	if s.Generations > 0 {
		text += ", " + Count(s.Generations, "generation")
	}
	if best := s.BestText(); best != "" {
		text += ", " + best
	}
	if s.Failures > 0 {
		text += fmt.Sprintf(", %d failed", s.Failures)
	}
	if s.State == Running {
		text += ", ETA " + Progress{Left: time.Duration(s.Left * float64(time.Second))}.ETA()
	}
	text += fmt.Sprintf(", the last event %s ago", s.Ago())
	if s.Resumable {
		text += "; go on with --resume --set output.dir=" + s.Dir
	}
	return text
}

// Ago is how long ago something was last written, as people read it.
func (s Status) Ago() string { return DurationText(max(time.Since(s.LastEvent), 0)) }

// BestText is what was found, on one line: the best fitness, or how many individuals are on the front; "" before there is any.
func (s Status) BestText() string {
	if s.Front > 0 {
		return fmt.Sprintf("%d on the front", s.Front)
	}
	if s.best != "" {
		return "best " + s.best
	}
	return ""
}
