package crate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
	"github.com/meta-optimization/l2l-mpi/l2l/report/crate"
)

// described is a run's directory with these events, as its crate has it: entities by their names.
func described(t *testing.T, dir string, events ...l2l.Event) map[string]map[string]any {
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
	var out bytes.Buffer
	if err := crate.Write(dir, &out); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Context []any            `json:"@context"`
		Graph   []map[string]any `json:"@graph"`
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil || doc.Context[0] != "https://w3id.org/ro/crate/1.1/context" {
		t.Fatalf("%v: %s", err, out.Bytes())
	}
	all := map[string]map[string]any{}
	for _, e := range doc.Graph {
		id, _ := e["@id"].(string)
		if id == "" || e["@type"] == nil || all[id] != nil {
			t.Errorf("an entity without a name, without a type, or twice: %v", e)
		}
		all[id] = e
	}
	return all
}

// referred are the names of the entities that a value refers to.
func referred(v any) (names []string) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			names = append(names, referred(one)...)
		}
	case map[string]any:
		names = append(names, v["@id"].(string))
	}
	return names
}

func TestCrateDescribesARunAsAProcessRunCrate(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"run.yaml": "name: fit\n", "result.json": "{}", "logs/a.log": "x"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	const second = 1_000_000
	sum := strings.Repeat("ab", 32)
	session := l2l.Session{Command: []string{"l2l-mpi", "-c", "run.yaml"}, MPI: "Open MPI (4.1) <x>", Go: "go1.26", Job: "7"}
	all := described(t, dir,
		l2l.Begun{Config: "name: fit\noptimizee: {type: process}\n", Algorithm: "cmaes", Version: "v1", At: second, Hosts: []string{"a", "a"}, Slots: 4, Session: session},
		l2l.Session{Commit: "c0ffee-dirty", Files: map[string]string{"/home/my model.py": sum, "/big": "9 bytes, changed x"}},
		l2l.Session{Python: "3.11", Packages: []string{"numpy==1.26", "own @ file:///src/own"}},
		l2l.Asked{Individuals: []l2l.Individual{{}}},
		l2l.Result{At: 2 * second},
		l2l.Begun{Config: "name: fit\n", Version: "v2", At: 5 * second, Hosts: []string{"b"}, Session: session},
		l2l.Stopped{Reason: "generations: 3", Rule: l2l.Generations, At: 8 * second},
	)
	for id, e := range all {
		for key, value := range e {
			for _, name := range referred(value) {
				if all[name] == nil && !strings.HasPrefix(name, "https://w3id.org/ro/crate/") {
					t.Errorf("%s: %s is %s, which is not described", id, key, name)
				}
			}
		}
	}
	root := all["./"]
	if d := all["ro-crate-metadata.json"]; d == nil || !slices.Equal(referred(d["about"]), []string{"./"}) ||
		!slices.Equal(referred(d["conformsTo"]), []string{"https://w3id.org/ro/crate/1.1"}) {
		t.Errorf("the descriptor is %v", d)
	}
	if root["@type"] != "Dataset" || root["name"] != "l2l-mpi run fit" || root["datePublished"] != "1970-01-01T00:00:08+00:00" || root["license"] == nil ||
		!slices.Equal(referred(root["conformsTo"]), []string{"https://w3id.org/ro/wfrun/process/0.5"}) ||
		!strings.Contains(root["description"].(string), "cmaes searches the parameters of process; finished after 1 evaluations") {
		t.Errorf("the root is %v", root)
	}
	want := []string{"run.yaml", "result.json", "journal/events", "logs/", "file:///big", "file:///home/my%20model.py"}
	if got := referred(root["hasPart"]); !slices.Equal(got, want) {
		t.Errorf("it has the parts %q, want %q", got, want)
	}
	if got := referred(root["mentions"]); !slices.Equal(got, []string{"#session-1", "#session-2"}) {
		t.Errorf("it mentions %q", got)
	}
	first, last := all["#session-1"], all["#session-2"]
	if first["@type"] != "CreateAction" || first["startTime"] != "1970-01-01T00:00:01+00:00" || first["endTime"] != "1970-01-01T00:00:02+00:00" ||
		first["actionStatus"] != "http://schema.org/FailedActionStatus" || first["error"] != "killed, or it crashed" {
		t.Errorf("the session that was killed is %v", first)
	}
	if text := fmt.Sprint(first["description"]); text != "command: l2l-mpi -c run.yaml; hosts: a; 2 ranks with 4 slots; job: 7; git commit of the directory: c0ffee-dirty; "+
		"1 evaluations; ended: killed, or it crashed" {
		t.Errorf("the session that was killed: %s", text)
	}
	if last["actionStatus"] != "http://schema.org/CompletedActionStatus" || last["error"] != nil ||
		!slices.Equal(referred(last["object"]), []string{"run.yaml", "file:///big", "file:///home/my%20model.py"}) ||
		!slices.Equal(referred(last["result"]), []string{"result.json", "journal/events"}) {
		t.Errorf("the last session is %v", last)
	}
	program := all[referred(first["instrument"])[0]]
	var needs []string
	for _, name := range referred(program["softwareRequirements"]) {
		needs = append(needs, fmt.Sprint(all[name]["name"], " ", all[name]["softwareVersion"]))
	}
	if program["softwareVersion"] != "v1" || all[referred(last["instrument"])[0]]["softwareVersion"] != "v2" ||
		strings.Join(needs, ", ") != "MPI Open MPI (4.1) <x>, Go 1.26, Python 3.11, numpy 1.26, own @ file:///src/own unknown" {
		t.Errorf("it was made by %v with %q", program, needs)
	}
	if f := all["file:///home/my%20model.py"]; f["sha256"] != sum || all["file:///big"]["sha256"] != nil {
		t.Errorf("the model's files are %v and %v", f, all["file:///big"])
	}
	if f := all["run.yaml"]; f["contentSize"] != "10" || len(f["sha256"].(string)) != 64 {
		t.Errorf("the configuration is %v", f)
	}
}

func TestCrateOfNoRunIsAnError(t *testing.T) {
	if err := crate.Write(t.TempDir(), &bytes.Buffer{}); !errors.Is(err, report.ErrNoRun) {
		t.Errorf("got %v", err)
	}
}
