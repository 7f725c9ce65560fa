package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
)

// Session is a start of the program, as the journal has it: where it came from, what it did, and how it ended.
type Session struct {
	Begun       l2l.Begun     // with all that was found out about it in Begun.Session
	Evaluations int64         // that have ended in it
	Orders      []l2l.Ordered // that were given to it
	Last        int64         // when something has happened in it last, Unix time in microseconds
	Stopped     *l2l.Stopped  // nil where it has not said how it ended: it goes on, or was killed
}

// Sessions are those of a run, in their order.
type Sessions []Session

// Take takes the next event of a journal in.
func (s *Sessions) Take(e l2l.Event) {
	if begun, ok := e.(l2l.Begun); ok {
		*s = append(*s, Session{Begun: begun, Last: begun.At})
		return
	}
	if len(*s) == 0 {
		return
	}
	last := &(*s)[len(*s)-1]
	switch e := e.(type) {
	case l2l.Session:
		last.Begun.Session.Add(e)
	case l2l.Result:
		last.Evaluations++
		last.Last = max(last.Last, e.At)
	case l2l.Ordered:
		last.Orders = append(last.Orders, e)
		last.Last = max(last.Last, e.At)
	case l2l.Injected:
		last.Orders = append(last.Orders, e.Order())
		last.Last = max(last.Last, e.At)
	case l2l.Stopped:
		last.Stopped = &e
		last.Last = max(last.Last, e.At)
	}
}

// Sessions are the run's, as far as they are written.
func (r *Run) Sessions() (Sessions, error) {
	var all Sessions
	for e, err := range journal.Read(r.Dir, 0) {
		if journal.IsTorn(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		all.Take(e.Event)
	}
	return all, nil
}

// Busy is the share of their time that slots were busy with evaluations whose results are in the journal, however they ended: seconds of evaluations over
// seconds of slots, 0 to 1; 0 where there was no time. It is of a session in manifest.json, and of a whole run in its report.
func Busy(evaluations, slots float64) float64 {
	if !(slots > 0) {
		return 0
	}
	return min(max(evaluations/slots, 0), 1) // what overlaps a little is not more than all
}

// Files are the model's files as the last session that knows any has them; nil if none does.
func (s Sessions) Files() map[string]string {
	for i := len(s) - 1; i >= 0; i-- {
		if f := s[i].Begun.Session.Files; f != nil {
			return f
		}
	}
	return nil
}

// Ended is how the session ended, in words; "" for one that goes on, which only the last one can.
func (s Session) Ended(goesOn bool) string {
	switch {
	case s.Stopped != nil:
		return s.Stopped.Reason
	case goesOn:
		return ""
	}
	return "killed, or it crashed"
}

// Versions are what the session was made with: the program, the compiler, MPI and the worker's interpreter, as far as they are known.
func (s Session) Versions() string {
	of := s.Begun.Session
	words := []string{s.Begun.Version}
	for _, w := range []struct{ name, version string }{{"", of.Go}, {"", of.MPI}, {"Python ", of.Python}} {
		if w.version != "" {
			words = append(words, w.name+w.version)
		}
	}
	return strings.Join(words, ", ")
}

// SessionEntry is a session in manifest.json.
type SessionEntry struct {
	Started     string            `json:"started,omitempty"`
	Ended       string            `json:"ended,omitempty"`  // of one that was killed: when something has happened last
	Reason      string            `json:"reason,omitempty"` // why it ended
	Evaluations int64             `json:"evaluations"`
	Command     []string          `json:"command,omitempty"`
	Dir         string            `json:"dir,omitempty"`
	Hosts       []string          `json:"hosts"`
	Ranks       int               `json:"ranks"`
	Slots       int               `json:"slots"`
	Job         string            `json:"job,omitempty"`
	Account     string            `json:"account,omitempty"`
	Version     string            `json:"version"`
	Go          string            `json:"go,omitempty"`
	MPI         string            `json:"mpi,omitempty"`
	Python      string            `json:"python,omitempty"`
	Commit      string            `json:"commit,omitempty"`
	Modules     []string          `json:"modules,omitempty"`
	Files       map[string]string `json:"files,omitempty"`
	Packages    []string          `json:"packages,omitempty"`
	Orders      []string          `json:"orders,omitempty"`
}

// Entries are the sessions as manifest.json has them. goesOn says that the last one has not ended.
func (s Sessions) Entries(goesOn bool) []SessionEntry {
	entries := make([]SessionEntry, len(s))
	for i, one := range s {
		of := one.Begun.Session
		e := SessionEntry{
			Evaluations: one.Evaluations, Command: of.Command, Dir: of.Dir, Hosts: one.Begun.Hosts, Ranks: len(one.Begun.Hosts), Slots: one.Begun.Slots,
			Job: of.Job, Account: of.Account, Version: one.Begun.Version, Go: of.Go, MPI: of.MPI, Python: of.Python, Commit: of.Commit,
			Modules: of.Modules, Files: of.Files, Packages: of.Packages,
		}
		if one.Begun.At > 0 {
			e.Started = moment(one.Begun.At)
		}
		if e.Reason = one.Ended(goesOn && i == len(s)-1); e.Reason != "" && one.Last > 0 {
			e.Ended = moment(one.Last)
		}
		for _, o := range one.Orders {
			e.Orders = append(e.Orders, OrderText(o))
		}
		entries[i] = e
	}
	return entries
}

// OrderText is an order as people read it.
func OrderText(o l2l.Ordered) string {
	text := o.Order
	if o.Detail != "" {
		text += " " + o.Detail
	}
	if o.By != "" {
		text += ", by " + o.By
	}
	return fmt.Sprintf("%s: %s", moment(o.At), text)
}

// moment is a time in microseconds as files have it.
func moment(unixMicro int64) string { return time.UnixMicro(unixMicro).Format(time.RFC3339) }
