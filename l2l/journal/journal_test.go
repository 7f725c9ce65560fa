package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
			Config: "name: test\n", Version: "v1", Hosts: []string{"a", "b"}, Slots: 4, At: 12, Algorithm: "cmaes", Search: 1,
			Space: optimizee.Space{{Name: "x", Upper: 1, Unit: "mV"}, {Name: "k", Kind: optimizee.Categorical, Choices: []any{"p", "q"}}},
			Rules: l2l.Rules{
				Seed: 7, Objectives: []optimizee.Objective{{Name: "error", Direction: optimizee.Minimise}}, Sum: true,
				Sampling: l2l.Sampling{Instances: 3, Rotate: 1, Replicates: 2, Aggregate: l2l.Median}, OnFailure: l2l.OnFailure{Retries: 4, Then: l2l.Resample},
			},
			Measurements: []string{"rate"}, Session: l2l.Session{Command: []string{"l2l-mpi", "--resume"}, Files: map[string]string{"model.py": "ab"}},
		},
		l2l.WarmStart{Solutions: []optimizer.Solution{{X: codec.Vector{0.1, 1}, Loss: codec.Vector{2}}, {X: codec.Vector{0.2, 0}}}},
		l2l.Asked{Max: 0, Individuals: []l2l.Individual{{ID: 0, X: codec.Vector{0.25, 1}}, {ID: 1, X: codec.Vector{0.5, 0}}}},
		l2l.Result{Individual: 1, Fitness: codec.Vector{1.5}, Seconds: 0.25, Rank: 1, At: 13},
		l2l.Result{
			Individual: 0, Instance: 1, Replicate: 1, Fitness: codec.Vector{2}, Outputs: codec.Vector{3}, Targets: codec.Vector{4}, Host: "a",
			Violations: codec.Vector{0, 0.5}, Measurements: codec.Vector{7}, Step: 12, Slot: 3,
		},
		l2l.Figures{Generation: 1, Evaluations: 2, Names: []string{"sigma"}, Values: codec.Vector{0.25}},
		l2l.Asked{Max: 2, Count: 2, Digest: []byte{1, 2, 3}},
		l2l.Result{Individual: 0, Attempt: 1, Ending: l2l.Failed, Reason: "exit status 3", Seconds: 0.5, Rank: 1, At: 14},
		l2l.Asked{Max: 3},
		l2l.Finals{
			Stage: l2l.Race, From: -1, Of: []int{0, 1, 0, 1}, Budget: 40, Count: 6, Tests: 2,
			Finalists: []l2l.Finalist{{Origin: l2l.Recommended, Told: -1, X: codec.Vector{0.5, 0}}, {Origin: l2l.BestTold, X: codec.Vector{0.25, 1}}},
		},
		l2l.Result{Individual: -2, Replicate: 3, Fitness: codec.Vector{1}},
		l2l.Stopped{Reason: "generations: 1", At: 15, Rule: l2l.Generations},
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

func TestReadReturnsEventsAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	got, _, err := read(dir)
	if err != nil || !reflect.DeepEqual(got, events()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReadBeginsAfterAnyEvent(t *testing.T) {
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

func TestOpenCutsATornTailWhereverItIsTorn(t *testing.T) {
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

// A file system may know a file's new size before it has its content, of which the last part then is zeros, from anywhere on.
func TestOpenCutsATailOfZerosWhereverItBegins(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	whole, err := os.ReadFile(file(dir))
	if err != nil {
		t.Fatal(err)
	}
	_, ends, _ := read(dir)
	for from := range len(whole) + 1 {
		more := []int{0, 1, 9, 5000}[from%4]
		content := append(whole[:from:from], make([]byte, len(whole)-from+more)...)
		survive, end := 0, 8
		for _, e := range ends { // frames that end in zeros are whole by their checksums, or by luck
			if int(e) <= len(content) && string(content[:e]) == string(whole[:e]) {
				survive, end = survive+1, int(e)
			}
		}
		if err := os.WriteFile(file(dir), content, 0o666); err != nil {
			t.Fatal(err)
		}
		if from < 8 && from > 0 {
			continue // a part of the magic is some other file's
		}
		got, _, err := read(dir)
		if len(got) != survive || len(content) > end && !journal.IsTorn(err) {
			t.Fatalf("zeros from byte %d, %d more: %d events, %v, want %d and a torn tail", from, more, len(got), err, survive)
		}
		j, cut, err := journal.Open(dir, journal.Options{})
		if err != nil || cut != int64(len(content)-end) {
			t.Fatalf("zeros from byte %d, %d more: cut %d, %v, want %d", from, more, cut, err, len(content)-end)
		}
		if err := errors.Join(j.Record(l2l.Stopped{Reason: "again"}), j.Close()); err != nil {
			t.Fatal(err)
		}
		if got, _, err := read(dir); err != nil || len(got) != survive+1 {
			t.Fatalf("zeros from byte %d, %d more: afterwards %d events, %v", from, more, len(got), err)
		}
	}
}

// A frame that is there twice, that is missing, or that stands elsewhere is not what was written there, although each of its bytes is.
func TestReadFindsFramesThatWereCopiedMovedOrLeftOut(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	whole, err := os.ReadFile(file(dir))
	if err != nil {
		t.Fatal(err)
	}
	_, ends, _ := read(dir)
	frames := [][]byte{}
	for i, begin := 0, int64(8); i < len(ends); i, begin = i+1, ends[i] {
		frames = append(frames, whole[begin:ends[i]])
	}
	expect := func(what string, at int, changed [][]byte) {
		t.Helper()
		content := append([]byte(nil), whole[:8]...)
		for _, f := range changed {
			content = append(content, f...)
		}
		if err := os.WriteFile(file(dir), content, 0o666); err != nil {
			t.Fatal(err)
		}
		got, _, err := read(dir)
		var d *journal.Damage
		if !errors.As(err, &d) || len(got) != at {
			t.Errorf("%s: %d events, %v, want damage after %d", what, len(got), err, at)
		}
	}
	for i := range len(frames) - 1 {
		expect(fmt.Sprintf("frame %d twice", i), i+1, slices.Insert(slices.Clone(frames), i+1, frames[i]))
		expect(fmt.Sprintf("frame %d left out", i), i, slices.Delete(slices.Clone(frames), i, i+1))
		for k := i + 1; k < len(frames); k++ {
			swapped := slices.Clone(frames)
			swapped[i], swapped[k] = swapped[k], swapped[i]
			expect(fmt.Sprintf("frames %d and %d exchanged", i, k), i, swapped)
		}
	}
}

func TestReadReportsAFlippedByteAnywhereWithItsFrame(t *testing.T) {
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
			func() error {
				j, _, err := journal.Open(dir, journal.Options{})
				if err == nil {
					err = j.Close()
				}
				return err
			},
		} {
			err := open()
			var d *journal.Damage
			last := want == ends[len(ends)-2] && at >= int(want)+9 // what a machine leaves that dies: only its payload and checksum are not whole
			if !errors.As(err, &d) || d.Torn != last || d.Offset != want {
				if err == nil && last { // it was cut off
					if err := os.WriteFile(file(dir), damaged, 0o666); err != nil {
						t.Fatal(err)
					}
					continue
				}
				t.Fatalf("byte %d flipped: got %v, want damage at byte %d", at, err, want)
			}
		}
		if now, _ := os.ReadFile(file(dir)); string(now) != string(damaged) {
			t.Fatalf("byte %d flipped: the file was changed", at)
		}
	}
}

func TestCreateOverwritesNoRun(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, events()...)
	if _, err := journal.Create(dir, journal.Options{}); !errors.Is(err, journal.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	if !journal.Exists(dir) || journal.Exists(t.TempDir()) {
		t.Error("Exists is wrong")
	}
}

func TestOpenLetsOneProcessWrite(t *testing.T) {
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

func TestReadReadsARunningJournal(t *testing.T) {
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

func TestJournalLosesNoErrorOfTheDisk(t *testing.T) {
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

func TestCheckpointIsTakenByIntervalAndTheNewestWholeOneIsUsed(t *testing.T) {
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
	f.Add([]byte("L2LJRNL2"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		os.MkdirAll(filepath.Dir(file(dir)), 0o777)
		os.WriteFile(file(dir), content, 0o666)
		_, _, err := read(dir)
		var d *journal.Damage
		if err != nil && !errors.As(err, &d) && !errors.Is(err, journal.ErrVersion) {
			t.Fatalf("got %v, want *Damage or ErrVersion", err)
		}
		if err != nil && !strings.Contains(err.Error(), "at byte") {
			t.Fatalf("%v does not say where", err)
		}
	})
}

func TestJournalWhoseDirectoryIsDeletedSaysSo(t *testing.T) {
	for name, lose := range map[string]func(dir string) error{
		"deleted": os.RemoveAll,
		"moved":   func(dir string) error { return os.Rename(dir, dir+"-elsewhere") },
		"replaced": func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.MkdirAll(dir+"/journal", 0o777), os.WriteFile(dir+"/journal/events", nil, 0o666))
		},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		j, err := journal.Create(dir, journal.Options{Sync: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Record(l2l.Stopped{Reason: "a"}); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := lose(dir); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(2 * time.Minute); err == nil && time.Now().Before(end); time.Sleep(time.Millisecond) { // it is seen by the way
			err = j.Record(l2l.Stopped{Reason: "b"})
		}
		if err == nil || !strings.Contains(err.Error(), "was deleted, moved or replaced while the run went on") {
			t.Errorf("%s: %v", name, err)
		}
		if err := j.Close(); err == nil {
			t.Errorf("%s: it is closed without an error", name)
		}
	}
}
