package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/config"
	"github.com/meta-optimization/l2l-mpi/l2l/journal"
	"github.com/meta-optimization/l2l-mpi/l2l/report"
)

// Where a session comes from is found out beside it, so that its start never waits: hashes of files, git's answer and that of the worker's
// interpreter. What is not known in time is left out.
const (
	inquiry  = 10 * time.Second // in which all must be found out
	patience = 3 * time.Second  // for which the end of a run waits for that
)

// Up to where files are taken for the model's and hashed.
const (
	maxHashed = 64 << 20 // bytes of a file; of larger ones size and time of change are compared
	maxFiles  = 1000
	maxTexts  = 10_000 // of the configuration that are looked at
)

// inquire finds out where a session comes from, beside what is known at once, and tells what it finds, in parts.
func inquire(ctx context.Context, effective string, python *config.Interpreter, tell func(l2l.Session)) {
	ctx, cancel := context.WithTimeout(ctx, inquiry)
	defer cancel()
	tell(l2l.Session{Files: hashes(ctx, modelFiles(effective)), Commit: commit(ctx)})
	if python != nil {
		version, list := packages(ctx, python)
		tell(l2l.Session{Python: version, Packages: list})
	}
}

// commit is the git commit of the working directory, with "-dirty" behind it where a file that git knows has changed since; "" outside of git.
func commit(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// askPython has an interpreter say its version and its packages as pip freeze does, without pip, which need not be there.
const askPython = `
import json, sys
from importlib import metadata
names = set()
for d in metadata.distributions():
    name, url = d.metadata["Name"], ""
    try:
        url = json.loads(d.read_text("direct_url.json") or "{}").get("url", "")
    except Exception:
        pass
    if name:
        names.add(name + " @ " + url if url else name + "==" + (d.version or ""))
print(json.dumps({"version": sys.version.split()[0], "packages": sorted(names, key=str.lower)}))
`

// packages are the version of an interpreter and its packages; none where it does not say.
func packages(ctx context.Context, python *config.Interpreter) (version string, packages []string) {
	cmd := exec.CommandContext(ctx, python.Argv[0], append(python.Argv[1:len(python.Argv):len(python.Argv)], "-c", askPython)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = python.Dir, python.Env, time.Second
	out, err := cmd.Output()
	var said struct {
		Version  string
		Packages []string
	}
	if err != nil || json.Unmarshal(out, &said) != nil {
		return "", nil
	}
	return said.Version, said.Packages
}

// modelFiles are the files of the model and of its data, absolute paths in order: all that an effective configuration names in its sections
// optimizee and optimizer, in any text. A relative path starts at the section's dir. Of a directory that files names it is the files in it, and of
// a Python script the other scripts beside it, too, as it may import them.
func modelFiles(effective string) []string {
	var root struct{ Optimizee, Optimizer yaml.Node }
	if yaml.Unmarshal([]byte(effective), &root) != nil {
		return nil
	}
	f := finder{files: map[string]bool{}}
	for _, section := range []*yaml.Node{&root.Optimizee, &root.Optimizer} {
		var at struct{ Dir string }
		_ = section.Decode(&at) // without one, paths are absolute
		if f.dir = at.Dir; f.dir == "auto" {
			f.dir = "." // of a plan that was made in Go
		}
		f.node(section, "")
	}
	return slices.Sorted(maps.Keys(f.files))
}

// finder looks for files.
type finder struct {
	dir   string
	files map[string]bool
	texts int
}

// node looks at all texts of a node, which is the value of a key.
func (f *finder) node(n *yaml.Node, key string) {
	if n.Kind == yaml.ScalarNode {
		if f.texts++; n.ShortTag() == "!!str" && f.texts < maxTexts {
			f.text(n.Value, key == "files")
		}
		return
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			key = n.Content[i-1].Value
		} else if n.Kind == yaml.MappingNode {
			continue
		}
		f.node(c, key)
	}
}

// text adds the file that a text is the path of, or the files that its words are, as in a line for a shell or in --name=path.
func (f *finder) text(text string, directories bool) {
	if f.path(text, directories) {
		return
	}
	between := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`="';,`, r) }
	for _, word := range strings.FieldsFunc(text, between) {
		f.path(word, false)
	}
}

