package child

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
)

// plain is a value with lists of numbers as the libraries read them, all numbers in lists as doubles, and NaN as something that equals itself.
func plain(v any) any {
	switch v := v.(type) {
	case []any, []float64:
		out := make([]any, Len(v))
		for i := range out {
			out[i] = plain(Item(v, i))
			if f, err := Number(Item(v, i)); err == nil && !math.IsNaN(f) {
				out[i] = f
			}
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, x := range v {
			out[key] = plain(x)
		}
		return out
	}
	if f, err := Number(v); err == nil && math.IsNaN(f) {
		return "NaN"
	}
	return v
}

func same(a, b any) bool { return reflect.DeepEqual(plain(a), plain(b)) }

var texts = []string{
	`null`, ` [ ] `, `{}`, `[1]`, `[1, 2.5,-3e-7 , 4E+2]`, `[1,"a",2]`, `[[1,2],[3,4]]`, `[1,[2,[3,[]]],{}]`, `[true,false,null,1]`,
	`"a\"b\\\u00e9ü` + "\xff" + `"`, `"\\"`, `["\\",1]`, `{"\\":"\"]"}`, `{"a":1,"a":2}`, ` 1 `, `1e400`, `[1e400]`, `[1e5,"x",1e5]`,
	`{"number":3,"results":[0.25]}`, `{"number":3,"results":[{"fitness":[0.25,1],"outputs":[]}, {"error":"no spikes"}]}`,
	`{"a" : [ 1 , 2 ] , "b" : { "c" : null } }`, `[1,]`, `{"a"}`, `[1 2]`, `[1`, `"`, `01`, `[-]`,
}

func FuzzJSONIsReadAsTheLibraryReadsIt(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var want any
		wrong := json.Unmarshal(b, &want)
		got, err := JSON.Unmarshal(b)
		if errors.As(wrong, new(*json.UnmarshalTypeError)) { // a number beyond the range of doubles, which is read as infinite
			if err != nil {
				t.Errorf("%q: %v, want its numbers", b, err)
			}
			return
		}
		if (err == nil) != (wrong == nil) || err == nil && !same(got, want) {
			t.Errorf("%q is read as %#v, %v; the library: %#v, %v", b, got, err, want, wrong)
		}
	})
}

func TestJSONNumbersBeyondTheDoublesAreInfinite(t *testing.T) {
	got, err := JSON.Unmarshal([]byte(`[1, -1e400, 1` + strings.Repeat("0", 400) + `, 1e-400]`))
	if want := []float64{1, math.Inf(-1), math.Inf(1), 0}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func FuzzMsgpackIsReadAsTheLibraryReadsIt(f *testing.F) {
	for _, text := range texts {
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			b, _ := codec.Marshal(v) // plain values
			f.Add(b)
		}
	}
	for _, v := range []any{
		[]any{1, int8(-3), uint64(math.MaxUint64), float32(0.5), 2.5}, []any{1, "a"}, []byte("abc"), []any{nil, 1},
		[]float64{math.NaN(), math.Inf(1)}, map[string]any{"a": []int{1000, 70000}},
	} {
		b, _ := codec.Marshal(v)
		f.Add(b)
	}
	f.Add([]byte("\x91\xdd\xff\xff\xff\xff"))
	f.Add([]byte("\x81\x01\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var want any
		wrong := codec.Unmarshal(b, &want)
		got, err := Msgpack.Unmarshal(b)
		if (err == nil) != (wrong == nil) || err == nil && !same(got, want) {
			t.Errorf("%q is read as %#v, %v; the library: %#v, %v", b, got, err, want, wrong)
		}
	})
}

// raced says that the race detector is at work.
var raced bool

// peak is the most memory that f takes, resident, beyond what there is before.
func peak(t *testing.T, f func()) int {
	t.Helper()
	read := func(key string) int {
		status, err := os.ReadFile("/proc/self/status")
		match := regexp.MustCompile(key + `:\s+(\d+) kB`).FindSubmatch(status)
		if err != nil || match == nil {
			t.Fatalf("%s: %v", key, err)
		}
		kB, _ := strconv.Atoi(string(match[1])) // digits
		return kB << 10
	}
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // starts the peak anew
		t.Skip(err)
	}
	before := read("VmRSS")
	f()
	return read("VmHWM") - before
}

// TestALargeAnswerTakesAFewTimesItsMemory reads answers of 30 MB as a server's are read: from the frame to the vector.
func TestALargeAnswerTakesAFewTimesItsMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a gigabyte")
	}
	if raced {
		t.Skip("the race detector takes many times the memory itself")
	}
	const size = 30_000_000
	filled := func(begin, element, end string) []byte {
		return []byte(begin + strings.Repeat(element, (size-len(begin)-len(end))/len(element)) + end)
	}
	vector, err := codec.Marshal(map[string]any{"results": []any{codec.Vector(make([]float64, size/8))}})
	if err != nil {
		t.Fatal(err)
	}
	elements := func(element string) []byte { // a list of them in msgpack
		n := size / len(element)
		head := binary.BigEndian.AppendUint32([]byte("\x81\xa7results\x91\xdd"), uint32(n))
		return append(head, strings.Repeat(element, n)...)
	}
	const tooBig, most = "too many values", 10 // times the memory of the message
	for _, c := range []struct {
		name    string
		e       Encoding
		message []byte
		want    string
	}{
		{"a vector", JSON, filled(`{"results":[[`, "0.12345678901234567,", "1]]}"), ""},
		{"small numbers", JSON, filled(`{"results":[[`, "1,", "1]]}"), ""},
		{"empty lists", JSON, filled(`{"results":[[`, "[],", "[]]]}"), tooBig},
		{"empty objects", JSON, filled(`{"results":[[`, "{},", "1]]}"), tooBig},
		{"objects", JSON, filled(`{"results":[`, `{"a":1},`, "1]}"), tooBig},
		{"a text", JSON, filled(`{"results":["`, "no spikes", `"]}`), ""},
		{"a vector", Msgpack, vector, ""},
		{"small numbers", Msgpack, elements("\x01"), tooBig},
		{"nothings", Msgpack, elements("\xc0"), tooBig},
		{"empty objects", Msgpack, elements("\x80"), tooBig},
		{"doubles", Msgpack, elements("\xcb\x00\x00\x00\x00\x00\x00\x00\x01"), ""},
	} {
		frame := appendFrame(nil, c.message)
		var err error
		began := time.Now()
		got := peak(t, func() {
			var b []byte
			if b, err = readFrame(bytes.NewReader(frame), 64<<20, nil); err == nil {
				var v any
				if v, err = c.e.Unmarshal(b); err == nil {
					_, _ = Vector(Item(v.(map[string]any)["results"], 0)) // or it is none
				}
			}
		})
		times := float64(got) / float64(len(c.message))
		t.Logf("%s of %s: %.1f times its %d bytes, %v, %v", c.name, c.e, times, len(c.message), err, time.Since(began))
		if times > most {
			t.Errorf("%s of %s take %.1f times the memory of the message, want at most %v", c.name, c.e, times, most)
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %s: %v, want %q", c.name, c.e, err, c.want)
		}
	}
}
