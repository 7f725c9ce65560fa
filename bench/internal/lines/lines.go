// Package lines writes the results of a benchmark as JSON lines, each of which says by which command, when, where and with what it was measured.
package lines

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Writer writes lines.
type Writer struct {
	out  *os.File // nil: nothing is written
	head map[string]any
}

// Open is a writer that appends to a file; "": nothing is written. command is how the benchmark was called, and versions is what it used besides Go, by
// name. The caller closes it.
func Open(file, command string, versions map[string]string) (*Writer, error) {
	host, _ := os.Hostname() // unknown is ""
	w := &Writer{head: map[string]any{
		"command": command, "date": time.Now().Format(time.DateOnly), "host": host, "commit": commit(),
		"machine": fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()), "go": runtime.Version(),
	}}
	for name, version := range versions {
		w.head[name] = version
	}
	if file == "" {
		return w, nil
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	w.out = out
	return w, err
}

// Close closes the file.
func (w *Writer) Close() error {
	if w.out == nil {
		return nil
	}
	return w.out.Close()
}

// Write writes a line of what was measured.
func (w *Writer) Write(measured map[string]any) error {
	if w.out == nil {
		return nil
	}
	line := map[string]any{}
	for k, v := range w.head {
		line[k] = v
	}
	for k, v := range measured {
		line[k] = v
	}
	b, err := json.Marshal(line)
	if err == nil {
		_, err = w.out.Write(append(b, '\n'))
	}
	return err
}

// commit is that of the working directory, with "-dirty" behind it where files differ from it; "" where there is none.
func commit() string {
	b, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
