package l2l

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestInstancesAreReadAndWrittenAsNumbersAndRanges(t *testing.T) {
	for text, want := range map[string]struct {
		s       Instances
		written string
	}{
		"100..103":                {Instances{100, 101, 102, 103}, "100..103"},
		"7":                       {Instances{7}, `"7"`},
		"[3, 1, 2, 2]":            {Instances{1, 2, 3}, "1..3"},
		"[0, 5..6, 9]":            {Instances{0, 5, 6, 9}, `["0", 5..6, "9"]`},
		"[]":                      {nil, "[]"},
		"[4..4, '10..9']":         {nil, `"10..9", want the number of an instance`},
		"-1":                      {nil, `"-1", want the number of an instance`},
		"[1.5]":                   {nil, `"1.5", want the number of an instance`},
		"0..100000":               {nil, "want at most 100000 instances"},
		"[[1]]":                   {nil, "want numbers of instances"},
		"{a: 1}":                  {nil, "want a range of instances"},
		"9..99999999999999999999": {nil, "want the number of an instance"},
	} {
		var s Instances
		err := yaml.Unmarshal([]byte(text), &s)
		if err != nil {
			if !strings.Contains(err.Error(), want.written) {
				t.Errorf("%s: %v, want %s", text, err, want.written)
			}
			continue
		}
		var n yaml.Node
		if err := n.Encode(s); err != nil {
			t.Fatal(err)
		}
		if n.Kind == yaml.SequenceNode {
			n.Style = yaml.FlowStyle
		}
		b, err := yaml.Marshal(&n)
		if err != nil {
			t.Fatal(err)
		}
		if written := strings.TrimSpace(string(b)); !slices.Equal(s, want.s) || written != want.written {
			t.Errorf("%s is %v, written as %s, want %v and %s", text, s, written, want.s, want.written)
		}
	}
}

func TestInstancesSkipThoseOfTheTestAndBack(t *testing.T) {
	for _, s := range []Instances{nil, {0}, {0, 1, 2}, {3, 5, 6, 40}, {100, 101}} {
		var others []int
		for i := range 60 {
			if !slices.Contains(s, i) {
				others = append(others, i)
			} else if s.before(i) != -1 {
				t.Errorf("%v: %d has a place among the others, %d", s, i, s.before(i))
			}
		}
		for k, i := range others {
			if s.other(k) != i || s.before(i) != k {
				t.Errorf("%v: number %d of the others is %d, and %d comes after %d", s, k, s.other(k), i, s.before(i))
			}
		}
	}
}
