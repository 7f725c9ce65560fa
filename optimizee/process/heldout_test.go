package process

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

// tests tests what was found by a process's test, and returns what is shown and the scores.
func tests(t *testing.T, p *Process, found optimizee.Found) (shown string, scores optimizee.Scores, err error) {
	t.Helper()
	var out strings.Builder
	scores, err = opened(t, p).Test(t.Context(), found, &out, io.Discard)
	return out.String(), scores, err
}

// someFound is a point with values of several kinds.
func someFound(t *testing.T) optimizee.Found {
	t.Helper()
	p := opened(t, script(t, "true"))
	x, err := p.Space().Encode(someValues())
	if err != nil {
		t.Fatal(err)
	}
	params, err := p.Space().Decode(x)
	if err != nil {
		t.Fatal(err)
	}
	return optimizee.Found{Params: params, Individual: 7, Fitness: []float64{0.5}}
}

func TestATestFindsWhatWasFoundInItsInputAndItsLastLineIsItsScores(t *testing.T) {
	found := someFound(t)
	p := script(t, "exit 3")
	p.Dir, p.Constants, p.Env = "testdata", map[string]any{"dt": 0.5}, map[string]string{"COLOUR": "red"}
	p.TestWith = child.Words{"sh", "-c", `cat; test -f model.py && echo "$COLOUR"; echo '{"held out": {"exact": 9, "none": null, "a": 1}, "b": -2e3}'; echo`}
	shown, scores, err := tests(t, p, found)
	if want := `{"individual":7,"params":{"tau":12.5,"n":3,"on":true,"rule":"two words","w":[0.1,-1.0,1e-07]},"fitness":{"error":0.5},"constants":{"dt":0.5}}` +
		"\nred\n"; err != nil || shown != want {
		t.Errorf("%q, %v; want %q", shown, err, want)
	}
	if want := (optimizee.Scores{{Of: "held out", Name: "exact", Value: 9}, {Of: "held out", Name: "a", Value: 1}, {Name: "b", Value: -2000}}); !reflect.DeepEqual(scores, want) {
		t.Errorf("%v, want %v", scores, want)
	}

	found.Individual, found.Fitness, found.Front = -1, nil, []optimizee.Found{found, found}
	p = script(t, "")
	p.TestWith = child.Words{"sh", "-c", `grep -o '"individual":null\|"front":..\|"fitness":null\|"individual":7'`}
	if shown, scores, err := tests(t, p, found); err != nil || len(scores) > 0 || strings.Join(strings.Fields(shown), " ") !=
		`"individual":null "fitness":null "front":[{ "individual":7 "individual":7` {
		t.Errorf("%q, %v, %v", shown, scores, err)
	}
}

func TestATestThatFailsSaysWhy(t *testing.T) {
	found := someFound(t)
	for text, want := range map[string]string{
		`echo half; exit 3`:               "the test ended (exit status 3)",
		`kill -9 $$`:                      "the test ended (killed by signal 9",
		`echo '{"exact": "all of them"}'`: `the last line of the test's output, an object of its numbers: exact is "all of them", want a number, or an object of numbers`,
		`echo '{"a": {"b": [1]}}'`:        `a: b is [1], want a number`,
		`echo '{"a": NaN}'`:               "there is no NaN and no Infinity in JSON",
		`echo '{"a": 1, "a": 2}'`:         "a is there twice",
		`echo '{text in braces}'`:         "invalid character",
	} {
		p := script(t, "")
		p.TestWith = child.Words{"sh", "-c", text}
		if _, scores, err := tests(t, p, found); err == nil || scores != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %s", text, scores, err, want)
		}
	}
	p := script(t, "")
	if _, _, err := tests(t, p, found); !errors.Is(err, optimizee.ErrNoTest) {
		t.Errorf("without a test: %v", err)
	}
	p = script(t, "")
	p.TestWith = child.Words{"./is-not-there"}
	if _, _, err := tests(t, p, found); err == nil || !strings.Contains(err.Error(), "is-not-there: no such file") {
		t.Errorf("a test that is not there: %v", err)
	}
}

func TestTheLastLineIsFoundHoweverItIsWritten(t *testing.T) {
	for text, want := range map[string][2]string{
		"":                            {"", ""},
		"a\n{b}\nc":                   {"a\n{b}\nc", ""},
		"a\n{b}\n\n{c}\n \n":          {"a\n{b}\n\n", "{c}\n \n"},
		"{b}":                         {"", "{b}"},
		"a{b}\n":                      {"a{b}\n", ""},
		"12%\r 99%\r\n{\"x\": 1}  \n": {"12%\r 99%\r\n", "{\"x\": 1}  \n"},
		"{b}\n  c\n":                  {"{b}\n  c\n", ""},
	} {
		for size := 1; size <= len(text)+1; size++ {
			var out strings.Builder
			l := &lastLine{w: &out}
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				if _, err := io.WriteString(l, rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			line, err := l.end()
			if err != nil || out.String() != want[0] || string(line) != want[1] {
				t.Errorf("%q by %d: %q and %q, %v", text, size, out.String(), line, err)
			}
		}
	}
}
