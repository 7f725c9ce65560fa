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
		"a torn length":              "\xc5\x01",
		"an unused code":             "\xc1",
		"nests without end":          strings.Repeat("\x91", 20_000_000),
		"nests too deep":             strings.Repeat("\x81\xa1a", 2000) + "\xc0",
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

func TestEveryKindOfValueIsRead(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	list := make([]any, 1<<16)
	values := []any{
		nil, true, false, 0, 127, -1, -32, -33, 128, 1 << 10, -1 << 10, 1 << 20, -1 << 20, 1 << 40, -1 << 40, uint64(1<<64 - 1), float32(1.5), 1e300,
		"", "x", long[:40], long[:300], long, []byte{}, []byte(long[:300]), []byte(long), []any{}, []any{1, []any{}, "y"}, list[:20], list,
		map[string]any{}, map[string]any{"a": map[string]any{"b": []any{nil}}, "c": 1},
	}
	wide := map[string]any{}
	for i := range 1 << 16 {
		wide[strings.Repeat("k", 1+i%3)+string(rune(i))] = i
	}
	for _, v := range append(values, wide, values) {
		raw, err := codec.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var out any
		if err := codec.Unmarshal(raw, &out); err != nil {
			t.Errorf("%.50v: %v", v, err)
		}
		if len(raw) > 1 && codec.Unmarshal(raw[:len(raw)-1], &out) == nil {
			t.Errorf("%.50v without its last byte was read", v)
		}
	}
}
