package child

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

var python = regexp.MustCompile(`^(python|pypy)[0-9.]*$`)

// Interpreter is how the Python is started that runs the program: the words of the command up to the one that is called python, python3 or the like,
// or those that the first line of a script names. There are none where the program is not in Python, as far as that can be seen.
func (p *Program) Interpreter() []string {
	if len(p.Command) == 0 {
		return nil
	}
	if words := upToPython(p.Command); words != nil {
		return words
	}
	path, err := exec.LookPath(p.Command[0])
	if err != nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	line := make([]byte, 256)
	n, _ := io.ReadFull(f, line) // a short script is as good
	first, _, _ := bytes.Cut(line[:n], []byte("\n"))
	after, ok := strings.CutPrefix(string(first), "#!")
	words := strings.Fields(after)
	if !ok || len(words) == 0 {
		return nil
	}
	if filepath.Base(words[0]) == "env" && len(words) > 1 && words[1] == "-S" {
		words = append(words[:1:1], words[2:]...)
	}
	return upToPython(words)
}

// upToPython are the words of a command up to the one that is called as Python is; nil if none is.
func upToPython(words []string) []string {
	for i, word := range words {
		if python.MatchString(filepath.Base(word)) {
			return words[:i+1]
		}
	}
	return nil
}
