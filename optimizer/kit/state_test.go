package kit

import (
	"errors"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
)

type someState struct{ Step float64 }

func TestStateComesBackToTheAlgorithmAndTheProblemThatItIsOf(t *testing.T) {
	problem := optimizer.Box(2, 0, 1)
	a := optimizer.Algorithm{Name: "some", Earlier: []string{"0.3.1"}} // version 2 of its search
	b, err := EncodeState(a, 4, problem, someState{0.5})
	if err != nil {
		t.Fatal(err)
	}
	var s someState
	if err := DecodeState(a, 4, problem, b, &s); err != nil || s.Step != 0.5 {
		t.Errorf("%+v, %v", s, err)
	}
	for name, c := range map[string]struct {
		a       optimizer.Algorithm
		layout  int
		problem optimizer.Problem
		b       []byte
		want    string
	}{
		"another algorithm": {optimizer.Algorithm{Name: "other", Earlier: a.Earlier}, 4, problem, b,
			"it is of some in 2 dimensions, want other in 2"},
		"another dimension": {a, 4, optimizer.Box(3, 0, 1), b, "it is of some in 2 dimensions, want some in 3"},
		"another layout":    {a, 5, problem, b, "it is of layout 4 of some, want 5"},
		"an older program":  {optimizer.Algorithm{Name: "some"}, 4, problem, b, "it is of version 2 of the search of some, want version 1"},
		"a newer program": {optimizer.Algorithm{Name: "some", Earlier: []string{"0.3.1", "0.4.0"}}, 4, problem, b,
			"want version 3; the last release with it is 0.4.0"},
		"a newer program, of a version that was in no release": {optimizer.Algorithm{Name: "some", Earlier: []string{"0.3.1", ""}}, 4, problem, b,
			"it is of version 2 of the search of some, want version 3"},
		"bytes that are not a state": {a, 4, problem, b[1:], "not a state"},
	} {
		s := someState{7}
		if err := DecodeState(c.a, c.layout, c.problem, c.b, &s); !errors.Is(err, optimizer.ErrState) || !strings.Contains(err.Error(), c.want) ||
			s.Step != 7 {
			t.Errorf("%s: %v, and the state is %+v; want %q, and the state as it was", name, err, s, c.want)
		}
	}
}

// Before searches had versions, states did not have that field.
func TestStateWithoutAVersionIsOfTheFirst(t *testing.T) {
	problem := optimizer.Box(2, 0, 1)
	raw, err := codec.Marshal(someState{0.5})
	if err != nil {
		t.Fatal(err)
	}
	b, err := codec.Marshal(struct {
		Algorithm string
		Version   int
		Dim       int
		State     []byte
	}{"some", 4, 2, raw})
	if err != nil {
		t.Fatal(err)
	}
	var s someState
	if err := DecodeState(optimizer.Algorithm{Name: "some"}, 4, problem, b, &s); err != nil || s.Step != 0.5 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := DecodeState(optimizer.Algorithm{Name: "some", Earlier: []string{"0.1.0"}}, 4, problem, b, &s); !errors.Is(err, optimizer.ErrState) {
		t.Errorf("%v, want ErrState for version 2 of the search", err)
	}
}
