// Package crate writes the metadata of a run's directory for archives: ro-crate-metadata.json, an RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) of the
// profile Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process/0.5). Each session is an action: the program, which turned the
// configuration and the model's files into the journal and the result.
//
// It reads the directory and writes nothing into it. What is known of the run is package report's business.
package crate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// Name is what the file must be called, in the run's directory.
const Name = "ro-crate-metadata.json"

const (
	version = "https://w3id.org/ro/crate/1.1"
	profile = "https://w3id.org/ro/wfrun/process/0.5"
)

// hashed is up to how many bytes a file is hashed.
const hashed = 64 << 20

// entity is one of the things that a crate describes.
type entity map[string]any

// ref refers to an entity.
func ref(id string) entity { return entity{"@id": id} }

// refs refers to several.
func refs(ids []string) []entity {
	out := make([]entity, len(ids))
	for i, id := range ids {
		out[i] = ref(id)
	}
	return out
}

// parts are what of a run's directory is described, as far as it is there; a name that ends in a slash is a directory.
var parts = []struct{ path, name, format string }{
	{"run.yaml", "The configuration, with every default", "application/yaml"},
	{"result.json", "What the run has found", "application/json"},
	{"manifest.json", "Where and by what the run was made", "application/json"},
	{"journal/events", "The journal: every event of the run, which l2l-mpi replays and exports", "application/octet-stream"},
	{"failures/", "Evaluations that failed, with their reasons", ""},
	{"logs/", "What was logged, and what the programs of the slots printed", ""},
}

// Write writes the metadata of the run in dir, finished or not. The error is that of report.Open where there is no run.
func Write(dir string, w io.Writer) error {
	r, err := report.Open(dir, nil)
	if err != nil {
		return err
	}
	sessions, err := r.Sessions()
	if err != nil {
		return err
	}
	status, err := report.ReadStatus(dir)
	if err != nil {
		return err
	}
	graph, err := describe(dir, sessions, status)
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(entity{
		"@context": []any{version + "/context", entity{"sha256": "http://schema.org/sha256"}},
		"@graph":   graph,
	})
}

// describe is the graph of a run.
func describe(dir string, sessions report.Sessions, status report.Status) ([]entity, error) {
	var config struct {
		Name      string
		Optimizee struct{ Type string }
	}
	_ = yaml.Unmarshal([]byte(sessions[0].Begun.Config), &config) // without it, it has no name
	name := cmp.Or(config.Name, filepath.Base(dir))
	algorithm := cmp.Or(sessions[0].Begun.Algorithm, "an optimizer")

	inside, err := files(dir)
	if err != nil {
		return nil, err
	}
	model := modelFiles(sessions.Files())
	programs, instruments := software(sessions)
	actions := actionsOf(sessions, status, instruments, ids(inside), ids(model))

	last := sessions[len(sessions)-1].Last
	root := entity{
		"@id": "./", "@type": "Dataset", "name": "l2l-mpi run " + name,
		"description": fmt.Sprintf("A run of l2l-mpi: %s searches the parameters of %s; %s after %d evaluations.", algorithm,
			cmp.Or(config.Optimizee.Type, "a model"), status.State, status.Evaluations),
		"datePublished": moment(last),
		"license":       "Nobody has said under which licence the run is published.",
		"conformsTo":    ref(profile), "hasPart": refs(append(ids(inside), ids(model)...)), "mentions": refs(ids(actions)),
	}
	return slices.Concat([]entity{
		{"@id": Name, "@type": "CreativeWork", "conformsTo": ref(version), "about": ref("./")},
		root,
		{"@id": profile, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
	}, inside, model, programs, actions), nil
}

// ids are the names of entities.
func ids(all []entity) []string {
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = e["@id"].(string)
	}
	return out
}

