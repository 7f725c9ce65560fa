package l2l

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Instances are tasks of an optimizee's family, in ascending order, each once. A configuration names them as a range, "100..139", or as a list of
// numbers and ranges.
type Instances []int

// maxInstances is the most that a list may hold: all of it is in the first event of a journal.
const maxInstances = 100_000

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Instances) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		return s.read([]string{n.Value})
	case yaml.SequenceNode:
		var words []string
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return errors.New("want numbers of instances, or ranges such as 100..139")
			}
			words = append(words, c.Value)
		}
		return s.read(words)
	}
	return errors.New("want a range of instances such as 100..139, or a list of numbers")
}

// SchemaWord implements schema.Worded: a number, or a range.
func (s *Instances) SchemaWord() map[string]any {
	return map[string]any{"type": []string{"integer", "string"}, "minimum": 0, "pattern": `^\+?[0-9]+(\.\.\+?[0-9]+)?$`}
}

// read reads numbers and ranges.
func (s *Instances) read(words []string) error {
	var all []int
	for _, word := range words {
		first, last, isRange := strings.Cut(word, "..")
		from, err := strconv.Atoi(first)
		to := from
		if isRange && err == nil {
			to, err = strconv.Atoi(last)
		}
		switch {
		case err != nil || from < 0 || to < from:
			return fmt.Errorf("%q, want the number of an instance, 0 or more, or a range such as 100..139", word)
		case to-from >= maxInstances || len(all)+to-from >= maxInstances:
			return fmt.Errorf("%q, want at most %d instances", word, maxInstances)
		}
		for i := from; i <= to; i++ {
			all = append(all, i)
		}
	}
	slices.Sort(all)
	*s = slices.Compact(all)
	return nil
}

// MarshalYAML implements yaml.Marshaler: a single range, or number, is a word, and anything else a list of them.
func (s Instances) MarshalYAML() (any, error) {
	words := s.ranges()
	if len(words) == 1 {
		return words[0], nil
	}
	return words, nil
}

// String is the instances as people write them.
func (s Instances) String() string { return strings.Join(s.ranges(), ", ") }

// ranges are the instances as numbers and ranges, as few as there can be.
func (s Instances) ranges() (words []string) {
	for from, to := 0, 0; from < len(s); from = to {
		for to = from + 1; to < len(s) && s[to] == s[to-1]+1; to++ {
		}
		word := strconv.Itoa(s[from])
		if to-from > 1 {
			word += ".." + strconv.Itoa(s[to-1])
		}
		words = append(words, word)
	}
	return words
}

// other is the i-th instance, from 0, of those that are not in s.
func (s Instances) other(i int) int {
	for _, t := range s {
		if t > i {
			break
		}
		i++
	}
	return i
}

// before is the number of instances less than i that are not in s: the inverse of other. It is -1 for one that is in s.
func (s Instances) before(i int) int {
	n, in := slices.BinarySearch(s, i)
	if in {
		return -1
	}
	return i - n
}
