package child

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// A program that has gone wrong prints much, and says why in one line of it: a Python traceback in its last one, a Java one in its first. The
// rules know these lines.

// rule finds the line that says what has gone wrong in what programs of one kind print.
type rule struct {
	line *regexp.Regexp
	say  string // a template over the groups of line
	last bool   // of several such lines the last one is meant, not the first
}

func first(line, say string) rule { return rule{line: regexp.MustCompile("(?m)" + line), say: say} }
func last(line, say string) rule  { return rule{regexp.MustCompile("(?m)" + line), say, true} }

// javaError is the class of a Java exception, with its message.
const javaError = `(?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error|Throwable)\b.*`

// rules are tried one after the other; the first that finds something has it.
var rules = []rule{
	// NEURON beneath Python, where the exception itself says nothing.
	last(`^NEURON: (.+)\n near line(?s:.*)^RuntimeError: hoc(?:obj_call)? error$`, "NEURON: $1"),
	// Python: a crash; the group of exceptions; the last one of a chain, whose message may go on; a mistake in the source.
	first(`^(Fatal Python error: .+)$`, "$1"),
	first(`Exception Group Traceback \(most recent call last\):\n(?:[ |]+ .*\n)*?\s*\| (\S*ExceptionGroup: .+)$`, "$1"),
	last(`^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(\S.*)$`, "$1"),
	last(`^  File ".*", line \d+\n(?: .*\n)*(\w*Error: .+)$`, "$1"),
	// Go and Rust.
	first(`^(panic: .+|fatal error: .+)$`, "$1"),
	first(`^thread '.*' (?:\(\d+\) )?panicked at (.+):\n(.+)$`, "$1: $2"),
	// Java, with the cause at the end of the chain.
	first(`^((?:Exception in thread ".*" )?`+javaError+`)$(?s:.*)^Caused by: (`+javaError+`)$`, "$1, caused by $2"),
	first(`^((?:Exception in thread ".*" )?`+javaError+`)$`, "$1"),
	// C++ and C.
	first(`^terminate called after throwing an instance of '(.+)'\n\s*what\(\):\s*(.+)$`, "$1: $2"),
	first(`^(terminate called .+)$`, "$1"),
	first(`^(.+: Assertion .+ failed\.?)$`, "$1"),
	first(`^==\d+==\s*(ERROR: .+)$`, "$1"),
	// NEURON by itself, and NEST's own interpreter.
	first(`^(?:NEURON|\S*nrniv\S*): (.+)\n (?:in .+ )?near line`, "NEURON: $1"),
	first(`^\w{3} +\d+ [\d:]+ (\S+) \[(?:Error|Fatal)\]:\s*(.+)$`, "$1: $2"),
	// R, MATLAB, Octave, Julia.
	first(`^(Error in .+?) ?:\s*(\S.*)$`, "$1: $2"),
	first(`^\{?(Error using .+)\n(.+)$`, "$1: $2"),
	first(`^(Error: .+|error: .+|parse error.*|Unrecognized .+|Undefined .+|ERROR: .+)$`, "$1"),
	// Where Python was when it was ended.
	last(`^Current thread 0x.+\n\s+File "(.+)", line (\d+) in (.+)$`, "at $1:$2, in $3"),
}

// loud is a line of a standard error that calls itself an error, in the words of programs at large.
var loud = last(`(?i)^(.*\b(?:error|fatal|exception)\b.*)$`, "$1")

// find returns what the rule finds, on one line, or "".
func (r rule) find(text string) string {
	most := 1
	if r.last {
		most = -1
	}
	found := r.line.FindAllStringSubmatchIndex(text, most)
	if found == nil {
		return ""
	}
	return oneLine(string(r.line.ExpandString(nil, r.say, text, found[len(found)-1])))
}

// said is what a program has printed.
type said struct{ stdout, stderr string }

// telling is the line that says what has gone wrong, as far as a rule knows it; otherwise "".
func (s said) telling() string {
	for _, text := range []string{s.stderr, s.stdout} {
		for _, r := range rules {
			if line := r.find(text); line != "" {
				return line
			}
		}
	}
	return loud.find(s.stderr)
}

