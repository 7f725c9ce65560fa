package process

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/meta-optimization/l2l-mpi/l2l/child"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/optimizee"
)

func TestVectorsAreBytesInMsgpackAndNumbersInJSON(t *testing.T) {
	space := optimizee.Space{
		{Name: "w", Size: 2, Lower: -1, Upper: 1}, {Name: "k", Kind: optimizee.Int, Size: 2, Lower: 0, Upper: 9}, {Name: "x", Lower: 0, Upper: 100},
	}
	params, err := space.Decode([]float64{0.1, -1, 3, 4, 10})
	if err != nil {
		t.Fatal(err)
	}
	message := request{Evaluations: []evaluation{newEvaluation(optimizee.Evaluation{Params: params, Seed: math.MaxUint64, Instance: 2})}}
	b, err := child.JSON.Marshal(message)
	if want := `{"evaluations":[{"params":{"w":[0.1,-1.0],"k":[3,4],"x":10.0},"seed":18446744073709551615,"instance":2}]}`; err != nil || string(b) != want {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
	b, err = child.Msgpack.Marshal(message)
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
		for _, e := range []child.Encoding{child.JSON, child.Msgpack} {
			v, err := e.Unmarshal(b)
			if err != nil {
				continue
			}
			out, err := outcomeOf(v, objectives)
			if err == nil && len(out.Fitness) != 2 {
				t.Errorf("%s: %+v", e, out)
			}
			if err != nil && strings.TrimSpace(err.Error()) == "" && !errors.As(err, new(child.Told)) {
				t.Errorf("%s: an error without a text", e)
			}
			_ = child.Shown(v)
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
