package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/optimizee"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

// events are one of each kind, and some more.
func events() []l2l.Event {
	return []l2l.Event{
		l2l.Begun{
			Config: "name: test\n", Seed: 7, Version: "v1", Hosts: []string{"a", "b"}, Slots: 4, At: 12,
			Space:      optimizee.Space{{Name: "x", Upper: 1, Unit: "mV"}, {Name: "k", Kind: optimizee.Categorical, Choices: []string{"p", "q"}}},
			Objectives: []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}},
		},
		l2l.Known{Solutions: []optimizer.Solution{{X: codec.Vector{0.1, 1}, Loss: codec.Vector{2}}, {X: codec.Vector{0.2, 0}}}},
		l2l.Asked{Max: 0, Individuals: []l2l.Individual{{ID: 0, X: codec.Vector{0.25, 1}}, {ID: 1, X: codec.Vector{0.5, 0}}}},
		l2l.Result{Individual: 1, Fitness: codec.Vector{1.5}, Seconds: 0.25, Rank: 1, At: 13},
		l2l.Result{Individual: 0, Attempt: 1, Outcome: l2l.Failed, Reason: "exit status 3", Seconds: 0.5, Rank: 1, At: 14},
		l2l.Asked{Max: 3},
		l2l.Stopped{Reason: "generations: 1", At: 15},
	}
}

func write(t *testing.T, dir string, events ...l2l.Event) {
	t.Helper()
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := j.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// read returns the events of a run and the error that ended the reading.
func read(dir string) (all []l2l.Event, ends []int64, err error) {
	for e, err := range journal.Read(dir, 0) {
		if err != nil {
			return all, ends, err
		}
		all, ends = append(all, e.Event), append(ends, e.End)
	}
	return all, ends, nil
}

func file(dir string) string { return filepath.Join(dir, "journal", "events") }

func TestEventsComeBackAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	got, _, err := read(dir)
	if err != nil || !reflect.DeepEqual(got, events()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReadingMayBeginAfterAnyEvent(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	_, ends, _ := read(dir)
	for i, end := range ends {
		n := 0
		for _, err := range journal.Read(dir, end) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if want := len(events()) - i - 1; n != want {
			t.Errorf("after event %d: %d events, want %d", i, n, want)
		}
	}
}

func TestATornTailIsCutWhereverItIsTorn(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	whole, err := os.ReadFile(file(dir))
	if err != nil {
		t.Fatal(err)
	}
	_, ends, _ := read(dir)
	for length := range len(whole) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Dir(file(dir)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file(dir), whole[:length], 0o666); err != nil {
			t.Fatal(err)
		}
		survive, end := 0, int64(8)
		for _, e := range ends {
			if e <= int64(length) {
				survive, end = survive+1, e
			}
		}
		j, cut, err := journal.Open(dir, journal.Options{})
		if err != nil {
			t.Fatalf("torn at byte %d: %v", length, err)
		}
		if want := max(int64(length)-end, 0); cut != want {
			t.Errorf("torn at byte %d: cut %d bytes, want %d", length, cut, want)
		}
		if err := errors.Join(j.Record(l2l.Stopped{Reason: "again"}), j.Close()); err != nil {
			t.Fatal(err)
		}
		got, _, err := read(dir)
		if want := append(events()[:survive:survive], l2l.Stopped{Reason: "again"}); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("torn at byte %d: got %d events, want %d; %v", length, len(got), len(want), err)
		}
	}
}

