package child

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestInterpreterIsThatOfTheCommandOrOfItsScript(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ command, want []string }{
		{[]string{"python3", "model.py"}, []string{"python3"}},
		{[]string{"/venv/bin/python3.11", "-u", "model.py", "python"}, []string{"/venv/bin/python3.11"}},
		{[]string{"conda", "run", "-n", "nest", "python", "model.py"}, []string{"conda", "run", "-n", "nest", "python"}},
		{[]string{script("a", "#!/usr/bin/env python3\nimport sys\n")}, []string{"/usr/bin/env", "python3"}},
		{[]string{script("b", "#!/usr/bin/env -S python3 -u\n")}, []string{"/usr/bin/env", "python3"}},
		{[]string{script("c", "#!/opt/venv/bin/pypy3"), "--x"}, []string{"/opt/venv/bin/pypy3"}},
		{[]string{script("d", "#!/bin/sh\npython3 model.py\n")}, nil},
		{[]string{script("e", "")}, nil},
		{[]string{"sh", "-c", "pythonic"}, nil},
		{[]string{filepath.Join(dir, "missing")}, nil},
		{nil, nil},
	} {
		if got := (&Program{Command: c.command}).Interpreter(); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.command, got, c.want)
		}
	}
}