// files describes what is in the run's directory.
func files(dir string) (all []entity, err error) {
	for _, p := range parts {
		path := filepath.Join(dir, p.path)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e := entity{"@id": p.path, "@type": "Dataset", "name": p.name}
		if !strings.HasSuffix(p.path, "/") {
			e["@type"], e["encodingFormat"], e["contentSize"] = "File", p.format, fmt.Sprint(info.Size())
			e["dateModified"] = info.ModTime().UTC().Format(time.RFC3339)
			if info.Size() <= hashed {
				if e["sha256"], err = hash(path); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, e)
	}
	return all, nil
}

func hash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// modelFiles describes the files of the model, which are where they were and not in the crate.
func modelFiles(of map[string]string) (all []entity) {
	for _, path := range slices.Sorted(maps.Keys(of)) {
		e := entity{
			"@id": (&url.URL{Scheme: "file", Path: path}).String(), "@type": "File", "name": filepath.Base(path),
			"description": "A file of the model or of its data, as it was when the run was made; it is not in this directory",
		}
		if value := of[path]; len(value) == 2*sha256.Size {
			e["sha256"] = value
		} else {
			e["description"] = e["description"].(string) + ": " + value
		}
		all = append(all, e)
	}
	return all
}

const project = "https://github.com/meta-optimization/l2l-mpi"

// software describes what the sessions were made with, and which instrument each of them had.
func software(sessions report.Sessions) (all []entity, instruments []string) {
	known := map[string]bool{}
	add := func(e entity) entity {
		id := e["@id"].(string)
		if !known[id] {
			known[id] = true
			all = append(all, e)
		}
		return ref(id)
	}
	for _, s := range sessions {
		of := s.Begun.Session
		var needs []entity
		for _, v := range []struct{ name, version string }{{"MPI", of.MPI}, {"Go", strings.TrimPrefix(of.Go, "go")}, {"Python", of.Python}} {
			if v.version != "" {
				needs = append(needs, add(entity{
					"@id": anchor(v.name, v.version), "@type": "SoftwareApplication", "name": v.name, "softwareVersion": v.version,
				}))
			}
		}
		for _, p := range of.Packages {
			name, v, _ := strings.Cut(p, "==")
			e := entity{"@id": anchor("python", p), "@type": "SoftwareApplication", "name": name, "softwareVersion": cmp.Or(v, "unknown")}
			if v != "" { // otherwise it is from elsewhere: name @ URL
				e["@id"] = "https://pypi.org/project/" + url.PathEscape(name) + "/" + url.PathEscape(v) + "/"
				e["url"] = e["@id"]
			}
			needs = append(needs, add(e))
		}
		for _, m := range of.Modules {
			name, v, _ := strings.Cut(m, "/")
			needs = append(needs, add(entity{
				"@id": anchor("module", m), "@type": "SoftwareApplication", "name": name, "softwareVersion": v, "description": "An environment module",
			}))
		}
		program := entity{
			"@id": fmt.Sprintf("%s#session-%d", project, len(instruments)+1), "@type": "SoftwareApplication", "name": "l2l-mpi", "url": project,
			"softwareVersion": s.Begun.Version,
		}
		if len(needs) > 0 {
			program["softwareRequirements"] = needs
		}
		instruments = append(instruments, add(program)["@id"].(string))
	}
	return all, instruments
}

// anchor is the name of an entity that is described here alone.
func anchor(kind, name string) string {
	return (&url.URL{Fragment: strings.ToLower(kind) + "-" + strings.ReplaceAll(name, " ", "-")}).String()
}

// actionsOf describes the sessions.
func actionsOf(sessions report.Sessions, status report.Status, instruments, inside, model []string) (all []entity) {
	for i, s := range sessions {
		goesOn := i == len(sessions)-1 && status.State == report.Running
		e := entity{
			"@id": fmt.Sprintf("#session-%d", i+1), "@type": "CreateAction", "name": fmt.Sprintf("Session %d of the run", i+1),
			"description": about(s, goesOn), "instrument": ref(instruments[i]), "startTime": moment(s.Begun.At),
		}
		var object, result []string
		for _, id := range inside {
			if id == "run.yaml" {
				object = append(object, id)
			} else if !strings.HasSuffix(id, "/") {
				result = append(result, id)
			}
		}
		e["object"], e["result"] = refs(append(object, model...)), refs(result)
		if goesOn {
			e["actionStatus"] = "http://schema.org/ActiveActionStatus"
		} else {
			e["endTime"], e["actionStatus"] = moment(s.Last), "http://schema.org/CompletedActionStatus"
			if s.Stopped == nil || (l2l.StopReason{Rule: s.Stopped.Rule}).Failed() {
				e["actionStatus"], e["error"] = "http://schema.org/FailedActionStatus", s.Ended(false)
			}
		}
		all = append(all, e)
	}
	return all
}

// about is a session in words.
func about(s report.Session, goesOn bool) string {
	of := s.Begun.Session
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+": "+value)
		}
	}
	add("command", strings.Join(of.Command, " "))
	add("directory", of.Dir)
	add("hosts", strings.Join(slices.Compact(slices.Clone(s.Begun.Hosts)), " "))
	words = append(words, fmt.Sprintf("%d ranks with %d slots", len(s.Begun.Hosts), s.Begun.Slots))
	add("job", of.Job)
	add("git commit of the directory", of.Commit)
	words = append(words, fmt.Sprintf("%d evaluations", s.Evaluations))
	add("ended", s.Ended(goesOn))
	return strings.Join(words, "; ")
}

// moment is a time in microseconds, as JSON-LD has it.
func moment(unixMicro int64) string {
	return time.UnixMicro(unixMicro).UTC().Format("2006-01-02T15:04:05+00:00") // the profile's checker does not take a Z
}