func TestATailOfZerosCountsAsTorn(t *testing.T) {
	for _, zeros := range []int{1, 8, 9, 100, 100_000} {
		dir := t.TempDir()
		write(t, dir, events()...)
		f, err := os.OpenFile(file(dir), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(make([]byte, zeros)); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if _, _, err := read(dir); !journal.IsTorn(err) {
			t.Errorf("%d zeros: got %v", zeros, err)
		}
		j, cut, err := journal.Open(dir, journal.Options{})
		if err != nil || cut != int64(zeros) {
			t.Fatalf("%d zeros: cut %d, %v", zeros, cut, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFlippedByteAnywhereIsReportedWithItsFrame(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	whole, err := os.ReadFile(file(dir))
	if err != nil {
		t.Fatal(err)
	}
	_, ends, _ := read(dir)
	for at := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[at] ^= 0x10
		if err := os.WriteFile(file(dir), damaged, 0o666); err != nil {
			t.Fatal(err)
		}
		want := int64(0) // the frame that holds the byte; 0 for the magic
		if at >= 8 {
			want = 8
			for _, e := range ends {
				if e <= int64(at) {
					want = e
				}
			}
		}
		for _, open := range []func() error{
			func() error { _, _, err := read(dir); return err },
			func() error { _, _, err := journal.Open(dir, journal.Options{}); return err },
		} {
			err := open()
			var d *journal.Damage
			if !errors.As(err, &d) || d.Torn || d.Offset != want {
				t.Fatalf("byte %d flipped: got %v, want damage at byte %d", at, err, want)
			}
		}
		if now, _ := os.ReadFile(file(dir)); string(now) != string(damaged) {
			t.Fatalf("byte %d flipped: the file was changed", at)
		}
	}
}

func TestARunIsNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	if _, err := journal.Create(dir, journal.Options{}); !errors.Is(err, journal.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	if !journal.Exists(dir) || journal.Exists(t.TempDir()) {
		t.Error("Exists is wrong")
	}
}

func TestOnlyOneProcessWrites(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := journal.Open(dir, journal.Options{}); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again, _, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestARunningJournalCanBeRead(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5000 {
		if err := j.Record(l2l.Result{Individual: int64(i)}); err != nil {
			t.Fatal(err)
		}
		if i%500 == 0 {
			if _, _, err := read(dir); err != nil && !journal.IsTorn(err) {
				t.Fatal(err)
			}
		}
	}
	if _, err := j.Sync(); err != nil {
		t.Fatal(err)
	}
	got, _, err := read(dir)
	if err != nil || len(got) != 5000 {
		t.Errorf("%d events after Sync, want 5000; %v", len(got), err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnErrorOfTheDiskIsNotLost(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Record(badEvent{}); err != nil { // recorded later, so found out later
		t.Fatal(err)
	}
	if _, err := j.Sync(); err == nil {
		t.Error("Sync reports nothing")
	}
	if err := j.Record(l2l.Stopped{}); err == nil {
		t.Error("the next Record reports nothing")
	}
	if err := j.Close(); err == nil {
		t.Error("Close reports nothing")
	}
}

// badEvent is an event that no frame exists for.
type badEvent struct{ l2l.Stopped }

func TestCheckpointsAreTakenByIntervalAndTheNewestWholeOneIsUsed(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Create(dir, journal.Options{Checkpoint: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Checkpoint(func() ([]byte, error) { t.Error("taken before its time"); return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if _, ok, passed := journal.LatestCheckpoint(dir); ok || len(passed) > 0 {
		t.Error("a checkpoint out of nowhere")
	}
	var ends []int64
	for i := range 4 {
		if err := j.Record(l2l.Result{Individual: int64(i)}); err != nil {
			t.Fatal(err)
		}
		if err := j.CheckpointNow(func() ([]byte, error) { return fmt.Appendf(nil, "state %d", i), nil }); err != nil {
			t.Fatal(err)
		}
		end, _ := j.Sync()
		ends = append(ends, end)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "checkpoint", "*"))
	if len(files) != 2 {
		t.Fatalf("%d files kept, want 2: %v", len(files), files)
	}
	expect := func(state string, offset int64, passedOver int) {
		t.Helper()
		c, ok, passed := journal.LatestCheckpoint(dir)
		if !ok || string(c.Snapshot) != state || c.Offset != offset || len(passed) != passedOver {
			t.Errorf("got %q at %d (%v), passed over %v; want %q at %d", c.Snapshot, c.Offset, ok, passed, state, offset)
		}
	}
	expect("state 3", ends[3], 0)
	content, _ := os.ReadFile(files[1])
	for at := range content {
		damaged := append([]byte(nil), content...)
		damaged[at]++
		os.WriteFile(files[1], damaged, 0o666)
		expect("state 2", ends[2], 1)
	}
	os.WriteFile(files[1], content, 0o666)
	os.Truncate(file(dir), ends[2]) // the machine lost the end of the journal, but not the checkpoint
	expect("state 2", ends[2], 1)

	again, _, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	again.Record(l2l.Result{Individual: 9})
	if err := again.CheckpointNow(func() ([]byte, error) { return []byte("resumed"), nil }); err != nil {
		t.Fatal(err)
	}
	end, _ := again.Sync()
	expect("resumed", end, 0)
	again.Close()
}

func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	j, err := journal.Create(dir, journal.Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range events() {
		j.Record(e)
	}
	j.Close()
	whole, _ := os.ReadFile(file(dir))
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("L2LJRNL1"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		os.MkdirAll(filepath.Dir(file(dir)), 0o777)
		os.WriteFile(file(dir), content, 0o666)
		_, _, err := read(dir)
		var d *journal.Damage
		if err != nil && !errors.As(err, &d) {
			t.Fatalf("got %v, want *Damage", err)
		}
		if err != nil && !strings.Contains(err.Error(), "at byte") {
			t.Fatalf("%v does not say where", err)
		}
	})
}
