package run

import (
	"fmt"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// Use is how the time of a session's slots was used, in parts that add up to 1.
type Use struct {
	Busy     float64 `json:"busy"`     // with evaluations whose results are in the journal: see report.Busy
	Starting float64 `json:"starting"` // until the search began: optimizees get ready
	Lost     float64 `json:"lost"`     // with copies that came second, or of ranks that were lost
	Waiting  float64 `json:"waiting"`  // with nothing to do: for the end of a generation, or for rank 0
}

// String is the use as people read it; "" where there is none.
func (u Use) String() string {
	if u == (Use{}) {
		return ""
	}
	text := fmt.Sprintf("%.0f %% busy, %.0f %% without work", 100*u.Busy, 100*u.Waiting)
	if u.Starting >= 0.005 {
		text += fmt.Sprintf(", %.0f %% starting", 100*u.Starting)
	}
	if u.Lost >= 0.005 {
		text += fmt.Sprintf(", %.0f %% lost", 100*u.Lost)
	}
	return text
}

// use measures a session.
type use struct {
	slots    int
	began    time.Time     // the session
	starting time.Duration // until the search began
	busy     float64       // seconds of slots
	ended    time.Time     // when the search stopped, as the journal has it: what comes after is none of its time
}

// observe is an l2l.Observer.
func (u *use) observe(e l2l.Event, _ *l2l.Individual, _ *l2l.Search) {
	if r, ok := e.(l2l.Result); ok {
		u.busy += r.Seconds
	}
	if s, ok := e.(l2l.Stopped); ok {
		u.ended = time.UnixMicro(s.At)
	}
}

// at is the use up to a time, of which so much was lost.
func (u *use) at(now time.Time, lost time.Duration) Use {
	if !u.ended.IsZero() {
		now = u.ended
	}
	all := float64(u.slots) * now.Sub(u.began).Seconds()
	if all <= 0 {
		return Use{}
	}
	busy := report.Busy(u.busy, all)
	left := 1 - busy // what is measured in several places may overlap a little
	part := func(seconds float64) float64 {
		p := min(max(seconds/all, 0), left)
		left -= p
		return p
	}
	starting := part(float64(u.slots) * u.starting.Seconds())
	return Use{Busy: busy, Starting: starting, Lost: part(lost.Seconds()), Waiting: left}
}
