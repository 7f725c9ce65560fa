package vector_test

import (
	"math"
	"slices"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/vector"
)

func TestAVectorComesBackBitForBit(t *testing.T) {
	payload := math.Float64frombits(0x7ff8dead_beef0001)
	in := vector.Vector{0, math.Copysign(0, -1), 1.0 / 3, math.Inf(1), math.Inf(-1), payload, math.MaxFloat64, 5e-324}
	raw, err := msgpack.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 + 8*len(in); len(raw) != want {
		t.Errorf("%d bytes, want %d", len(raw), want)
	}
	var out vector.Vector
	if err := msgpack.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(in, out, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
		t.Errorf("got %v, want %v", out, in)
	}
}

func TestAnEmptyVectorDecodesAsNil(t *testing.T) {
	for _, in := range []vector.Vector{nil, {}} {
		raw, err := msgpack.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		out := vector.Vector{1}
		if err := msgpack.Unmarshal(raw, &out); err != nil || out != nil {
			t.Errorf("got %v, %v", out, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add(vector.Append(nil, []float64{1, math.NaN()}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := vector.Parse(raw)
		if (err != nil) != (len(raw)%8 != 0) {
			t.Fatalf("%d bytes: error %v", len(raw), err)
		}
		if err == nil && string(vector.Append(nil, v)) != string(raw) {
			t.Fatal("bytes changed")
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	v := make([]float64, 1000)
	b.Run("bin", func(b *testing.B) {
		for b.Loop() {
			_, _ = msgpack.Marshal(vector.Vector(v))
		}
	})
	b.Run("array", func(b *testing.B) {
		for b.Loop() {
			_, _ = msgpack.Marshal(v)
		}
	})
}
