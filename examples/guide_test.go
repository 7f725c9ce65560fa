package examples

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fence is a fenced block of a page of the guide. The words behind ``` say what it is:
//
//	sh [exit=CODE]   commands, which every test of the guide runs; the exit code of the last is CODE
//	sh MARK          commands that only a test runs which has MARK: mpi, slurm, l2l, the Python L2L, or network, for
//	                 what is downloaded
//	text             what the block of commands before prints, any lines of it in a row; … stands for anything within a line
//	LANGUAGE FILE    a file of the guide
type fence struct {
	page  string
	line  int
	words []string
	text  string
}

func (f fence) String() string { return fmt.Sprintf("%s:%d", f.page, f.line) }

// guide are the blocks of all pages of the guide, in order.
func guide(t *testing.T) (all []fence) {
	t.Helper()
	pages, err := filepath.Glob("guide/[0-9]-*.md")
	if err != nil || len(pages) != 5 {
		t.Fatalf("pages %v, %v; want five", pages, err)
	}
	for _, page := range pages {
		all = append(all, fences(t, page)...)
	}
	return all
}

// fences are the blocks of a page.
func fences(t *testing.T, page string) (all []fence) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var open *fence
	for i, line := range strings.SplitAfter(string(text), "\n") {
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			open = &fence{page: page, line: i + 1, words: strings.Fields(info)}
		case isFence:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Fatalf("%v is not closed", open)
	}
	return all
}

// is tells whether the words behind ``` begin so.
func (f fence) is(words ...string) bool {
	return len(f.words) >= len(words) && slices.Equal(f.words[:len(words)], words)
}

// The blocks of the guide are of a kind that is tested, and those that show a file have its text.
func TestGuideShowsItsFilesAsTheyAre(t *testing.T) {
	shown := 0
	for _, f := range append(guide(t), fences(t, "guide/from-python-l2l.md")...) {
		checkFence(t, f)
		if len(f.words) == 2 && !f.is("sh") {
			shown++
		}
	}
	if shown < 6 {
		t.Errorf("the guide shows %d files, want its models and configurations", shown)
	}
}

func checkFence(t *testing.T, f fence) {
	t.Helper()
	switch {
	case f.is("sh"), f.is("text") && len(f.words) == 1:
		if mark := mark(f); mark != "" && !slices.Contains([]string{"mpi", "slurm", "network", "l2l"}, mark) {
			t.Errorf("%v: no test runs commands that are marked %q", f, mark)
		}
	case len(f.words) == 2:
		want, err := os.ReadFile(filepath.Join(filepath.Dir(f.page), f.words[1]))
		if err != nil || f.text != string(want) {
			t.Errorf("%v is not the text of %s (%v)", f, f.words[1], err)
		}
	default:
		t.Errorf("%v: a block %q is not tested", f, f.words)
	}
}

// mark is the mark of commands that not every test runs.
func mark(f fence) string {
	if len(f.words) < 2 || strings.HasPrefix(f.words[1], "exit=") {
		return ""
	}
	return f.words[1]
}

func TestGuideRunsAsPrinted(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program, and makes some runs with it")
	}
	follow(t, guide(t), nil, nil)
}

// follow runs the commands of pages as one would type them into a terminal, in a directory of its own, without those with other marks than these. What they
// clone is what is here. The Python package is found as if it were installed, unless network is a mark.
func follow(t *testing.T, pages []fence, marks, env []string) {
	t.Helper()
	dir := t.TempDir()
	var script strings.Builder
	script.WriteString("mark() { echo \"== $1\"; }\n")
	last := -1
	name := func(i int) string { return fmt.Sprintf("block %d", i) }
	for i, f := range pages {
		if !f.is("sh") || mark(f) != "" && !slices.Contains(marks, mark(f)) {
			continue
		}
		last = i
		code := 0
		if len(f.words) > 1 {
			_, _ = fmt.Sscanf(f.words[1], "exit=%d", &code) // 0 without
		}
		fmt.Fprintf(&script, "mark '%s'\nset -e\n", name(i))
		if code != 0 {
			script.WriteString("set +e\n")
		}
		script.WriteString(f.text)
		if code != 0 {
			fmt.Fprintf(&script, "code=$?; [ $code = %d ] || { echo \"exit code $code, want %[1]d\"; exit 1; }\n", code)
		}
	}
	if last < 0 {
		t.Fatal("no commands")
	}
	cmd := exec.CommandContext(t.Context(), "sh")
	cmd.Stdin = strings.NewReader(script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url."+origin(t)+".insteadOf",
		"GIT_CONFIG_VALUE_0=https://github.com/meta-optimization/l2l-mpi")
	if !slices.Contains(marks, "network") {
		cmd.Env = append(cmd.Env, "PYTHONPATH="+filepath.Join(dir, "l2l-mpi/optimizee/process/python/src"))
	}
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	printed := map[string]string{} // by mark
	var at string
	for _, part := range strings.Split("\n"+string(out), "\n== ")[1:] {
		at, part, _ = strings.Cut(part, "\n")
		printed[at] = part
	}
	if err != nil {
		var f fence
		for i := range pages {
			if name(i) == at {
				f = pages[i]
			}
		}
		t.Fatalf("%v: %v\n%s\n%s", f, err, f.text, cmp.Or(printed[at], string(out)))
	}
	for i, f := range pages {
		if !f.is("text") {
			continue
		}
		before := i - 1
		for !pages[before].is("sh") {
			before--
		}
		if text, ran := printed[name(before)]; ran {
			pattern := regexp.QuoteMeta(strings.TrimSpace(f.text))
			pattern = strings.ReplaceAll(strings.ReplaceAll(pattern, "\n…\n", "\n(?s:.*)"), "…", ".*") // a line of its own is any lines
			if !regexp.MustCompile(pattern).MatchString(text) {
				t.Errorf("%v is not what is printed:\n%s", f, text)
			}
		}
	}
}

// origin is a git repository of the files that are here, committed or not.
func origin(t *testing.T) string {
	t.Helper()
	list := exec.Command("git", "ls-files", "-co", "--exclude-standard", "-z")
	list.Dir = ".."
	names, err := list.Output()
	if err != nil {
		t.Skipf("what the guide clones is a git repository, and here is none: %v", err)
	}
	dir := t.TempDir()
	for _, name := range strings.Split(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join("..", name))
		if err != nil || !info.Mode().IsRegular() {
			continue // deleted, but not in the index
		}
		text, err := os.ReadFile(filepath.Join("..", name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, info.Mode().Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, argv := range [][]string{{"init", "-q"}, {"add", "-A", "-f"}, {"-c", "user.name=test", "-c", "user.email=test", "commit", "-q", "-m", "all"}} {
		cmd := exec.Command("git", argv...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", argv, err, out)
		}
	}
	return dir
}
