package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/config"
)

// write writes files, given with their content, in dir.
func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestModelFilesAreThoseThatTheConfigurationNames(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "model.py", "", "network.py", "", "params.json", "", "data/a.dat", "", "data/deep/b.dat", "", "other/c.dat", "", "run.sh", "", "search.py", "",
		"elsewhere/far.txt", "", "not.txt", "", "worker", "")
	for _, c := range []struct{ config, want string }{
		{"optimizee: {type: process, dir: DIR, command: [python3, model.py, --params=params.json]}", "model.py network.py params.json search.py"},
		{"optimizee: {dir: DIR, command: [sh, -c, 'sh run.sh \"params.json\"; echo not.tx']}", "params.json run.sh"},
		{"optimizee: {dir: DIR, command: [true], files: [data, run.sh]}", "data/a.dat data/deep/b.dat run.sh"},
		{"optimizee: {dir: DIR, command: [cat, data]}", ""},
		{"optimizee: {dir: DIR, constants: {deep: {list: [params.json, 7, true]}}}", "params.json"},
		{"optimizee: {type: own, plugin: DIR/elsewhere/far.txt, table: params.json}", "elsewhere/far.txt"},
		{"name: DIR/not.txt\noptimizee: {type: own}\noptimizer: {type: process, dir: DIR/elsewhere, command: [./far.txt, ../not.txt]}", "elsewhere/far.txt not.txt"},
		{"optimizee: {type: own}", ""},
		{"optimizee: [", ""},
	} {
		var got []string
		for _, path := range modelFiles(strings.ReplaceAll(c.config, "DIR", dir)) {
			got = append(got, strings.TrimPrefix(path, dir+"/"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %q", c.config, got, c.want)
		}
	}
}

func TestHashesAreSHA256UpToALimitAndSizeAndTimeBeyond(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "small", "abc", "large", "")
	large := filepath.Join(dir, "large")
	changed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Truncate(large, maxHashed+1); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(large, changed, changed); err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(dir, "small")
	sum := sha256.Sum256([]byte("abc"))
	stamp := fmt.Sprintf("%d bytes, changed 2026-01-02T03:04:05Z", maxHashed+1)
	files := []string{small, large, filepath.Join(dir, "missing")}
	got := hashes(t.Context(), files)
	if len(got) != 2 || got[small] != hex.EncodeToString(sum[:]) || got[large] != stamp {
		t.Errorf("got %v", got)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if got := hashes(late, files); !strings.HasPrefix(got[small], "3 bytes, changed ") {
		t.Errorf("without time: got %v", got)
	}
}

func TestFileChangesCompareLikeWithLike(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	then := map[string]string{"same": a, "other": a, "gone": a, "large": "7 bytes, changed x", "grown": a}
	now := map[string]string{"same": a, "other": b, "new": a, "large": "8 bytes, changed x", "grown": "9 bytes, changed x"}
	var got []string
	for _, c := range FileChanges(then, now) {
		got = append(got, c.String())
	}
	want := []string{"gone is no longer there, or no longer named", "large has changed", "other has changed", "new is new"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if FileChanges(nil, now) != nil || FileChanges(then, nil) != nil {
		t.Error("what is not known has changed")
	}
}

func TestPackagesAreAskedInTimeOrNotAtAll(t *testing.T) {
	here := &config.Interpreter{Argv: []string{"python3"}, Dir: t.TempDir(), Env: os.Environ()}
	version, list := packages(t.Context(), here)
	if !strings.HasPrefix(version, "3.") || !slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(p, "pip==") }) {
		t.Errorf("got %s with %q", version, list)
	}
	for _, argv := range [][]string{{"false"}, {"/nowhere/python3"}, {"echo"}} {
		if version, list := packages(t.Context(), &config.Interpreter{Argv: argv, Env: os.Environ()}); version != "" || list != nil {
			t.Errorf("%q: got %s, %q", argv, version, list)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if version, _ := packages(ctx, &config.Interpreter{Argv: []string{"sh", "-c", "sleep 1000", "python3"}, Env: os.Environ()}); version != "" {
		t.Errorf("got %s", version)
	}
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("it took %v", took)
	}
}