// final is the last line that has a letter or a digit, of the standard error, or if nothing is there of the standard output.
func (s said) final() string {
	for _, text := range []string{s.stderr, s.stdout} {
		lines := strings.Split(text, "\n")
		for i := len(lines) - 1; i >= 0; i-- {
			if strings.ContainsFunc(lines[i], func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
				return oneLine(lines[i])
			}
		}
	}
	return ""
}

// control are the sequences that move a terminal's cursor and colour its text.
var control = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// searched is how much of the beginning and of the end of a text is looked at.
const searched = 32 << 10

// readable is a text as the rules read it: its beginning and its end, without colours, in lines that end by a line feed.
func readable(text []byte) string {
	if len(text) > 2*searched {
		text = append(append(bytes.Clone(text[:searched]), '\n'), text[len(text)-searched:]...)
	}
	s := control.ReplaceAllString(string(text), "")
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// lineLimit is the length, in runes, to which the line of a reason is cut.
const lineLimit = 300

// oneLine is a text as one line that can be shown.
func oneLine(text string) string {
	runes := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text, "\ufffd")), " "))
	if len(runes) > lineLimit {
		runes = append(runes[:lineLimit], '…')
	}
	return string(runes)
}

// excerptOf is a text for people, with its first and its last lines.
func excerptOf(text string) string {
	const firstLines, lastLines, firstSize, lastSize = 6, 14, 1000, 2000
	text = strings.TrimSpace(text)
	lines := strings.Split(text, "\n")
	if len(lines) <= firstLines+lastLines && len(text) <= firstSize+lastSize {
		return text
	}
	head := strings.Join(lines[:min(firstLines, len(lines))], "\n")
	tail := strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
	head, tail = head[:min(len(head), firstSize)], tail[max(0, len(tail)-lastSize):]
	return strings.ToValidUTF8(head, "") + "\n…\n" + strings.ToValidUTF8(tail, "")
}

// Explained is an error by which an evaluation has come to its end, with what the program says of it. Its first line tells what has gone wrong; the
// others, which show what was printed since the last ForgetOutput, are for those who want to know more. Where the error is one that was [Told], its
// first line is the one of it that tells most. To any other the line is added that the program has printed about it: one that calls itself an
// error, or, of a program that is over, that has ended or was ended, the last one if there is none.
func (p *Process) Explained(err error, over bool) error {
	s := said{readable(p.stdout.text()), readable(p.stderr.text())}
	var told Told
	line := s.telling()
	if line == "" && over {
		line = s.final()
	}
	switch {
	case errors.As(err, &told):
		if main := (said{stderr: readable([]byte(told))}).telling(); main != "" && strings.Contains(string(told), "\n") {
			err = rephrased{err, main + "\n" + string(told)}
		}
	case line != "":
		err = fmt.Errorf("%w: %s", err, line)
		if packageMissing.MatchString(line) {
			err = fmt.Errorf("%w, which comes with l2l-mpi: %s", err, Install)
		}
	}
	if text := excerptOf(s.stderr); text != "" {
		return fmt.Errorf("%w%s%s", err, beforeStderr, text)
	}
	if text := excerptOf(s.stdout); text != "" {
		return fmt.Errorf("%w%s%s", err, beforeStdout, text)
	}
	return err
}

// Install is the command by which the Python package that serves models and optimizers is installed, also without a clone of the repository.
const Install = `pip install "git+https://github.com/meta-optimization/l2l-mpi#subdirectory=optimizee/process/python"`

var packageMissing = regexp.MustCompile(`No module named 'l2l_optimize[er]'`)

// What stands before that which a program has printed.
const (
	beforeStderr = "\nits standard error:\n"
	beforeStdout = "\nits standard output:\n"
)

// WithoutPrinted is the text of an error that was Explained, for those who have seen already what the program has printed.
func WithoutPrinted(text string) string {
	text, _, _ = strings.Cut(text, beforeStderr)
	text, _, _ = strings.Cut(text, beforeStdout)
	return text
}

// silent reports whether the program has printed nothing since the last ForgetOutput.
func (p *Process) silent() bool { return len(p.stdout.text())+len(p.stderr.text()) == 0 }

// rephrased is an error with another text.
type rephrased struct {
	error
	text string
}

func (r rephrased) Error() string { return r.text }
func (r rephrased) Unwrap() error { return r.error }
