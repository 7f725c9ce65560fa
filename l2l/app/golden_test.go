package app

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
)

// TestGoldenRunsOfEveryFormatAreRead holds the promise that runs of earlier versions stay of use. testdata/golden has runs of each format of the
// journal, written by a program of that time, each
//
//	config.yaml    with which it was begun
//	run            its directory, as an interruption left it halfway
//	export.csv     what export wrote of it
//	posterior.csv  and of its posterior, where it has one
//	result.json    of a run of the same configuration that was not interrupted
//
// A change of the format adds a directory here. None is ever changed. A run whose algorithm has got another version of its search since then is still
// read, and refused to go on.
func TestGoldenRunsOfEveryFormatAreRead(t *testing.T) {
	golden, err := filepath.Glob("testdata/golden/*/*")
	if err != nil || len(golden) < 6 {
		t.Fatalf("%d golden runs, %v", len(golden), err)
	}
	for _, source := range golden {
		t.Run(filepath.Base(filepath.Dir(source))+"/"+filepath.Base(source), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if out, err := exec.Command("cp", "-r", filepath.Join(source, "run"), dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			do := func(args ...string) {
				t.Helper()
				if code := start(args, kindsWith()); code != exitOK {
					t.Fatalf("%q ends with exit code %d", args, code)
				}
			}
			sameTable(t, filepath.Join(source, "export.csv"), func(to string) { do("export", dir, "-o", to) })
			if _, err := os.Stat(filepath.Join(source, "posterior.csv")); err == nil {
				sameTable(t, filepath.Join(source, "posterior.csv"), func(to string) { do("export", dir, "--table", "posterior", "-o", to) })
			}
			replay := []string{"check", "--replay", dir}
			resume := []string{"--config", filepath.Join(source, "config.yaml"), "--quiet", "--log-level", "warn", "--set", "output.dir=" + dir, "--resume"}
			if searchHasChanged(t, dir) { // it can be read, and cannot go on
				for _, args := range [][]string{replay, resume} {
					if code := start(args, kindsWith()); code != exitUsage {
						t.Errorf("%q ends with exit code %d, want %d", args, code, exitUsage)
					}
				}
				return
			}
			do(replay...)
			do(resume...)
			sameAnswer(t, dir, source)
			if err := os.RemoveAll(filepath.Join(dir, "checkpoint")); err != nil {
				t.Fatal(err)
			}
			do(resume...)
			sameAnswer(t, dir, source)
			do(replay...)
		})
	}
}

// searchHasChanged reports whether the run in dir was begun with a version of its algorithm's search that this program no longer has.
func searchHasChanged(t *testing.T, dir string) bool {
	t.Helper()
	for e, err := range journal.Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		begun := e.Event.(l2l.Begun)
		p, err := config.Parse("the run's configuration", []byte(begun.Config), kindsWith())
		if err != nil {
			t.Fatal(err)
		}
		return p.SearchesAs(begun) != nil
	}
	t.Fatalf("the journal in %s is empty", dir)
	return false
}

// sameTable compares the columns that a golden table has with those of the same names that write writes.
func sameTable(t *testing.T, golden string, write func(to string)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "table.csv")
	write(file)
	want, got := readTable(t, golden), readTable(t, file)
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows, want %d", golden, len(got), len(want))
	}
	for k, name := range want[0] {
		at := slices.Index(got[0], name)
		if at < 0 {
			t.Fatalf("%s: no column %q, want one", golden, name)
		}
		for i := range want {
			if got[i][at] != want[i][k] {
				t.Fatalf("%s: row %d: %s = %s, want %s", golden, i, name, got[i][at], want[i][k])
			}
		}
	}
}

func readTable(t *testing.T, file string) [][]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// sameAnswer compares the values of the golden result with those of the same names in dir.
func sameAnswer(t *testing.T, dir, source string) {
	t.Helper()
	read := func(dir string) map[string]any {
		b, err := os.ReadFile(filepath.Join(dir, "result.json"))
		var v map[string]any
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	got, want := read(dir), read(source)
	text, err := os.ReadFile(filepath.Join(source, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"generations", "individuals", "evaluations", "failures", "trajectory_hash", "best", "front", "posterior"} {
		if key == "best" && strings.Contains(string(text), "rotate:") {
			// The versions that wrote it compared fitnesses of different mini-batches; now it is the best of the last one.
			if b, ok := got[key].(map[string]any); !ok || b["generation"] != want["generations"].(float64)-1 {
				t.Errorf("%s: the best is %v, want one of the last mini-batch", source, got[key])
			}
			continue
		}
		if !reflect.DeepEqual(got[key], want[key]) {
			t.Errorf("%s: %s is %.300v, want %.300v", source, key, got[key], want[key])
		}
	}
}
