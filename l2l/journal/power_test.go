package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// bowl evaluates at once.
type bowl struct{ waiting []l2l.Evaluation }

func (b *bowl) Capacity() int { return 4 }

func (b *bowl) Submit(es []l2l.Evaluation) error {
	b.waiting = append(b.waiting, es...)
	return nil
}

func (b *bowl) Next(context.Context) ([]l2l.Result, error) {
	rs := make([]l2l.Result, 0, 2)
	for _, e := range b.waiting[:min(2, len(b.waiting))] {
		r := l2l.Result{Individual: e.Individual, Instance: e.Instance, Replicate: e.Replicate, Attempt: e.Attempt, Fitness: []float64{e.X[0] * e.X[0]}}
		if e.Individual%7 == 3 {
			r.Ending, r.Fitness, r.Reason = l2l.Failed, nil, "a seventh fails"
		}
		rs = append(rs, r)
	}
	b.waiting = b.waiting[len(rs):]
	return rs, nil
}

func newSearch(t *testing.T) *l2l.Search {
	t.Helper()
	space := optimizee.Space{{Name: "x", Lower: -1, Upper: 1}}
	for _, a := range catalogue.All() {
		if a.Name == "genetic" {
			o, err := a.New(l2l.Problem(space, 0), a.Params(), 5)
			if err != nil {
				t.Fatal(err)
			}
			return l2l.NewSearch(o, l2l.Rules{Seed: 3, Objectives: []optimizee.Objective{{Name: "e", Direction: optimizee.Minimise}}, Sum: true})
		}
	}
	t.Fatal("no genetic algorithm")
	return nil
}

const individuals = 40

// session runs the search on a disk, or goes on with it there, as far as it comes.
func session(t *testing.T, d *disk, opts Options) (l2l.Summary, error) {
	t.Helper()
	search := newSearch(t)
	j, _, err := open(d, "run", opts)
	if errors.Is(err, fs.ErrNotExist) {
		j, err = create(d, "run", opts)
	}
	if err != nil {
		return l2l.Summary{}, err
	}
	var from int64
	c, ok, _ := latestCheckpoint(d, "run")
	if ok && search.Restore(c.Snapshot) == nil {
		from = c.Offset
	}
	for e, err := range read(d, "run", from) {
		if err == nil {
			_, err = search.Replay(e.Event)
		}
		if err != nil {
			return l2l.Summary{}, errors.Join(err, j.Close())
		}
	}
	loop := &l2l.Loop{Search: search, Evaluator: &bowl{}, Recorder: j, Stop: l2l.Stop{Evaluations: individuals}}
	s, err := loop.Run(context.Background())
	return s, errors.Join(err, j.Close())
}

// often is a journal that goes to the disk as often as it can.
var often = Options{Sync: time.Nanosecond, Checkpoint: time.Nanosecond}

// evaluatedOnce returns an error unless the journal holds each individual's evaluation once.
func evaluatedOnce(d *disk) error {
	seen := map[int64]int{}
	for e, err := range read(d, "run", 0) {
		if err != nil {
			return err
		}
		if r, ok := e.Event.(l2l.Result); ok {
			if seen[r.Individual]++; seen[r.Individual] > 1 {
				return fmt.Errorf("individual %d is there twice", r.Individual)
			}
		}
	}
	if len(seen) != individuals {
		return fmt.Errorf("%d individuals, want %d", len(seen), individuals)
	}
	return nil
}

// noneHalfWritten returns an error where a file was left behind by a process that was ended while it wrote it.
func noneHalfWritten(d *disk) error {
	var errs []error
	for _, dir := range []string{"run", journalDir("run"), checkpointDir("run")} {
		names, err := d.Names(dir)
		errs = append(errs, err)
		for _, name := range names {
			if strings.HasPrefix(name, ".") {
				errs = append(errs, fmt.Errorf("%s/%s is left over", dir, name))
			}
		}
	}
	return errors.Join(errs...)
}

