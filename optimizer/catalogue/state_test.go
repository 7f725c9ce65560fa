package catalogue_test

import (
	"errors"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// A state that lacks a part is that of another program, or was written by none. It must be refused at once: what is missing would be missed later.
func TestStatesWithoutARandomStreamAreRefused(t *testing.T) {
	refused := 0
	for _, a := range catalogue.All() {
		problem := optimizer.Box(3, -1, 1)
		made, err := a.New(problem, a.Params(), 1)
		for _, change := range []func(){func() { problem.Outputs = 2 }, func() { problem.Outputs, problem.Objectives = 0, 2 }} {
			if errors.Is(err, optimizer.ErrUnsuited) {
				change()
				made, err = a.New(problem, a.Params(), 1)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := made.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var envelope map[string]any
		if err := codec.Unmarshal(b, &envelope); err != nil {
			t.Fatal(err)
		}
		var state map[string]any
		if err := codec.Unmarshal(envelope["State"].([]byte), &state); err != nil {
			t.Fatal(err)
		}
		if _, random := state["Src"]; !random { // a grid has none
			continue
		}
		refused++
		if envelope["State"], err = codec.Marshal(map[string]any{}); err != nil {
			t.Fatal(err)
		}
		if b, err = codec.Marshal(envelope); err != nil {
			t.Fatal(err)
		}
		if err := made.UnmarshalBinary(b); !errors.Is(err, optimizer.ErrState) {
			t.Errorf("%s: got %v, want ErrState", a.Name, err)
		}
		if _, err := made.Ask(0); err != nil {
			t.Errorf("%s: afterwards %v", a.Name, err)
		}
	}
	if refused < 25 {
		t.Errorf("%d algorithms have a random stream", refused)
	}
}
