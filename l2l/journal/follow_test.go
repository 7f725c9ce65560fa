package journal

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
)

// numberedEvent is an event with a number.
func numberedEvent(n int64) l2l.Event {
	return l2l.Result{Individual: n, Fitness: []float64{float64(n)}}
}

// followed are the numbers of the events that a follower has, and its error.
func followed(f *Follower) (numbers []int64, err error) {
	for e, err := range f.Events() {
		if err != nil {
			return numbers, err
		}
		numbers = append(numbers, e.Event.(l2l.Result).Individual)
	}
	return numbers, nil
}

func TestFollowerHasEachEventOnceAsItIsWritten(t *testing.T) {
	dir := t.TempDir()
	j, err := Create(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := Follow(dir)
	next := int64(0)
	write := func(n int) {
		t.Helper()
		for range n {
			if err := j.Record(numberedEvent(next)); err != nil {
				t.Fatal(err)
			}
			next++
		}
		if _, err := j.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	want := int64(0)
	read := func() {
		t.Helper()
		got, err := followed(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range got {
			if n != want {
				t.Fatalf("event %d, want %d", n, want)
			}
			want++
		}
		if want != next {
			t.Errorf("%d events are known of %d", want, next)
		}
	}
	read()
	for _, n := range []int{1, 0, 5, 200} {
		write(n)
		read()
	}
	for range f.Events() { // one is read, and those after it are not lost
		break
	}
	write(3)
	for range f.Events() {
		want++
		break
	}
	read()

	// The tail is torn by a kill, and cut off by a resume that goes on.
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(eventsFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	torn := append(b, b[len(b)-20:]...)
	if err := os.WriteFile(eventsFile(dir), torn[:len(b)+5], 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := followed(f); len(got) > 0 || !IsTorn(err) {
		t.Errorf("of a torn tail: %v, %v", got, err)
	}
	if j, _, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	write(2)
	read()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFollowerTellsThatTheJournalIsAnotherOne(t *testing.T) {
	for what, after := range map[string]int{"shorter": 2, "as long": 10, "longer": 20} {
		dir := t.TempDir()
		write := func(from, n int) {
			t.Helper()
			if err := os.RemoveAll(journalDir(dir)); err != nil {
				t.Fatal(err)
			}
			j, err := Create(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for k := range n {
				if err := j.Record(numberedEvent(int64(from + k))); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
		write(0, 10)
		f := Follow(dir)
		if got, err := followed(f); len(got) != 10 || err != nil {
			t.Fatal(got, err)
		}
		write(100, after)
		if got, err := followed(f); len(got) > 0 || !errors.Is(err, ErrReplaced) {
			t.Errorf("%s: %v, %v, want ErrReplaced", what, got, err)
		}
	}
}

// Who asks whether a journal is in use does not keep a run from going on.
func TestJournalIsOpenedWhileSomebodyAsksWhetherItIsInUse(t *testing.T) {
	dir := t.TempDir()
	j, err := Create(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	asking, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-asking:
				return
			default:
				if _, err := InUse(dir); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Microsecond)
			}
		}
	}()
	for range 60 {
		j, _, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(asking)
	<-done
}
