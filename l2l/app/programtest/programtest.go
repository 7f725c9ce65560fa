// Package programtest builds programs for tests, each once for all tests of a process: to link one takes seconds.
package programtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Built are the programs that have been built, by their packages and commands. The zero Built is one without any, whose Main is to be called.
type Built struct {
	mu       sync.Mutex
	dir      string
	programs map[string]string
}

// Main is what a TestMain calls: it runs the tests, removes the programs, and returns the exit code.
func (b *Built) Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "programtest")
	if err != nil {
		panic(err)
	}
	b.dir, b.programs = dir, map[string]string{}
	defer os.RemoveAll(dir) // what is left there harms nobody
	return m.Run()
}

// Path is a path of the test's own to the program of a package, a path of a directory, as the command builds it, "go build" say: so its processes can be
// told from those of other tests.
func (b *Built) Path(t *testing.T, pkg string, command ...string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	key := strings.Join(append(command[:len(command):len(command)], pkg), " ")
	program, ok := b.programs[key]
	if !ok {
		full, err := filepath.Abs(pkg)
		if err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(b.dir, fmt.Sprint(len(b.programs)), filepath.Base(full))
		argv := append(command[:len(command):len(command)], "-o", program, pkg)
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
		b.programs[key] = program
	}
	return Linked(t, program)
}

// Linked is another path to a program, of the test's own.
func Linked(t *testing.T, program string) string {
	t.Helper()
	own := filepath.Join(t.TempDir(), filepath.Base(program))
	if err := os.Link(program, own); err != nil {
		t.Fatal(err)
	}
	return own
}
