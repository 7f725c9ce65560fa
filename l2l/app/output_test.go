package app

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOutputOfEachCommandIsAsItWasRead holds what people read to what somebody has read. Each file of testdata/output is of one command:
//
//	$ l2l-mpi status runs/fit/001     typed into a shell, in a copy of testdata/output/start, where runs/fit/001 is run.yaml's run
//	runs/fit/001: finished, …         what it prints on both streams, in which what differs from run to run is masked
//	[exit 2]                          unless it ends with 0
//
// With -update the files are written anew: read the difference as a user would, who wants to know what to do next.
func TestOutputOfEachCommandIsAsItWasRead(t *testing.T) {
	files, err := filepath.Glob("testdata/output/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	start := filepath.Join(t.TempDir(), "start")
	if err := os.CopyFS(start, os.DirFS("testdata/output/start")); err != nil {
		t.Fatal(err)
	}
	if text := typed(t, start, "l2l-mpi --config run.yaml --quiet --log-level error"); !strings.Contains(text, "runs/fit/001") {
		t.Fatal(text)
	}
	var covered []string
	for _, file := range files {
		covered = append(covered, strings.TrimSuffix(filepath.Base(file), ".txt"))
		t.Run(covered[len(covered)-1], func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "work")
			if err := os.CopyFS(dir, os.DirFS(start)); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for line := range strings.SplitSeq(string(want), "\n") {
				if command, ok := strings.CutPrefix(line, "$ "); ok {
					fmt.Fprintf(&got, "%s\n%s", line, typed(t, dir, command))
				}
			}
			if *update {
				err = os.WriteFile(file, []byte(got.String()), 0o666)
			} else if got.String() != string(want) {
				err = errors.New("it is not as it was; read the difference, and write it by -update")
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, difference(string(want), got.String()))
			}
		})
	}
	s := &session{kinds: Program{}.kinds()}
	for _, c := range append(s.command().Commands(), s.command()) {
		if name := cmp.Or(strings.TrimPrefix(c.Name(), name), "run"); !slices.Contains(covered, name) {
			t.Errorf("testdata/output has no %s.txt: want one for each command", name)
		}
	}
}

// typed is what a command line prints and how it ends, without what differs from run to run.
func typed(t *testing.T, dir, line string) string {
	t.Helper()
	python, err := filepath.Abs("../../optimizee/process/python/src")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONPATH="+python, "TERM=dumb", "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	text := string(out)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		text += fmt.Sprintf("[exit %d]\n", exit.ExitCode())
	} else if err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	text = strings.NewReplacer(real, "/home/ada", dir, "/home/ada").Replace(text)
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.by)
	}
	return regexp.MustCompile(`\b`+regexp.QuoteMeta(cmp.Or(host, "no host"))+`\b`).ReplaceAllString(text, "HOST")
}

// masks are what differs from run to run, or from machine to machine.
var masks = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`20\d\d-\d\d-\d\dT[0-9:.]+(Z|[+-][0-9:]+)`), "DATE"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "TIME"},
	{regexp.MustCompile(`\b(?:[0-9]+h)?(?:[0-9]+m)?[0-9.]+(ns|µs|ms|s)( ago|$|, best|;)`), "T$2"},
	{regexp.MustCompile(`(?m)(, |in |after )(?:[0-9]+h)?(?:[0-9]+m)?[0-9.]+(ns|µs|ms|s)\b`), "${1}T"},
	{regexp.MustCompile(`[0-9.]+ kB of journal, [0-9.]+ MB of memory`), "N kB of journal, N MB of memory"}, // measured
	{regexp.MustCompile(`[0-9.]+/s\b`), "RATE"},
	{regexp.MustCompile(`"per_second":[0-9.e+]+`), `"per_second":RATE`},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "HASH"},
	{regexp.MustCompile(`l2l-eval-\d+`), "l2l-eval-N"},
	{regexp.MustCompile(`(?m)^[ ^~]*\^[ ^~]*\n`), ""}, // later Pythons underline
	{regexp.MustCompile(`l2l-mpi version \S+`), "l2l-mpi version V"},
	{regexp.MustCompile(`when generation \d+, which`), "when generation N, which"},
	{regexp.MustCompile(`"(createdWith|startTime|endTime|dateCreated|dateModified)": "[^"]*"`), `"$1": "…"`},
}

// difference are the lines of two texts from the first that differs on.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	const most = 12
	return fmt.Sprintf("line %d, want\n%s\ngot\n%s", i+1, strings.Join(w[i:min(len(w), i+most)], "\n"), strings.Join(g[i:min(len(g), i+most)], "\n"))
}
