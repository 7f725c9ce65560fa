package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// frame is a frame of any version: its kind, and its payload as a value.
type frame struct {
	kind  byte
	value any
}

// begunBy7 opens a journal that a later version wrote.
var begunBy7 = frame{kindBegun, map[string]any{"Config": "name: x\n", "Version": "v7.0.0"}}

// writeFrames writes a journal of frames, each with its checksum.
func writeFrames(t *testing.T, head string, frames ...frame) (dir string) {
	t.Helper()
	dir = t.TempDir()
	content := []byte(head)
	c, ok := begin(content)
	if !ok {
		t.Fatalf("%q is no magic", head)
	}
	for _, f := range frames {
		payload, ok := f.value.([]byte)
		if !ok {
			var err error
			if payload, err = msgpack.Marshal(f.value); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if content, err = c.appendFrame(content, f.kind, payload); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "journal"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(eventsFile(dir), content, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readAll(dir string, from int64) (all []l2l.Event, end int64, err error) {
	for e, err := range Read(dir, from) {
		if err != nil {
			return all, end, err
		}
		all, end = append(all, e.Event), e.End
	}
	return all, end, nil
}

// fieldsOf are the fields of a record, or of a struct, as any version reads them.
func fieldsOf(t *testing.T, event any) any {
	t.Helper()
	b, err := codec.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := msgpack.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestReadReadsEventsWithOneFieldMoreOrLess stands for every version to come, and for those that were.
func TestReadReadsEventsWithOneFieldMoreOrLess(t *testing.T) {
	x := codec.Vector{0.5, 1}
	for _, c := range []struct {
		kind    byte
		whole   l2l.Event
		without l2l.Event // the last field
	}{
		{kindBegun, l2l.Begun{Config: "a", Slots: 2, Session: l2l.Session{MPI: "m"}}, l2l.Begun{Config: "a", Slots: 2}},
		{kindAsked, l2l.Asked{Max: 3, Count: 1, Digest: []byte{1}}, l2l.Asked{Max: 3, Count: 1}},
		{kindResult, l2l.Result{Individual: 4, Fitness: x, Measurements: x, Step: 2, Slot: 7}, l2l.Result{Individual: 4, Fitness: x, Measurements: x, Step: 2}},
		{kindFigures, l2l.Figures{Generation: 2, Names: []string{"a", "b"}, Values: x}, l2l.Figures{Generation: 2, Names: []string{"a", "b"}}},
		{kindFinals, l2l.Finals{Stage: l2l.Test, From: -3, Of: []int{1}, Budget: 30, Count: 2, Tests: 4},
			l2l.Finals{Stage: l2l.Test, From: -3, Of: []int{1}, Budget: 30, Count: 2}},
		{kindInjected, l2l.Injected{Individuals: []l2l.Individual{{ID: l2l.FirstInjected, X: x}}, By: "b", At: 4},
			l2l.Injected{Individuals: []l2l.Individual{{ID: l2l.FirstInjected, X: x}}, By: "b"}},
		{kindStopped, l2l.Stopped{Reason: "r", At: 3, Rule: l2l.Target}, l2l.Stopped{Reason: "r", At: 3}},
		{kindSession, l2l.Session{Commit: "c", Files: map[string]string{"f": "h"}, Packages: []string{"p==1"}},
			l2l.Session{Commit: "c", Files: map[string]string{"f": "h"}}},
		{kindOrdered, l2l.Ordered{Order: "set", Detail: "d", By: "b", At: 4}, l2l.Ordered{Order: "set", Detail: "d", By: "b"}},
	} {
		whole := fieldsOf(t, c.whole)
		var more, less any
		switch v := whole.(type) {
		case []any:
			more, less = append(slices.Clone(v), []any{"of", map[string]any{"a later": 7.5}}), v[:len(v)-1]
		case map[string]any:
			last := reflect.TypeOf(c.whole).Field(reflect.TypeOf(c.whole).NumField() - 1).Name
			more, less = map[string]any{"Later": []any{1, "x"}}, map[string]any{}
			for k, value := range v {
				more.(map[string]any)[k] = value
				if k != last {
					less.(map[string]any)[k] = value
				}
			}
		}
		dir := writeFrames(t, magic, begunBy7, frame{c.kind, more}, frame{c.kind, less}, frame{c.kind, whole})
		got, _, err := readAll(dir, 0)
		if err != nil || !reflect.DeepEqual(got[1:], []l2l.Event{c.whole, c.without, c.whole}) {
			t.Errorf("%T: got %+v, %v", c.whole, got, err)
		}
		if j, _, err := Open(dir, Options{}); err != nil {
			t.Errorf("%T: %v", c.whole, err)
		} else if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReadTellsAnotherVersionFromDamage(t *testing.T) {
	for name, f := range map[string]frame{
		"an unknown kind":              {99, map[string]any{}},
		"a result that is a text":      {kindResult, "of the year 2031"},
		"a result with a text for ID":  {kindResult, []any{"seven"}},
		"an Asked that is a map":       {kindAsked, map[string]any{"Max": 3}},
		"a payload of no msgpack":      {kindStopped, []byte{0xc1, 0, 0}},
		"an empty payload":             {kindAsked, []byte{}},
		"a beginning with other rules": {kindBegun, map[string]any{"Version": "v8", "Rules": "none"}},
	} {
		for _, head := range []string{magic, magic1} {
			stopped := frame{kindStopped, l2l.Stopped{Reason: "end"}}
			dir := writeFrames(t, head, begunBy7, stopped, f, stopped)
			before, err := os.ReadFile(eventsFile(dir))
			if err != nil {
				t.Fatal(err)
			}
			_, second, _ := readAll(dir, 0)
			_, _, afterwards := Open(dir, Options{})
			_, _, whole := readAll(dir, 0)
			_, _, rest := readAll(dir, second) // what comes before it is not read
			version := "v7.0.0"
			if f.kind == kindBegun {
				version = "v8"
			}
			for _, err := range []error{whole, rest, afterwards} {
				var v *VersionError
				var d *Damage
				if !errors.Is(err, ErrVersion) || !errors.As(err, &v) || errors.As(err, &d) || v.Version != version || v.Offset != second {
					t.Errorf("%s: got %v, want ErrVersion of %s at byte %d", name, err, version, second)
				}
			}
			if after, err := os.ReadFile(eventsFile(dir)); err != nil || !bytes.Equal(before, after) {
				t.Errorf("%s: the journal was changed", name)
			}
		}
	}
}

func TestReadPassesOverAsidesOfOtherVersions(t *testing.T) {
	stopped := l2l.Stopped{Reason: "end"}
	dir := writeFrames(t, magic, begunBy7, frame{200, "an aside"}, frame{kindFigures, "other figures"}, frame{kindOrdered, 1},
		frame{kindSession, "a session"}, frame{kindStopped, stopped})
	got, _, err := readAll(dir, 0)
	if err != nil || len(got) != 2 || got[1] != stopped {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOpenGoesOnWithAJournalOfTheFirstVersion(t *testing.T) {
	stopped := frame{kindStopped, map[string]any{"Reason": "end", "At": 5}}
	begun := frame{kindBegun1, map[string]any{
		"Config": "optimizer: {type: nsga2}\nevaluation: {instances: 2, replicates: 3, aggregate: worst}\nexecution: {on_failure: {retries: 1, then: resample}}\n",
		"Seed":   4, "Per": 6, "Retries": 1, "Version": "v0", "Objectives": []any{map[string]any{"Name": "a", "Direction": 1}, map[string]any{"Name": "b", "Direction": 2}},
	}}
	result := frame{kindResult, []any{7, 0, 0, 0, 0, []byte{}, []byte{}, []byte{}, "", 0.5, 1, "host", 9}}
	dir := writeFrames(t, magic1, begun, result, stopped)
	j, _, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Record(l2l.Result{Individual: 8, Slot: 2}), j.Close()); err != nil {
		t.Fatal(err)
	}
	got, _, err := readAll(dir, 0)
	if err != nil || len(got) != 4 {
		t.Fatalf("%d events, %v", len(got), err)
	}
	b := got[0].(l2l.Begun)
	if r := b.Rules; b.Algorithm != "nsga2" || b.Search != 1 || r.Seed != 4 || r.Sum || r.Evaluations() != 6 || r.Aggregate != l2l.Worst || r.Retries != 1 ||
		r.Then != l2l.Resample || len(r.Objectives) != 2 {
		t.Errorf("the rules are read as %+v", b)
	}
	if want := (l2l.Result{Individual: 7, Seconds: 0.5, Rank: 1, Host: "host", At: 9}); !reflect.DeepEqual(got[1], want) {
		t.Errorf("the result is read as %+v, want %+v", got[1], want)
	}
	if content, _ := os.ReadFile(eventsFile(dir)); !strings.HasPrefix(string(content), magic1) {
		t.Error("a journal of the first version has another beginning now")
	}
}

func TestCheckpointIsPassedOverUnlessItIsOfThisJournal(t *testing.T) {
	journal := func(reason string, then int) (dir string) {
		dir = t.TempDir()
		j, err := Create(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		record := func(i int) {
			if err := j.Record(l2l.Stopped{Reason: reason, At: int64(1000 + i)}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 5 {
			record(i)
		}
		if err := j.CheckpointNow(func() ([]byte, error) { return []byte(reason), nil }); err != nil {
			t.Fatal(err)
		}
		for i := range then {
			record(i)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	own, other := journal("own", 3), journal("foe", 0)
	c, ok, _ := LatestCheckpoint(own)
	if !ok || string(c.Snapshot) != "own" || c.Follows == nil {
		t.Fatalf("got %+v, %v", c, ok)
	}
	foreign, err := os.ReadFile(checkpointFiles(system{}, other)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(checkpointDir(own), "000000002.ckpt"), foreign, 0o666); err != nil {
		t.Fatal(err)
	}
	c, ok, passed := LatestCheckpoint(own)
	if !ok || string(c.Snapshot) != "own" || len(passed) != 1 || !strings.Contains(passed[0].Error(), "not of this journal") {
		t.Errorf("got %+v, passed over %v", c, passed)
	}

	// A journal that is cut behind the checkpoint, and has grown again past its offset, has other content there.
	if err := os.Truncate(eventsFile(own), c.Offset-1); err != nil {
		t.Fatal(err)
	}
	j, _, err := Open(own, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if files := checkpointFiles(system{}, own); len(files) != 0 {
		t.Errorf("after the cut there still are %v", files)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckpointWithOneFieldMoreOrLessIsRead(t *testing.T) {
	dir := writeFrames(t, magic, begunBy7, frame{kindStopped, l2l.Stopped{Reason: "end"}})
	_, end, err := readAll(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, head := range []string{magic, magic1} {
		for name, value := range map[string]any{
			"more": map[string]any{"Offset": end, "Snapshot": []byte("state"), "Later": []any{1}},
			"less": map[string]any{"Offset": end, "Snapshot": []byte("state")},
		} {
			payload, err := msgpack.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			c, _ := begin([]byte(head))
			content, err := c.appendFrame([]byte(head), kindCheckpoint, payload)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(checkpointDir(dir), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(checkpointDir(dir), "000000001.ckpt"), content, 0o666); err != nil {
				t.Fatal(err)
			}
			if c, ok, passed := LatestCheckpoint(dir); !ok || string(c.Snapshot) != "state" || c.Offset != end {
				t.Errorf("%s: got %+v, passed over %v", name, c, passed)
			}
		}
	}
}