// path adds the file at a path, and reports whether there is one.
func (f *finder) path(path string, directory bool) bool {
	switch {
	case path == "" || len(path) > 4096 || strings.ContainsRune(path, 0):
		return false
	case !filepath.IsAbs(path) && f.dir == "":
		return false
	case !filepath.IsAbs(path):
		path = filepath.Join(f.dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false
	case info.IsDir():
		if !directory {
			return false
		}
		_ = filepath.WalkDir(path, func(inner string, e fs.DirEntry, err error) error { // what cannot be read is left out
			if len(f.files) >= maxFiles {
				return fs.SkipAll
			}
			if err == nil && e.Type().IsRegular() {
				f.add(inner)
			}
			return nil
		})
		return true
	case !info.Mode().IsRegular():
		return false
	}
	f.add(path)
	if filepath.Ext(path) == ".py" {
		beside, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.py")) // a strange name of a directory matches nothing
		for _, other := range beside {
			f.add(other)
		}
	}
	return true
}

func (f *finder) add(path string) {
	if path, err := filepath.Abs(path); err == nil && len(f.files) < maxFiles {
		f.files[path] = true
	}
}

// hashes are the SHA-256 of files. Of one that is larger than maxHashed, or that there was no time for, it is size and time of change instead.
func hashes(ctx context.Context, files []string) map[string]string {
	out := make(map[string]string, len(files))
	for _, path := range files {
		if hash, err := hashOf(ctx, path); err == nil {
			out[path] = hash
		}
	}
	return out
}

func hashOf(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if info.Size() <= maxHashed && ctx.Err() == nil {
		if _, err := io.Copy(h, f); err != nil {
			return "", err
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	return fmt.Sprintf("%d bytes, changed %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano)), nil
}

// FileChange is a file of the model that is not as it was.
type FileChange struct{ Path, Change string }

func (c FileChange) String() string { return c.Path + " " + c.Change }

// FileChanges compares the files of the model then and now. Where nothing is known of one of the times there are no changes, and a hash is
// not compared with a size.
func FileChanges(then, now map[string]string) (changes []FileChange) {
	if then == nil || now == nil {
		return nil
	}
	for _, path := range slices.Sorted(maps.Keys(then)) {
		before, after := then[path], now[path]
		switch {
		case after == "":
			changes = append(changes, FileChange{path, "is no longer there, or no longer named"})
		case before != after && isHash(before) == isHash(after):
			changes = append(changes, FileChange{path, "has changed"})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(now)) {
		if then[path] == "" {
			changes = append(changes, FileChange{path, "is new"})
		}
	}
	return changes
}

func isHash(text string) bool { return len(text) == 2*sha256.Size }

// ModelFiles are the files of a plan's model and of its data as they are now, as a session has them: SHA-256 by paths.
func ModelFiles(ctx context.Context, plan *config.Plan) (map[string]string, error) {
	effective, err := plan.Effective()
	if err != nil {
		return nil, err
	}
	return hashes(ctx, modelFiles(string(effective))), nil
}

// annals record a run, and what is found out about the session meanwhile.
type annals struct {
	*journal.Journal
	sessions *report.Sessions
	found    <-chan l2l.Session // closed after the last; nil once it is not waited for any more
}

// Record implements l2l.Recorder.
func (a *annals) Record(e l2l.Event) error {
	if a.found != nil {
		late := over
		if _, last := e.(l2l.Stopped); last {
			late = time.After(patience)
		}
		if err := a.add(late); err != nil {
			return err
		}
	}
	a.sessions.Take(e)
	return a.Journal.Record(e)
}

// over is a time that has passed.
var over = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// add records what has been found out by some time.
func (a *annals) add(late <-chan time.Time) error {
	for {
		select {
		case found, more := <-a.found:
			if !more {
				a.found = nil
				return nil
			}
			a.sessions.Take(found)
			if err := a.Journal.Record(found); err != nil {
				return err
			}
		case <-late:
			return nil
		}
	}
}

// inquire begins to find out where the session comes from, and warns of files of the model that have changed since the session before. stop
// ends that.
func (r *leader) inquire() (found <-chan l2l.Session, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	answers, ended := make(chan l2l.Session, 2), make(chan bool)
	then := r.sessions.Files()
	go func() {
		defer close(ended)
		defer close(answers)
		inquire(ctx, r.effective, r.Interpreter, func(s l2l.Session) {
			for _, c := range FileChanges(then, s.Files) {
				r.log.Warn().Str("file", c.Path).Msg("a file of the model " + c.Change + " since the session before")
			}
			answers <- s
		})
	}()
	return answers, func() {
		cancel()
		<-ended
	}
}

// modules are the environment modules that are loaded.
func modules() []string {
	return strings.FieldsFunc(os.Getenv("LOADEDMODULES"), func(r rune) bool { return r == ':' })
}
