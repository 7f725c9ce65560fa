package report

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
)

func TestSessionsSayHowEachOneEnded(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const second = 1_000_000
	for _, e := range []l2l.Event{
		l2l.Begun{At: 1 * second, Hosts: []string{"a"}, Session: l2l.Session{MPI: "m"}}, l2l.Session{Commit: "c", Files: map[string]string{"f": "1"}},
		l2l.Result{At: 2 * second}, l2l.Stopped{Reason: "interrupted: x", At: 3 * second, Rule: l2l.Interrupted},
		l2l.Begun{At: 4 * second}, l2l.Result{At: 5 * second}, l2l.Result{At: 6 * second}, l2l.Ordered{Order: "pause", By: "u", At: 7 * second},
		l2l.Begun{At: 9 * second}, l2l.Session{Packages: []string{"p==1"}},
	} {
		if err := j.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Sessions()
	if err != nil || len(s) != 3 {
		t.Fatalf("got %+v, %v", s, err)
	}
	for _, c := range []struct {
		goesOn bool
		want   []string
	}{
		{true, []string{"interrupted: x", "killed, or it crashed", ""}},
		{false, []string{"interrupted: x", "killed, or it crashed", "killed, or it crashed"}},
	} {
		var reasons []string
		for _, e := range s.Entries(c.goesOn) {
			reasons = append(reasons, e.Reason)
			if (e.Ended == "") != (e.Reason == "") {
				t.Errorf("an entry has ended at %q for the reason %q", e.Ended, e.Reason)
			}
		}
		if !slices.Equal(reasons, c.want) {
			t.Errorf("goes on: %t: got %q, want %q", c.goesOn, reasons, c.want)
		}
	}
	first, second2 := s[0].Begun.Session, s[1]
	if first.MPI != "m" || first.Commit != "c" || s.Files()["f"] != "1" || second2.Evaluations != 2 || second2.Last != 7*second || len(second2.Orders) != 1 ||
		s[2].Begun.Session.Packages[0] != "p==1" {
		t.Errorf("got %+v", s)
	}
	if e := s.Entries(true); e[1].Ended != moment(7*second) || e[0].Ranks != 1 {
		t.Errorf("got %+v", e)
	}
}

func TestStatusOfARunElsewhereThatPausesIsThatItRuns(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Record(l2l.Begun{Hosts: []string{"elsewhere"}}), j.Record(l2l.Ordered{Order: "pause"}), j.Close()); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "journal", "events"), long, long); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadStatus(dir); err != nil || s.State != Crashed || s.Paused || s.Host != "elsewhere" {
		t.Errorf("nothing is heard of it: %+v, %v", s, err)
	}
	if err := (Live{}).Write(dir); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadStatus(dir); err != nil || s.State != Running || !s.Paused || s.Resumable {
		t.Errorf("it says that it lives: %+v, %v", s, err)
	}
}
