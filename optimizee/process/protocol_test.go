package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func TestFramesComeBackAsTheyWereHoweverTheyArrive(t *testing.T) {
	var stream []byte
	messages := [][]byte{{}, {1}, bytes.Repeat([]byte("x"), 3<<20)}
	for _, m := range messages {
		stream = appendFrame(stream, m)
	}
	for name, r := range map[string]io.Reader{"at once": bytes.NewReader(stream), "in halves": iotest.HalfReader(bytes.NewReader(stream))} {
		var buf []byte
		for i, want := range messages {
			got, err := readFrame(r, 4<<20, buf)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: message %d: %d bytes, %v; want %d", name, i, len(got), err, len(want))
			}
			buf = got
		}
		if _, err := readFrame(r, 4<<20, buf); err != io.EOF {
			t.Errorf("%s: after the last: %v", name, err)
		}
	}
	for cut := 1; cut < 5; cut++ {
		if _, err := readFrame(bytes.NewReader(appendFrame(nil, []byte("a"))[:cut]), 10, nil); cut < 5 && err != io.ErrUnexpectedEOF {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
	if _, err := readFrame(strings.NewReader("\x0b\x00\x00\x00"), 10, nil); !errors.Is(err, errTooLong) {
		t.Errorf("too long: %v", err)
	}
}

func TestVectorsAreBytesInMsgpackAndNumbersInJSON(t *testing.T) {
	space := optimizee.Space{
		{Name: "w", Size: 2, Lower: -1, Upper: 1}, {Name: "k", Kind: optimizee.Int, Size: 2, Lower: 0, Upper: 9}, {Name: "x", Lower: 0, Upper: 100},
	}
	params, err := space.Decode([]float64{0.1, -1, 3, 4, 10})
	if err != nil {
		t.Fatal(err)
	}
	message := request{[]evaluation{newEvaluation(optimizee.Evaluation{Params: params, Seed: math.MaxUint64, Instance: 2})}}
	b, err := asJSON.marshal(message)
	if want := `{"evaluations":[{"params":{"w":[0.1,-1],"k":[3,4],"x":10},"seed":18446744073709551615,"instance":2}]}`; err != nil || string(b) != want {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
	b, err = asMsgpack.marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string][]map[string]any
	if err := codec.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	e := v["evaluations"][0]
	got := e["params"].(map[string]any)
	if w := got["w"]; !reflect.DeepEqual(w, codec.Vector{0.1, -1}.Append(nil)) || got["x"] != 10.0 || e["seed"] != uint64(math.MaxUint64) {
		t.Errorf("%v", v)
	}
}

// results are what programs may answer with.
var results = []string{
	`3`, `[1, 2]`, `{"fitness": 1}`, `{"fitness": [1, 2], "outputs": [3], "targets": [4]}`, `{"error": "no spikes"}`, `{"error": 3, "rate": 1e300}`,
	`{"fitness": {"error": 1, "rate": null}}`, `null`, `"x"`, `[[1]]`, `{"fitness": [1e400]}`, `[`, `NaN`, `{"fitness": 1, "outputs": "x"}`,
}

func FuzzResult(f *testing.F) {
	for _, r := range results {
		f.Add([]byte(r))
		var v any
		if json.Unmarshal([]byte(r), &v) == nil {
			b, err := codec.Marshal(v)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	b, err := codec.Marshal(map[string]any{"fitness": codec.Vector{1, 2}, "outputs": []byte("1234567")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	objectives := []optimizee.Objective{{Name: "error"}, {Name: "rate"}}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range []encoding{asJSON, asMsgpack} {
			v, err := e.unmarshal(b)
			if err != nil {
				continue
			}
			out, err := outcomeOf(v, objectives)
			if err == nil && len(out.Fitness) != 2 {
				t.Errorf("%s: %+v", e, out)
			}
			if err != nil && strings.TrimSpace(err.Error()) == "" && !errors.As(err, new(modelError)) {
				t.Errorf("%s: an error without a text", e)
			}
			_ = shown(v)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add(appendFrame(nil, []byte("abc")))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("hello world"))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 16
		message, err := readFrame(bytes.NewReader(b), limit, nil)
		if err == nil && (len(message) > limit || !bytes.HasPrefix(b, appendFrame(nil, message))) {
			t.Errorf("%q is read as %q", b, message)
		}
	})
}

// FuzzCapture reads a fitness from output and files of any content, in every place that it can be in.
func FuzzCapture(f *testing.F) {
	for _, r := range append(results, "time,rate,error\n1,2,3\n", "a\n\n1 2\n", "1,\"x", "error = 1, rate = 2\nerror = 3, rate = x") {
		f.Add([]byte(r), "fitness")
	}
	f.Add([]byte(`{"a": [{"b": 1}]}`), "a.0.b")
	dir := f.TempDir()
	objectives := []optimizee.Objective{{Name: "error"}, {Name: "rate"}}
	f.Fuzz(func(t *testing.T, b []byte, key string) {
		file := filepath.Join(dir, "out")
		if err := os.WriteFile(file, b, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, where := range []Fitness{{}, {JSON: "out"}, {JSON: "out", Key: key}, {CSV: file}, {Regex: `error = (.*), rate = (.*)`}, {Regex: key}} {
			c, err := newCapture(where, objectives)
			if err != nil {
				continue
			}
			if out, err := c.outcome(dir, b, 1<<20); err == nil && len(out.Fitness) != 2 {
				t.Errorf("%+v: %+v", where, out)
			}
		}
		if c, err := newCapture(Fitness{CSV: "out", Key: key}, objectives[:1]); err == nil && key != "" {
			if out, err := c.outcome(dir, b, 1<<20); err == nil && len(out.Fitness) != 1 {
				t.Errorf("a column: %+v", out)
			}
		}
	})
}

func TestAnExcerptKeepsTheBeginningAndTheEnd(t *testing.T) {
	for _, step := range []int{1, 3, 7, 10, 100, 1000} {
		e := excerpt{half: 10}
		var whole []byte
		for i := range 2000 {
			whole = append(whole, byte('a'+i%26))
		}
		for at := 0; at < len(whole); at += step {
			e.add(whole[at:min(at+step, len(whole))])
		}
		want := string(whole[:10]) + "\n… 1980 bytes are left out here …\n" + string(whole[1990:])
		if got := string(e.text()); got != want {
			t.Errorf("in steps of %d: %q, want %q", step, got, want)
		}
		if cap(e.tail) > 100 {
			t.Errorf("in steps of %d: %d bytes are held", step, cap(e.tail))
		}
		e.reset()
		e.add([]byte("abcdefghijklmnopqrst"))
		if got := string(e.text()); got != "abcdefghijklmnopqrst" {
			t.Errorf("a short text is %q", got)
		}
	}
}
