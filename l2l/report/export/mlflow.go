package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// MLflow writes a run into the directory of a file store of MLflow, which is made where it is missing: its configuration as parameters, generations as
// metrics, the answer as parameters that begin with answer. and what result.json has as an artifact. Runs of one name are one experiment; the same run is
// replaced.
func MLflow(r *report.Run, dir string) error {
	points, last, err := series(r)
	if err != nil {
		return err
	}
	status, err := report.ReadStatus(r.Dir)
	if err != nil {
		return err
	}
	store, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	parameters, err := flat(r.Begun.Config)
	if err != nil {
		return err
	}
	name := parameters["name"]
	sum := sha256.Sum256([]byte(name))
	experiment := strconv.FormatUint(1e17+binary.LittleEndian.Uint64(sum[:])%(9e17), 10) // as long as MLflow's own
	sum = sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", r.Begun.Config, r.Begun.At))
	id := hex.EncodeToString(sum[:16])
	of := folder{path: filepath.Join(store, experiment)}
	began := r.Begun.At / 1000
	of.meta(map[string]any{
		"artifact_location": "file://" + of.path, "creation_time": began, "experiment_id": experiment, "last_update_time": last / 1000,
		"lifecycle_stage": "active", "name": name,
	})
	one := folder{path: filepath.Join(of.path, id)}
	one.err = os.RemoveAll(one.path)
	meta := map[string]any{
		"artifact_uri": "file://" + filepath.Join(one.path, "artifacts"), "end_time": nil, "entry_point_name": "", "experiment_id": experiment,
		"lifecycle_stage": "active", "run_id": id, "run_name": filepath.Base(r.Dir), "run_uuid": id, "source_name": "", "source_type": 4,
		"source_version": "", "start_time": began, "status": stateNumber[status.State], "tags": []any{}, "user_id": "",
	}
	if status.State != report.Running {
		meta["end_time"] = last / 1000
	}
	one.meta(meta)
	answer, err := r.Answer()
	if err == nil && r.Begun.Rules.Sum { // else nothing has succeeded, or there is a front
		params, err := r.Begun.Space.Decode(answer.X)
		if err != nil {
			return err
		}
		for _, v := range params.All() {
			parameters["answer."+v.Name] = v.Text()
		}
	}
	for key, value := range parameters {
		one.write(filepath.Join("params", safe(key)), value)
	}
	one.write("tags/mlflow.runName", filepath.Base(r.Dir))
	one.write("tags/mlflow.source.name", "l2l-mpi")
	one.write("tags/mlflow.note.content", strings.TrimSpace(fmt.Sprintf("%s, %s", status.State, status.Reason)))
	metrics := map[string]*bytes.Buffer{}
	for _, p := range points {
		for _, n := range p.numbers {
			key := safe(n.name)
			if metrics[key] == nil {
				metrics[key] = &bytes.Buffer{}
			}
			fmt.Fprintf(metrics[key], "%d %s %d\n", p.at/1000, strconv.FormatFloat(n.value, 'g', -1, 64), p.step)
		}
	}
	for key, lines := range metrics {
		one.write(filepath.Join("metrics", key), lines.String())
	}
	if result, err := os.ReadFile(filepath.Join(r.Dir, "result.json")); err == nil {
		one.write("artifacts/result.json", string(result))
	}
	one.err = errors.Join(one.err, os.MkdirAll(filepath.Join(one.path, "artifacts"), 0o777))
	return errors.Join(of.err, one.err)
}

// stateNumber is MLflow's number of a state.
var stateNumber = map[report.State]int{report.Running: 1, report.Finished: 3, report.Failed: 4, report.Interrupted: 5, report.Crashed: 5}

// unsafe is what MLflow does not take in a name.
var unsafe = regexp.MustCompile(`[^\w\-. :/]`)

// safe is a name as MLflow takes it, below the directory that it is in.
func safe(name string) string {
	name = unsafe.ReplaceAllString(name, "_")
	return strings.TrimPrefix(filepath.Clean("/"+name), "/")
}

// folder is a directory that files are written to, until one cannot be.
type folder struct {
	path string
	err  error
}

func (f *folder) write(name, content string) {
	if f.err != nil {
		return
	}
	file := filepath.Join(f.path, name)
	f.err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, []byte(content), 0o666))
}

func (f *folder) meta(values map[string]any) {
	text, err := yaml.Marshal(values)
	f.err = errors.Join(f.err, err)
	f.write("meta.yaml", string(text))
}

// flat are the values of a configuration by their paths, joined by dots; lists are as they are written.
func flat(config string) (map[string]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(config), &doc); err != nil {
		return nil, fmt.Errorf("the run's configuration: %w", err)
	}
	out := map[string]string{}
	var walk func(path string, n *yaml.Node) error
	walk = func(path string, n *yaml.Node) error {
		switch n.Kind {
		case yaml.DocumentNode:
			return walk(path, n.Content[0])
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if err := walk(strings.TrimPrefix(path+"."+n.Content[i].Value, "."), n.Content[i+1]); err != nil {
					return err
				}
			}
			return nil
		case yaml.ScalarNode:
			out[path] = n.Value
			return nil
		}
		n.Style = yaml.FlowStyle
		text, err := yaml.Marshal(n)
		out[path] = strings.TrimSpace(string(text))
		return err
	}
	if len(doc.Content) == 0 {
		return out, nil
	}
	return out, walk("", &doc)
}
