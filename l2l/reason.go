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
func (r *Result) Kind() string { return r.Ending.String() + " " + kindOf(r.Reason) }

func kindOf(reason string) string { return numbers.ReplaceAllString(Headline(reason), "#") }
