package l2l

import (
	"regexp"
	"strings"
	"unicode"
)

// The reason of a failure is a text for people: its first line tells what has gone wrong, the others are for those who want to know more.

// headlineLimit is the length, in runes, to which a headline is cut.
const headlineLimit = 400

// Headline is the first line of a reason, as it can be shown anywhere: without characters that a terminal or a table would heed.
func Headline(reason string) string {
	line, _, _ := strings.Cut(strings.TrimLeft(reason, "\n"), "\n")
	runes := []rune(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.TrimSpace(line)))
	if len(runes) > headlineLimit {
		runes = append(runes[:headlineLimit], '…')
	}
	return string(runes)
}

var numbers = regexp.MustCompile(`0x[0-9a-fA-F]+|[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?`)

// Kind is the same for failures of one kind: those that ended alike and whose reasons have headlines that differ at most in their numbers.
func (r *Result) Kind() string { return r.Ending.String() + " " + Pattern(r.Reason) }

// Pattern is the headline of a reason with N for each number: what reasons have in common that differ in nothing else.
func Pattern(reason string) string { return numbers.ReplaceAllString(Headline(reason), "N") }

// faulty are words of failures that are the program's and not those of a point, as no other parameters would mend them: it does not start, something
// that it needs is not installed, it is misspelt, or what it returns has not the form that was asked for. All else may be how a model says that it has
// no value at a point: an exit status, a simulation that diverged, an exception of its own.
var faulty = regexp.MustCompile(`cannot start|said no hello|speaks version|its hello|cannot be written as|its answer (is|has) |among the keys|fitness: .*want \d+: ` +
	`|exit status 12[67]\b|[Cc]ommand not found|[Ee]xec format error|executable file not found|error while loading shared libraries` + // a shell, a loader
	`|\b(ImportError|ModuleNotFoundError|SyntaxError|IndentationError|TabError|NameError|UnboundLocalError|AttributeError|TypeError)\b|[Nn]o module named` + // Python
	`|\b(NoClassDefFoundError|ClassNotFoundException|UnsupportedClassVersionError)\b|find or load main class|access jarfile` + // Java
	`|there is no package called|could not find function|\bUndefVarError\b|not found in current path|[Uu]ndefined function`) // R, Julia, MATLAB

// blamesProgram reports whether the reason says that the program is at fault, whatever the parameters.
func blamesProgram(reason string) bool { return faulty.MatchString(Headline(reason)) }
