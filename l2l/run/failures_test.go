package run

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func fileText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func failing(id int, reason string) (l2l.Result, *l2l.Individual) {
	return l2l.Result{Individual: int64(id), Ending: l2l.Failed, Reason: reason}, &l2l.Individual{ID: int64(id), X: []float64{float64(id)}}
}

func TestFailureLogKeepsTheFirstAndTheLastOfEachKind(t *testing.T) {
	var log bytes.Buffer
	f := &failureLog{dir: t.TempDir(), space: optimizee.Space{{Name: "x", Lower: 0, Upper: 1e6}}, log: zerolog.New(&log), kinds: map[string]*failureKind{}}
	const n = 3000
	for id := range n {
		switch {
		case id%3 == 0:
			r, of := failing(id, fmt.Sprintf("ValueError: x = %d.5 is too large\nTraceback of %d", id, id))
			f.observe(r, of, nil)
		case id == 1000:
			r, of := failing(id, "no licence")
			f.observe(r, of, nil)
		case id%3 == 1:
			r, of := failing(id, "took longer than the timeout of 1m0s")
			r.Ending, r.Attempt = l2l.TimedOut, 1
			f.observe(r, of, nil)
		default:
			f.observe(l2l.Result{Individual: int64(id), Fitness: []float64{1}}, nil, nil)
		}
	}
	f.observe(l2l.Stopped{}, nil, nil)
	files, err := filepath.Glob(filepath.Join(f.dir, "failures", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"individual-0-0-0-attempt-0":    "failures_of_this_kind: 1\nparameters:\n    x: 0\nreason: |-\n    ValueError: x = 0.5 is too large\n    Traceback of 0\n",
		"individual-2997-0-0-attempt-0": "failures_of_this_kind: 1000\nparameters:\n    x: 2997\nreason: |-\n    ValueError: x = 2997.5 is too large\n    Traceback of 2997\n",
		"individual-1-0-0-attempt-1":    "outcome: timeout\nfailures_of_this_kind: 1\n",
		"individual-2998-0-0-attempt-1": "outcome: timeout\nfailures_of_this_kind: 999\n",
		"individual-1000-0-0-attempt-0": "failures_of_this_kind: 1\nparameters:\n    x: 1000\nreason: no licence\n",
	} {
		if text := fileText(t, filepath.Join(f.dir, "failures", name+".yaml")); !strings.Contains(text, want) {
			t.Errorf("%s holds\n%swant\n%s", name, text, want)
		}
	}
	if len(files) != 5 {
		t.Errorf("the files are %q, want 5", files)
	}
	want := []Failure{{l2l.Failed, "ValueError: x = 0.5 is too large", 1000}, {l2l.TimedOut, "took longer than the timeout of 1m0s", 999}, {l2l.Failed, "no licence", 1}}
	if got := f.all(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the kinds are %v, want %v", got, want)
	}
	if warnings := strings.Count(log.String(), `"level":"warn"`); warnings != 3 || !strings.Contains(log.String(), `"reason":"ValueError: x = 0.5 is too large"`) {
		t.Errorf("%d warnings, want 3, of one line: %s", warnings, log.String())
	}
}

func TestFailureLogHoldsLittleWhateverFails(t *testing.T) {
	f := &failureLog{dir: t.TempDir(), space: optimizee.Space{{Name: "x", Lower: 0, Upper: 1e6}}, log: zerolog.Nop(), kinds: map[string]*failureKind{}}
	for id := range 2000 {
		r, of := failing(id, fmt.Sprintf("reason %s%s", string(rune('a'+id%26)), strings.Repeat("z", id/26)))
		f.observe(r, of, nil)
	}
	f.observe(l2l.Stopped{}, nil, nil)
	files, err := filepath.Glob(filepath.Join(f.dir, "failures", "*"))
	all := f.all()
	sum := 0
	for _, k := range all {
		sum += k.Count
	}
	if err != nil || len(files) > 2*maxFailureKinds || len(all) != maxFailureKinds || all[0].Reason != others || sum != 2000 {
		t.Errorf("%v: %d files, %d kinds of %d failures, the most frequent %v", err, len(files), len(all), sum, all[0])
	}
}
