package catalogue_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/catalogue"
)

// forms are the algorithms of the catalogue, and those of them once more that search otherwise where many evaluations can be under way.
func forms(t testing.TB) []optimizer.Algorithm {
	t.Helper()
	all := catalogue.All()
	for _, name := range []string{"cmaes", "cmaes_async", "portfolio"} {
		a, ok := catalogue.Find(name)
		if !ok {
			t.Fatalf("%s is not in the catalogue", name)
		}
		alone := a.New
		a.New = func(problem optimizer.Problem, params any, seed uint64) (optimizer.Optimizer, error) {
			problem.Parallel = 120
			return alone(problem, params, seed)
		}
		all = append(all, a)
	}
	return all
}

// begun is a search of the algorithm after some generations, with half a generation outstanding, its state, and its problem.
func begun(t testing.TB, a optimizer.Algorithm, generations int) (optimizer.Optimizer, []byte, optimizer.Problem) {
	t.Helper()
	problem := optimizer.Box(3, -1, 1)
	o, err := a.New(problem, a.Params(), 1)
	for _, change := range []func(){func() { problem.Outputs = 2 }, func() { problem.Outputs, problem.Objectives = 0, 2 }} {
		if errors.Is(err, optimizer.ErrUnsuited) {
			change()
			o, err = a.New(problem, a.Params(), 1)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for range generations {
		generation(t, o, problem, 1)
	}
	if generations > 0 {
		generation(t, o, problem, 2)
	}
	b, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return o, b, problem
}

// generation asks for what the search wants, and tells it of one in every so many.
func generation(t testing.TB, o optimizer.Optimizer, problem optimizer.Problem, every int) {
	t.Helper()
	most := 0
	if _, ok := o.(optimizer.Asynchronous); ok {
		most = 50
	}
	cs, err := o.Ask(most)
	if err != nil {
		t.Fatal(err)
	}
	var evs []optimizer.Evaluated
	for i := 0; i < len(cs); i += every {
		x := cs[i].X
		ev := optimizer.Evaluated{ID: cs[i].ID, Failed: cs[i].ID%9 == 4}
		for k := range problem.NumObjectives() {
			ev.Loss = append(ev.Loss, math.Hypot(x[0]-float64(k), x[1]+x[2]))
		}
		if problem.Outputs > 0 {
			ev.Outputs, ev.Targets = x[:problem.Outputs], make([]float64, problem.Outputs)
		}
		evs = append(evs, ev)
	}
	if err := o.Tell(evs); err != nil {
		t.Fatal(err)
	}
}

func TestStatesWithAnyByteChangedAreRefused(t *testing.T) {
	for _, a := range forms(t) {
		o, b, _ := begun(t, a, 2)
		for at := range b {
			b[at] ^= 1 << (at % 8)
			if err := o.UnmarshalBinary(b); !errors.Is(err, optimizer.ErrState) {
				t.Fatalf("%s: a bit of byte %d of %d is wrong: got %v, want ErrState", a.Name, at, len(b), err)
			}
			b[at] ^= 1 << (at % 8)
		}
		if err := o.UnmarshalBinary(b); err != nil {
			t.Errorf("%s: the state itself: %v", a.Name, err)
		}
	}
}

// FuzzStates gives every algorithm states of any content. One that is refused changes nothing; with one that is taken the search goes on.
func FuzzStates(f *testing.F) {
	all := forms(f)
	for i, a := range all {
		_, b, _ := begun(f, a, 2)
		f.Add(byte(i), b)
		f.Add(byte(i), b[:len(b)/2])
		f.Add(byte(i+1), b) // of another algorithm
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		o, before, problem := begun(t, all[int(which)%len(all)], 0)
		if err := o.UnmarshalBinary(b); err == nil {
			if !bytes.HasPrefix(b, []byte("L2LS")) {
				return // states of before have no checksum, and are for the checkpoint to protect
			}
			for range 3 {
				generation(t, o, problem, 1)
				_ = o.Status()
			}
			if _, err := o.MarshalBinary(); err != nil {
				t.Fatal(err)
			}
		} else if !errors.Is(err, optimizer.ErrState) {
			t.Fatalf("got %v, want ErrState", err)
		} else if after, err := o.MarshalBinary(); err != nil || !bytes.Equal(before, after) {
			t.Fatalf("a state that is refused has changed the search (%v)", err)
		}
		_ = o.UnmarshalBinary(b[min(len("L2LS")+4, len(b)):]) // must not panic where no checksum stops it
	})
}

// A state that lacks a part is that of another program, or was written by none. It must be refused at once: what is missing would be missed later.
func TestStatesWithoutARandomStreamAreRefused(t *testing.T) {
	refused := 0
	for _, a := range forms(t) {
		made, b, _ := begun(t, a, 0)
		b, err := b[len("L2LS")+4:], error(nil) // without its checksum, as states were before
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
