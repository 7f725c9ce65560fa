package codec_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

func TestVectorComesBackBitForBit(t *testing.T) {
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

func TestVectorThatIsEmptyDecodesAsNil(t *testing.T) {
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

func TestLengthsThatAreAnnouncedAreNotBelieved(t *testing.T) {
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

func TestStructsOfOtherVersionsAreRead(t *testing.T) {
	type earlier struct{ A int }
	type later struct {
		A int
		B []string
	}
	raw, err := codec.Marshal(later{1, []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	var e earlier
	if err := codec.Unmarshal(raw, &e); err != nil || e != (earlier{1}) {
		t.Errorf("a field that is not known: %v, %v", e, err)
	}
	if raw, err = codec.Marshal(e); err != nil {
		t.Fatal(err)
	}
	var l later
	if err := codec.Unmarshal(raw, &l); err != nil || l.A != 1 || l.B != nil {
		t.Errorf("a field that is missing: %v, %v", l, err)
	}
}

// sample is a record, whose later version has fields more.
type sample struct {
	ID     int64
	X      codec.Vector
	Name   string
	More   []sample
	Weight float64
	Kind   uint8
	Count  int
	Seed   uint64
}

func (s *sample) fields() []any {
	return []any{&s.ID, &s.X, &s.Name, &s.More, &s.Weight, &s.Kind, &s.Count, &s.Seed}
}
func (s sample) EncodeMsgpack(enc *msgpack.Encoder) error {
	return codec.EncodeRecord(enc, s.fields()...)
}
func (s *sample) DecodeMsgpack(dec *msgpack.Decoder) error {
	return codec.DecodeRecord(dec, s.fields()...)
}

// short is the sample of an earlier version.
type short struct {
	ID int64
	X  codec.Vector
}

func (s *short) fields() []any { return []any{&s.ID, &s.X} }
func (s short) EncodeMsgpack(enc *msgpack.Encoder) error {
	return codec.EncodeRecord(enc, s.fields()...)
}
func (s *short) DecodeMsgpack(dec *msgpack.Decoder) error {
	return codec.DecodeRecord(dec, s.fields()...)
}

func TestRecordsComeBackAndThoseOfOtherVersionsAreRead(t *testing.T) {
	for _, in := range []sample{
		{}, {ID: -3}, {X: codec.Vector{1, 2}, Seed: 1<<64 - 1}, {ID: 1 << 40, X: codec.Vector{0.5}, Name: "α", More: []sample{{ID: 1}, {}},
			Weight: -1e-300, Kind: 255, Count: -7},
	} {
		raw, err := codec.Marshal([]sample{in})
		if err != nil {
			t.Fatal(err)
		}
		out := []sample{{ID: 9, Name: "left over", Count: 9}}
		if err := codec.Unmarshal(raw, &out); err != nil || !reflect.DeepEqual(out, []sample{in}) {
			t.Errorf("%+v came back as %+v, %v", in, out, err)
		}
		var before []short
		if err := codec.Unmarshal(raw, &before); err != nil || before[0].ID != in.ID || !slices.Equal(before[0].X, in.X) {
			t.Errorf("an earlier version reads %+v as %+v, %v", in, before, err)
		}
		if raw, err = codec.Marshal(before); err != nil {
			t.Fatal(err)
		}
		out = []sample{{Name: "left over", Count: 9}}
		if err := codec.Unmarshal(raw, &out); err != nil || !reflect.DeepEqual(out, []sample{{ID: in.ID, X: in.X}}) {
			t.Errorf("a later version reads %+v as %+v, %v", before, out, err)
		}
	}
	raw, err := codec.Marshal(sample{ID: 5})
	if err != nil || len(raw) != 2 {
		t.Errorf("a record of one small number takes %d bytes, want 2: empty fields cost nothing (%v)", len(raw), err)
	}
}

func TestColumnsOfOtherVersionsAreRead(t *testing.T) {
	for _, n := range []int{2, 3, 17} {
		b := codec.AppendArray(nil, n)
		b = codec.AppendInts(b, 2, func(i int) int64 { return int64(i) + 5 })
		for range n - 1 {
			b = codec.AppendVectors(b, 1, func(int) []float64 { return []float64{0.5} })
		}
		c := codec.NewColumns(b)
		ints, x := c.Bytes(), c.Vector()
		if err := c.Err(); err != nil || !slices.Equal(ints, []byte{5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0}) || !slices.Equal(x, codec.Vector{0.5}) {
			t.Errorf("of %d columns: %v, %v, %v", n, ints, x, err)
		}
		c = codec.NewColumns(b)
		for range n {
			c.Bytes()
		}
		if missing := c.Vector(); missing != nil || c.Err() != nil {
			t.Errorf("a column after the last of %d: %v, %v", n, missing, c.Err())
		}
		for end := range b {
			c := codec.NewColumns(b[:end])
			c.Bytes()
			if c.Err() == nil {
				t.Errorf("%d of %d bytes were read", end, len(b))
			}
		}
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

func TestValuesOfEveryKindAreRead(t *testing.T) {
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