// TestJournalSurvivesACutOfThePowerAtAnyOperation cuts the power at each operation of a run in turn, and again while the run is resumed.
func TestJournalSurvivesACutOfThePowerAtAnyOperation(t *testing.T) {
	want, err := session(t, newDisk(), often)
	if err != nil {
		t.Fatal(err)
	}
	every := 1
	if testing.Short() {
		every = 7
	}
	cuts := 0
	for at := 1; ; at += every {
		rng := rand.New(rand.NewPCG(uint64(at), 1))
		d := newDisk()
		d.failAt, d.failure = at, errPower
		_, err := session(t, d, often)
		if err == nil && !d.off {
			break // the run has fewer operations
		}
		cuts++
		for again := range 3 { // the second cut is somewhere in the resume; the third resume comes to the end
			d = d.restarted(rng)
			if again < 2 {
				d.failAt, d.failure = 1+rng.IntN(60), errPower
			}
			s, err := session(t, d, often)
			if err != nil && !errors.Is(err, errPower) {
				t.Fatalf("the power was cut at operation %d; resume %d: %v", at, again, err)
			}
			if err == nil && s.TrajectoryHash != want.TrajectoryHash {
				t.Fatalf("the power was cut at operation %d; resume %d: another trajectory", at, again)
			}
			if again == 2 && err != nil {
				t.Fatalf("the power was cut at operation %d, and the run did not come to its end: %v", at, err)
			}
		}
		if err := errors.Join(evaluatedOnce(d), noneHalfWritten(d)); err != nil {
			t.Fatalf("the power was cut at operation %d: %v", at, err)
		}
	}
	if cuts < 100/every {
		t.Errorf("the power was cut %d times only", cuts)
	}
}

// TestJournalAfterAnErrorOfTheDiskIsResumable has each operation fail in turn, once, with each error that disks have.
func TestJournalAfterAnErrorOfTheDiskIsResumable(t *testing.T) {
	want, err := session(t, newDisk(), often)
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.ESTALE, syscall.EINTR} {
		ended := 0
		for at := 1; ; at += 3 {
			d := newDisk()
			d.failAt, d.failure = at, failure
			_, err := session(t, d, often)
			if d.operations < at {
				break
			}
			if err != nil {
				if ended++; !errors.Is(err, failure) {
					t.Fatalf("%v at operation %d: the run ends by %v", failure, at, err)
				}
			}
			s, err := session(t, d, often)
			if err != nil || s.TrajectoryHash != want.TrajectoryHash {
				t.Fatalf("%v at operation %d: resumed, %v", failure, at, err)
			}
			if err := evaluatedOnce(d); err != nil {
				t.Fatalf("%v at operation %d: %v", failure, at, err)
			}
		}
		if ended < 10 {
			t.Errorf("%v ended %d runs only", failure, ended)
		}
	}
}

// TestJournalWaitsWhileTheDiskIsFull has the disk fill up for a moment.
func TestJournalWaitsWhileTheDiskIsFull(t *testing.T) {
	want, err := session(t, newDisk(), often)
	if err != nil {
		t.Fatal(err)
	}
	waits := 0
	for at := 12; at < 60; at += 13 {
		d := newDisk()
		d.failAt, d.failure = at, syscall.ENOSPC
		told := make(chan error, 1000)
		opts := often
		opts.Full = func(err error) { told <- err }
		s, err := session(t, d, opts)
		if len(told) == 0 {
			continue // it was no write
		}
		waits++
		if err != nil || s.TrajectoryHash != want.TrajectoryHash {
			t.Errorf("full at operation %d: %v", at, err)
		}
		if err := evaluatedOnce(d); err != nil {
			t.Errorf("full at operation %d: %v", at, err)
		}
	}
	if waits == 0 {
		t.Error("no run had to wait")
	}
}

// overtaken is a file system on which, whenever a journal's file has been made, and before whoever made it can lock it, another process opens the
// journal, writes to it and closes it.
type overtaken struct {
	fileSystem
	other func()
}

func (o overtaken) Open(name string, flag int, perm fs.FileMode) (file, error) {
	f, err := o.fileSystem.Open(name, flag, perm)
	if err == nil && flag&os.O_EXCL != 0 {
		o.other()
	}
	return f, err
}

func TestCreateLeavesARunAloneThatAResumeHasBegunAndEndedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	written := l2l.Stopped{Reason: "generations: 1"}
	other := func() {
		j, _, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.Record(written), j.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := create(overtaken{system{}, other}, dir, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	var events []l2l.Event
	for e, err := range Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e.Event)
	}
	if len(events) != 1 || events[0] != written {
		t.Errorf("got %v, want what the other process has written", events)
	}
}
