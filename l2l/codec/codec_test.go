package codec_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

func TestAVectorComesBackBitForBit(t *testing.T) {
	payload := math.Float64frombits(0x7ff8dead_beef0001)
	in := codec.Vector{0, math.Copysign(0, -1), 1.0 / 3, math.Inf(1), math.Inf(-1), payload, math.MaxFloat64, 5e-324}
	raw, err := codec.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 + 8*len(in); len(raw) != want {
		t.Errorf("%d bytes, want %d", len(raw), want)
	}
	var out codec.Vector
	if err := codec.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(in, out, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
		t.Errorf("got %v, want %v", out, in)
	}
}

func TestAnEmptyVectorDecodesAsNil(t *testing.T) {
	for _, in := range []codec.Vector{nil, {}} {
		raw, err := codec.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		out := codec.Vector{1}
		if err := codec.Unmarshal(raw, &out); err != nil || out != nil {
			t.Errorf("got %v, %v", out, err)
		}
	}
}

func TestAnnouncedLengthsAreNotBelieved(t *testing.T) {
	for name, raw := range map[string]string{
		"an array of 4e9":            "\xdd\xff\xff\xff\xff",
		"a map of 4e9":               "\xdf\xff\xff\xff\xff",
		"a bin of 4e9":               "\xc6\xff\xff\xff\xff",
		"nothing":                    "",
		"two values":                 "\x91\x01\x02",
		"an array within a torn map": "\x81\xa1a\xdd\xff\xff\xff\xff\x01",
	} {
		var structs []struct{ A [64]int }
		var numbers map[int64]*int
		for _, v := range []any{&structs, &numbers, new(codec.Vector), new(any)} {
			if err := codec.Unmarshal([]byte(raw), v); err == nil || !strings.HasPrefix(err.Error(), "codec: ") {
				t.Errorf("%s into %T: got %v", name, v, err)
			}
		}
	}
}

func TestAnUnknownFieldIsAnError(t *testing.T) {
	raw, err := codec.Marshal(struct{ A, B int }{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := codec.Unmarshal(raw, new(struct{ A int })); err == nil {
		t.Error("field B was dropped")
	}
}

func FuzzUnmarshal(f *testing.F) {
	type inner struct {
		X    codec.Vector
		Name string
	}
	type outer struct {
		Inner []inner
		Map   map[int64]*inner
		Any   any
	}
	raw, err := codec.Marshal(outer{Inner: []inner{{codec.Vector{1, 2}, "a"}}, Map: map[int64]*inner{4: {}}, Any: []int{1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v outer
		_ = codec.Unmarshal(raw, &v) // must not panic
	})
}

func BenchmarkMarshal(b *testing.B) {
	v := make([]float64, 1000)
	b.Run("vector", func(b *testing.B) {
		for b.Loop() {
			_, _ = codec.Marshal(codec.Vector(v))
		}
	})
	b.Run("array", func(b *testing.B) {
		for b.Loop() {
			_, _ = codec.Marshal(v)
		}
	})
}
